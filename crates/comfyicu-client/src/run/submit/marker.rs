//! The marker: a submit's key inside of the run itself, where the service keeps it. Pure.

use comfyicu_model::Run;
use comfyicu_model::json::{Object, Value};

use super::SubmitKey;

/// What the marker is called in `_meta` and in `extra_data`.
pub(super) const NAME: &str = "comfyicu_submit";

/// Writes the marker into the `_meta` of the first node in the body of a submit, which every service keeps and no
/// node sees.
pub(super) fn mark_prompt(body: &mut Object, key: &SubmitKey) {
    if let Some(meta) = first_node(body).and_then(|node| object_in(node, "_meta")) {
        meta.insert(NAME, key.as_str());
    }
}

/// Writes the marker into the `extra_data` of a submit, beside the prompt.
pub(super) fn mark(body: &mut Object, key: &SubmitKey) {
    if let Some(extra_data) = object_in(body, "extra_data") {
        extra_data.insert(NAME, key.as_str());
    }
}

/// Whether a run carries this marker.
pub(super) fn is_on(run: &Run, key: &SubmitKey) -> bool {
    let data = run.as_object().get("data").and_then(Value::as_object);
    let is_here = |object: &Object| object.get_str(NAME) == Some(key.as_str());
    let in_extra = || data?.get("extra_data")?.as_object();
    let nodes = data.and_then(|data| data.get("prompt")?.as_object()).into_iter().flat_map(Object::iter);
    let mut metas = nodes.filter_map(|(_, node)| node.as_object()?.get("_meta")?.as_object());
    in_extra().is_some_and(is_here) || metas.any(is_here)
}

fn first_node(body: &mut Object) -> Option<&mut Object> {
    let prompt = body.get_mut("prompt")?.as_object_mut()?;
    let is_node =
        |(id, node): (&str, &Value)| node.as_object()?.contains_key("class_type").then(|| id.to_owned());
    let first = prompt.iter().find_map(is_node)?;
    prompt.get_mut(&first)?.as_object_mut()
}

/// The object under a key; put there where there is none.
fn object_in<'a>(object: &'a mut Object, key: &str) -> Option<&'a mut Object> {
    if object.get(key).is_none_or(|value| value.as_object().is_none()) {
        object.insert(key, Object::new());
    }
    object.get_mut(key)?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use comfyicu_model::json::{Limits, read};

    use super::*;

    fn object(json: &str) -> Object {
        let Value::Object(object) = read(json.as_bytes(), Limits::default()).unwrap() else {
            panic!("{json}")
        };
        object
    }

    #[test]
    fn the_marker_goes_where_it_is_kept_and_found_again() {
        let key = SubmitKey::parse("k1").unwrap();
        let mut body = object(
            r#"{"prompt":{"version":1,"3":{"class_type":"K","_meta":{"title":"t"}},"4":{"class_type":"L"}}}"#,
        );
        mark_prompt(&mut body, &key);
        mark(&mut body, &key);
        insta::assert_snapshot!(Value::Object(body.clone()).to_json(), @r#"{"prompt":{"version":1,"3":{"class_type":"K","_meta":{"title":"t","comfyicu_submit":"k1"}},"4":{"class_type":"L"}},"extra_data":{"comfyicu_submit":"k1"}}"#);
        let run = |data: Object| {
            Run::from_value(Value::from(Object::from_iter([("id", Value::from("r")), ("data", data.into())])))
                .unwrap()
        };
        assert!(is_on(&run(body.clone()), &key));
        assert!(!is_on(&run(body.clone()), &SubmitKey::parse("k2").unwrap()));
        let mut only_meta = body.clone();
        only_meta.remove("extra_data");
        assert!(is_on(&run(only_meta), &key));
        body.remove("prompt");
        assert!(is_on(&run(body), &key));
        assert!(!is_on(&Run::parse(br#"{"id": "r"}"#).unwrap(), &key));
    }

    #[test]
    fn what_is_no_object_makes_room() {
        let mut body = object(r#"{"prompt":{"3":{"class_type":"K","_meta":null}},"extra_data":7}"#);
        mark_prompt(&mut body, &SubmitKey::parse("k").unwrap());
        mark(&mut body, &SubmitKey::parse("k").unwrap());
        insta::assert_snapshot!(Value::Object(body).to_json(), @r#"{"prompt":{"3":{"class_type":"K","_meta":{"comfyicu_submit":"k"}}},"extra_data":{"comfyicu_submit":"k"}}"#);
    }
}
