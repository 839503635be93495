//! Positions lead to the text of what they are of.

use proptest::prelude::*;

use super::*;
use crate::json::{self, Limits, Value, read};
use crate::prompt::parse::tests::any_prompt;
use crate::{NodeId, Prompt, ReadOptions};

const TEXT: &str = r#"{
  "3": {
    "class_type": "KSampler", "inputs": {"seed": 1, "a\u0062": ["4", 0]}
  },
  "4": {"inputs": {"x": 0}, "inputs": {"y": [1, 2]}},
  "5": 7
}"#;

fn map() -> SourceMap {
    Prompt::read(TEXT.as_bytes(), ReadOptions::default().source_map(true)).unwrap().source_map.unwrap()
}

fn text(position: Position) -> String {
    format!("{position} {}", &TEXT[position.range()])
}

#[test]
fn each_key_and_value_is_where_it_says() {
    let map = map();
    assert_eq!(map.prompt().range(), 0..TEXT.len());
    let node = map.node("3").unwrap();
    assert_eq!(text(node.key), "2:3 \"3\"");
    assert!(text(node.value).starts_with("2:8 {\n") && text(node.value).ends_with("}\n  }"));
    assert_eq!(text(map.class_type("3").unwrap().value), "3:19 \"KSampler\"");
    assert_eq!(text(map.inputs("3").unwrap().key), "3:31 \"inputs\"");
    let input = map.input("3", "ab").unwrap();
    assert_eq!((text(input.key), text(input.value)), ("3:53 \"a\\u0062\"".into(), "3:64 [\"4\", 0]".into()));
    assert_eq!(text(map.node("5").unwrap().value), "6:8 7");
}

#[test]
fn the_last_of_two_counts_and_what_is_absent_has_no_place() {
    let map = map();
    assert_eq!(map.input("4", "x"), None);
    assert_eq!(text(map.input("4", "y").unwrap().value), "5:45 [1, 2]");
    assert_eq!((map.class_type("4"), map.input("5", "x"), map.node("6")), (None, None, None));
}

#[test]
fn findings_are_located() {
    let at = |code: &'static str, node: &str, input: &str| {
        let finding = Finding::new(code, "m").at_node(NodeId::from(node), None);
        if input.is_empty() { finding } else { finding.at_input(input) }
    };
    let mut findings = [
        at("value_bigger_than_max", "3", "seed"),
        at("required_input_missing", "3", "steps"),
        at("missing_node_type", "3", ""),
        at("missing_node_type", "4", ""),
        at("dependency_cycle", "9", ""),
        Finding::new("prompt_no_outputs", "m"),
    ];
    map().locate(&mut findings);
    let places = findings.map(|finding| finding.position.map(text).unwrap_or_default());
    assert_eq!(places, ["3:50 1", "2:3 \"3\"", "3:19 \"KSampler\"", "5:3 \"4\"", "", ""]);
}

proptest! {
    #[test]
    fn what_is_cut_out_at_a_position_is_what_was_read(prompt in any_prompt(), pretty in any::<bool>()) {
        let text = if pretty { prompt.to_json_pretty() } else { prompt.to_json() };
        let text = format!("{{\"prompt\":{text}}}");
        let map = Prompt::read(text.as_bytes(), ReadOptions::default().source_map(true)).unwrap().source_map.unwrap();
        let at = |position: Position| read(text[position.range()].as_bytes(), Limits::default()).unwrap();
        prop_assert_eq!(at(map.prompt()), Value::from(prompt.as_object().clone()));
        for node in prompt.nodes() {
            let place = map.node(node.id()).unwrap();
            prop_assert_eq!(at(place.key), Value::from(node.id()));
            prop_assert_eq!(at(place.value), Value::from(node.as_object().clone()));
            let inputs = node.as_object().get("inputs").and_then(Value::as_object);
            for (name, value) in inputs.into_iter().flat_map(json::Object::iter) {
                let place = map.input(node.id(), name).unwrap();
                prop_assert_eq!((at(place.key), &at(place.value)), (Value::from(name), value));
            }
        }
    }
}
