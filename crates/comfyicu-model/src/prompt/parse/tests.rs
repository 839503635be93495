//! What is a prompt, and what is named as something else.

use proptest::prelude::*;

use super::*;
use crate::ReadOptions;
use crate::json::any_value;

/// Any prompt: a node at least, whatever its id, and whatever else.
pub(in crate::prompt) fn any_prompt() -> impl Strategy<Value = Prompt> {
    let inputs = prop::collection::vec((any::<String>(), any_value()), 0..4);
    let node = (any::<String>(), inputs, any_value()).prop_map(|(class_type, inputs, meta)| {
        let inputs: Object = inputs.into_iter().collect();
        Value::from(Object::from_iter([
            ("class_type", class_type.into()),
            ("inputs", inputs.into()),
            ("_meta", meta),
        ]))
    });
    let nodes = prop::collection::vec((any::<String>(), node), 1..4);
    (prop::collection::vec((any::<String>(), any_value()), 0..3), nodes)
        .prop_map(|(others, nodes)| Prompt(others.into_iter().chain(nodes).collect()))
}

proptest! {
    #[test]
    fn any_prompt_reads_back_as_it_was_written(prompt in any_prompt(), pretty in any::<bool>()) {
        let text = if pretty { prompt.to_json_pretty() } else { prompt.to_json() };
        let read = Prompt::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(read.to_json(), prompt.to_json());
        prop_assert_eq!(&read, &prompt);
        let in_string = Value::from(text).to_json();
        let wrapped = format!("{{\"data\": {{\"prompt\": {in_string}}}}}");
        let read = Prompt::read(wrapped.as_bytes(), ReadOptions::default()).unwrap();
        prop_assert_eq!(read.prompt, prompt);
    }
}

fn error(json: &str) -> ParsePromptError {
    Prompt::parse(json.as_bytes()).expect_err("must be refused")
}

#[test]
fn everything_comes_back_as_it_was() {
    let json = r#"{"12:3":{"class_type":"KSampler","inputs":{"seed":18446744073709551616,"cfg":8.0,"model":["4",0]},"_meta":{"title":"é"},"is_changed":[NaN]},"version":"1.2"}"#;
    let prompt = Prompt::parse(json.as_bytes()).unwrap();
    assert_eq!(prompt.to_json(), json);
    assert_eq!(prompt.nodes().count(), 1, "`version` is kept, but is no node");
    assert_eq!(prompt.extra_entries().map(|(key, _)| key).collect::<Vec<_>>(), ["version"]);
    assert_eq!(prompt.node("12:3").and_then(|node| node.title()), Some("é"));
    assert_eq!(prompt.non_finite()[0].0.to_string(), "12:3.is_changed[0]");
}

#[test]
fn a_prompt_may_be_empty_or_broken() {
    for json in ["{}", r#"{"1":{"inputs":{}}}"#, r#"{"1":{"class_type":"A","inputs":[]},"2":null}"#] {
        assert_eq!(Prompt::parse(json.as_bytes()).unwrap().to_json(), json);
    }
}

#[test]
fn what_is_not_a_prompt_is_named() {
    insta::assert_snapshot!(error("[1]"), @"a prompt is an object of node id → node, but this is an array");
    insta::assert_snapshot!(error("\"a red fox\""), @"a prompt is an object of node id → node, but this is a string");
    insta::assert_snapshot!(error(r#"{"a": 1}"#), @"no entry is a node: a node is an object with `class_type` and `inputs`");
    insta::assert_snapshot!(error("{"), @"the prompt is not valid JSON");
    insta::assert_snapshot!(error(r#"{"nodes": [], "links": [], "version": 0.4}"#), @"this is a UI workflow, the editor's own file, and not a prompt: export it in ComfyUI with Workflow → Export (API)");
    insta::assert_snapshot!(error(r#"{"workflow": {"nodes": [], "links": []}}"#), @"`workflow` is a UI workflow, the editor's own file, and not a prompt: export it in ComfyUI with Workflow → Export (API)");
}

#[test]
fn a_wrapped_prompt_is_pointed_at() {
    insta::assert_snapshot!(error(r#"{"data": {"prompt": {"1": {"class_type": "A"}}}}"#), @"this is not a prompt, but holds one at `data.prompt`: `Prompt::read` takes it from there");
    insta::assert_snapshot!(error(r#"{"input": {"workflow": "{\"1\": {\"class_type\": \"A\"}}"}}"#), @"this is not a prompt, but holds one at `input.workflow`, as JSON text in a string: `Prompt::read` takes it from there");
    insta::assert_snapshot!(error(r#""{\"1\": {\"class_type\": \"A\"}}""#), @"this is not a prompt, but holds one at the top level, as JSON text in a string: `Prompt::read` takes it from there");
}

#[test]
fn a_doubled_node_is_never_dropped_silently() {
    let doubled =
        "{\"1\": {\"class_type\": \"A\", \"inputs\": {}},\n \"1\": {\"class_type\": \"B\", \"inputs\": {}}}";
    insta::assert_snapshot!(error(doubled), @"the node id `1` stands twice, at 1:2 and 2:2: give one of the two nodes another id");
    let hidden = r#"{"1": {"class_type": "A"}, "2": {"class_type": "A"}, "1": null}"#;
    assert!(matches!(error(hidden), ParsePromptError::DoubledNode { id, .. } if id == "1"));
    for json in [
        r#"{"1": {"class_type": "A", "inputs": {"x": 1, "x": 2}}}"#,
        r#"{"version": 1, "1": {"class_type": "A"}, "version": 2}"#,
    ] {
        assert!(Prompt::parse(json.as_bytes()).is_ok(), "{json}");
    }
}
