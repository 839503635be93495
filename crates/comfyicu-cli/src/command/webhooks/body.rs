//! The body of a webhook that is sent by hand: a run, real or made up, with what is changed in it.

use std::time::{SystemTime, UNIX_EPOCH};

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Run, RunId, Timestamp, WebhookEvent};

use crate::args::{Edit, WebhookKind, Workflow};
use crate::command::Context;
use crate::connect;
use crate::failure::Failure;

/// What leads on from an edit of the body that cannot be made.
const PLACE_HINT: &str = "a place is such as status or output[0].url; leave --forward-to out of `comfyicu webhooks listen` to see bodies";

/// Makes the body: of a run of the service, or of none.
pub(super) async fn of(
    context: &Context,
    kind: WebhookKind,
    run: Option<RunId>,
    workflow: &Workflow,
    edits: &[Edit],
) -> Result<WebhookEvent, Failure> {
    let mut object = match run {
        Some(id) => {
            let client = connect::client(context)?;
            let workflow = connect::workflow(context, &client, workflow)?;
            client.run(workflow, id).get().await?.into_object()
        }
        None => made_up(kind),
    };
    let status = kind.status();
    if object.get_str("status") != Some(status.as_str()) {
        object.insert("status", status.as_str());
        if kind == WebhookKind::Started {
            object.insert("output", Value::Null);
            object.insert("completed_at", Value::Null);
        }
    }
    let mut body = Value::Object(object);
    for edit in edits {
        set(&mut body, &edit.path, Value::from_argument(&edit.value)).ok_or_else(|| {
            Failure::usage(format!("--set {}: the body has no such place", edit.path)).hint(PLACE_HINT)
        })?;
    }
    let run = Run::from_value(body);
    let run =
        run.map_err(|error| Failure::usage("the body is no run any more").because(&error).hint(PLACE_HINT))?;
    Ok(WebhookEvent::from(run))
}

/// A run as the service writes one.
fn made_up(kind: WebhookKind) -> Object {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let at = |ago: i64| Value::from(Timestamp::from_unix_millis(now.saturating_sub(ago)).to_string());
    let has_ended = kind != WebhookKind::Started;
    let output = match kind {
        WebhookKind::Completed => Value::Array(vec![
            Object::from_iter([
                ("filename", "/workflows/sample/output/sample-run/ComfyUI_00001_.png"),
                ("url", "https://example.com/ComfyUI_00001_.png"),
                ("thumbnail_url", "https://example.com/ComfyUI_00001_.webp"),
            ])
            .into(),
        ]),
        WebhookKind::Error => {
            let error = Object::from_iter([
                ("exception_type", "RuntimeError"),
                ("exception_message", "this failure is made up"),
                ("node_id", "3"),
                ("node_type", "KSampler"),
            ]);
            Object::from_iter([("error", error)]).into()
        }
        _ => Value::Null,
    };
    Object::from_iter([
        ("id", Value::from("sample-run")),
        ("workflow_id", "sample".into()),
        ("status", kind.status().as_str().into()),
        ("created_at", at(10_000)),
        ("updated_at", at(0)),
        ("started_at", at(9_000)),
        ("completed_at", if has_ended { at(0) } else { Value::Null }),
        ("output", output),
        ("error", Value::Null),
        ("files", Object::new().into()),
        ("accelerator", "L4".into()),
        ("webhook", Value::Null),
    ])
}

/// Sets what a path such as `output[0].url` leads to; its last key may be new. `None` when it leads nowhere.
fn set(body: &mut Value, path: &str, value: Value) -> Option<()> {
    let (before, last) = path.rsplit_once('.').map_or((None, path), |(before, last)| (Some(before), last));
    let mut place = body;
    for part in before.into_iter().flat_map(|before| before.split('.')) {
        place = step(place, part)?;
    }
    let (key, indexes) = last.split_once('[').map_or((last, None), |(key, rest)| (key, Some(rest)));
    if indexes.is_some() {
        *step(place, last)? = value;
    } else {
        place.as_object_mut()?.insert(key, value);
    }
    Some(())
}

/// Goes down one part of a path: a key, and indexes behind it.
fn step<'a>(place: &'a mut Value, part: &str) -> Option<&'a mut Value> {
    let (key, indexes) = part.split_once('[').map_or((part, ""), |(key, rest)| (key, rest));
    let mut place = if key.is_empty() { place } else { place.as_object_mut()?.get_mut(key)? };
    for index in indexes.split('[').filter(|index| !index.is_empty()) {
        let index: usize = index.strip_suffix(']')?.parse().ok()?;
        let Value::Array(values) = place else { return None };
        place = values.get_mut(index)?;
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_a_run_of_its_status() {
        for kind in [WebhookKind::Started, WebhookKind::Completed, WebhookKind::Error, WebhookKind::Cancelled]
        {
            let run = Run::from_value(made_up(kind).into()).unwrap();
            assert_eq!(run.status(), Some(kind.status()));
            assert_eq!(run.completed_at().is_some(), kind != WebhookKind::Started);
            assert_eq!(run.failure().is_some(), kind == WebhookKind::Error);
        }
    }

    #[test]
    fn places_in_the_body_are_set() {
        let mut body = Value::from(made_up(WebhookKind::Completed));
        set(&mut body, "output[0].url", "https://h/x".into()).unwrap();
        set(&mut body, "new", 7_u64.into()).unwrap();
        set(&mut body, "files.a", "b".into()).unwrap();
        let object = body.as_object().unwrap();
        assert_eq!(object.get("new").unwrap().to_json(), "7");
        assert!(
            body.to_json().contains("\"url\":\"https://h/x\"") && body.to_json().contains("{\"a\":\"b\"}")
        );
        for nowhere in ["output[1].url", "output[x].url", "none.x", "id.x"] {
            assert!(set(&mut body, nowhere, Value::Null).is_none(), "{nowhere}");
        }
    }
}
