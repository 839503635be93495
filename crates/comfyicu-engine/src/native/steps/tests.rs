//! Steps of prompts that the check lets pass.

use super::*;

/// Load, scale, save.
const PROMPT: &str = r#"{
    "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
    "2": {"class_type": "ImageScale", "inputs":
          {"image": ["1", 0], "upscale_method": "area", "width": 64, "height": 48, "crop": "disabled"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}
}"#;

fn steps_of(json: &str, output: &str) -> Vec<Step> {
    let prompt = Prompt::parse(json.as_bytes()).unwrap();
    steps(&prompt, &[output.into()]).unwrap()
}

/// What stands at an input, once it has been brought to its type.
fn converted(from: &str, to: &str, input: &str) -> Option<Literal> {
    assert!(PROMPT.contains(from));
    let steps = steps_of(&PROMPT.replace(from, to), "3");
    steps.iter().flat_map(Step::literals).find_map(|(name, value)| (name == input).then(|| value.clone()))
}

#[test]
fn only_what_an_output_needs_becomes_steps_in_order() {
    let ids = |json: &str, output: &str| -> Vec<String> {
        steps_of(json, output).iter().map(|step| step.node_id.to_string()).collect()
    };
    assert_eq!(ids(PROMPT, "3"), ["1", "2", "3"]);
    let two = r#"{"9": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        "8": {"class_type": "PreviewImage", "inputs": {}},
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}}"#;
    assert_eq!(ids(two, "9"), ["1", "9"]);
}

#[test]
fn values_are_brought_to_their_type_as_comfyui_does() {
    let width = |json: &str| converted("\"width\": 64", &format!("\"width\": {json}"), "width");
    for (json, expected) in [
        ("\"130\"", 130),
        ("129.9", 129),
        ("true", 1),
        ("-0.5", 0),
        ("1e1", 10),
        ("{\"__value__\": 77}", 77),
        ("99999999999999999999", i64::MAX),
        ("-1e300", i64::MIN),
    ] {
        assert_eq!(width(json), Some(Literal::Int(expected)), "{json}");
    }
    let prefix = |json: &str| converted("\"x\"", json, "filename_prefix");
    assert_eq!(prefix(r#"{"a": 1}"#), Some(Literal::Text("{'a': 1}".to_owned())));
    assert_eq!(prefix(r#"{"__value__": [1, "b"]}"#), Some(Literal::Text("[1, 'b']".to_owned())));
    assert_eq!(prefix("null"), Some(Literal::Text("None".to_owned())));
}

#[test]
fn slots_are_counted_as_python_counts() {
    let slot = |link: &str| {
        let steps = steps_of(&PROMPT.replace(r#"["1", 0]"#, link), "3");
        steps.iter().flat_map(|step| &step.sources).find_map(|(name, source)| match source {
            Source::Link { slot, .. } if *name == "image" => Some(*slot),
            _ => None,
        })
    };
    assert_eq!([r#"["1", -1]"#, r#"["1", -2]"#, r#"["1", true]"#].map(slot), [Some(1), Some(0), Some(1)]);
    assert_eq!([r#"["1", 2]"#, r#"["1", -3]"#, r#"["1", 0.0]"#].map(slot), [None; 3]);
}

#[test]
fn what_cannot_be_brought_to_its_type_is_left_to_the_node() {
    assert!(matches!(converted("\"width\": 64", "\"width\": null", "width"), Some(Literal::Json(_))));
    assert!(matches!(converted(r#"["1", 0]"#, "5", "image"), Some(Literal::Json(_))));
    assert_eq!(converted(r#"["1", 0]"#, "null", "image"), None);
}

#[test]
fn a_cycle_over_inputs_that_no_class_has_is_found() {
    let cycle = PROMPT.replace("\"photo.png\"", "\"photo.png\", \"more\": [\"2\", 0]");
    let prompt = Prompt::parse(cycle.as_bytes()).unwrap();
    let findings = steps(&prompt, &["3".into()]).unwrap_err();
    insta::assert_snapshot!(findings[0], @"the nodes form a cycle: 2 → 1 → 2");
}
