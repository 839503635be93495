//! One faulty prompt each, and what is said about it.

use super::*;

/// A whole prompt, as a base for faults: load, scale, save.
const PROMPT: &str = r#"{
    "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
    "2": {"class_type": "ImageScale", "inputs":
          {"image": ["1", 0], "upscale_method": "area", "width": 64, "height": 48, "crop": "disabled"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}
}"#;

fn checked(json: &str) -> Result<Vec<Step>, String> {
    let prompt = Prompt::parse(json.as_bytes()).unwrap();
    check(&prompt).map_err(|findings| {
        findings.iter().map(|finding| format!("{}: {finding}", finding.code)).collect::<Vec<_>>().join("\n")
    })
}

fn faults(from: &str, to: &str) -> String {
    assert!(PROMPT.contains(from));
    checked(&PROMPT.replace(from, to)).unwrap_err()
}

/// What stands at the width after the check.
fn width(json: &str) -> Option<i64> {
    let steps = checked(&PROMPT.replace("\"width\": 64", &format!("\"width\": {json}"))).ok()?;
    steps.iter().flat_map(Step::literals).find_map(|(name, literal)| match literal {
        Literal::Int(value) if name == "width" => Some(*value),
        _ => None,
    })
}

#[test]
fn a_good_prompt_becomes_steps_in_order() {
    let ids = |json: &str| -> Vec<String> {
        checked(json).unwrap().iter().map(|step| step.node_id.to_string()).collect()
    };
    assert_eq!(ids(PROMPT), ["1", "2", "3"]);
    let preview = r#"{"9": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}}"#;
    assert_eq!(ids(preview), ["1", "9"]);
}

#[test]
fn an_unknown_class_is_named_with_what_to_do() {
    insta::assert_snapshot!(faults("ImageScale", "ImageScal"), @"missing_node_type: node 2 (ImageScal): the native executor has no node class `ImageScal` (was `ImageScale` meant? other classes need a real ComfyUI: `comfyicu-server serve --comfyui URL`, where your version has it)");
    let idle = PROMPT.replacen('{', r#"{"8": {"class_type": "KSampler", "inputs": {}},"#, 1);
    insta::assert_snapshot!(checked(&idle).unwrap_err(), @"missing_node_type: node 8 (KSampler): the native executor has no node class `KSampler` (other classes need a real ComfyUI: `comfyicu-server serve --comfyui URL`, where your version has it)");
    let without = PROMPT.replacen('{', r#"{"8": {"inputs": {}},"#, 1);
    insta::assert_snapshot!(checked(&without).unwrap_err(), @"missing_node_type: node 8: the node has no class_type");
}

#[test]
fn faulty_links_are_told_apart() {
    let with = |link: &str| faults(r#"["1", 0]"#, link);
    insta::assert_snapshot!(with(r#"["7", 0]"#), @"dangling_link: node 2 (ImageScale), input `image`: it is linked to node 7, which the prompt does not have");
    insta::assert_snapshot!(with(r#"["1", 2]"#), @"slot_out_of_range: node 2 (ImageScale), input `image`: it is linked to a slot that node 1 (LoadImage) does not have: its slots are 0 to 1");
    insta::assert_snapshot!(with(r#"["1", -1]"#), @"slot_out_of_range: node 2 (ImageScale), input `image`: it is linked to a slot that node 1 (LoadImage) does not have: its slots are 0 to 1");
    insta::assert_snapshot!(with(r#"["3", 0]"#), @"slot_out_of_range: node 2 (ImageScale), input `image`: it is linked to node 3 (SaveImage), which has no outputs");
    insta::assert_snapshot!(with(r#"["1", 1]"#), @"return_type_mismatch: node 2 (ImageScale), input `image`: it takes IMAGE, but slot 1 of node 1 (LoadImage) gives MASK");
    insta::assert_snapshot!(with(r#"["1"]"#), @"bad_linked_input: node 2 (ImageScale), input `image`: a list here must be a link: [node id as a string, slot as a number]");
    insta::assert_snapshot!(with("5"), @"invalid_input_type: node 2 (ImageScale), input `image`: it takes IMAGE from another node, not a number (link it: [node id, slot])");
    insta::assert_snapshot!(faults("\"x\"", r#"["1", 0]"#), @"return_type_mismatch: node 3 (SaveImage), input `filename_prefix`: it takes STRING, but slot 0 of node 1 (LoadImage) gives IMAGE");
    insta::assert_snapshot!(with(r#"["2", 0]"#), @"dependency_cycle: the nodes form a cycle: 2 → 2");
}

#[test]
fn all_findings_are_given_at_once() {
    insta::assert_snapshot!(faults(r#""width": 64, "height": 48,"#, r#""height": -1,"#), @r"
    required_input_missing: node 2 (ImageScale), input `width`: the required input is missing
    value_smaller_than_min: node 2 (ImageScale), input `height`: -1 is smaller than the minimum of 0
    ");
}

#[test]
fn faulty_values_are_told_apart() {
    insta::assert_snapshot!(faults("\"width\": 64", "\"width\": \"wide\""), @r#"invalid_input_type: node 2 (ImageScale), input `width`: "wide" is not an INT: it takes a whole number"#);
    insta::assert_snapshot!(faults("\"width\": 64", "\"width\": 99999999999999999999"), @"value_bigger_than_max: node 2 (ImageScale), input `width`: 99999999999999999999 is bigger than the maximum of 16384");
    insta::assert_snapshot!(faults("\"area\"", "\"magic\""), @r#"value_not_in_list: node 2 (ImageScale), input `upscale_method`: "magic" is not in the list: nearest-exact, bilinear, area, bicubic, lanczos"#);
    insta::assert_snapshot!(faults("\"photo.png\"", "\"../../secret.png\""), @"custom_validation_failed: node 1 (LoadImage), input `image`: not the name of an input file: `/input/../../secret.png` cannot be a destination: `.`, `..` and empty parts are not allowed");
    insta::assert_snapshot!(faults("\"photo.png\"", "5"), @"custom_validation_failed: node 1 (LoadImage), input `image`: not the name of an input file: it is a number");
    insta::assert_snapshot!(faults("\"x\"", r#"{"a": 1}"#), @"invalid_input_type: node 3 (SaveImage), input `filename_prefix`: it takes a STRING, not an object");
}

#[test]
fn numbers_are_coerced_as_comfyui_does() {
    let accepted = [
        ("\"130\"", 130),
        ("129.9", 129),
        ("true", 1),
        ("false", 0),
        ("-0.5", 0),
        ("1e1", 10),
        ("{\"__value__\": 77}", 77),
    ];
    for (json, expected) in accepted {
        assert_eq!(width(json), Some(expected), "{json}");
    }
    for json in ["null", "\"12.5\"", "\"\"", "NaN", "Infinity", "{\"a\": 1}", "[1, 2, 3]"] {
        assert_eq!(width(json), None, "{json}");
    }
}

#[test]
fn only_nodes_that_run_are_looked_at() {
    assert_eq!(
        checked(r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}}"#).unwrap_err(),
        "prompt_no_outputs: the prompt has no output node, so nothing would run (add a SaveImage or a PreviewImage)"
    );
    let idle =
        PROMPT.replacen('{', r#"{"8": {"class_type": "ImageInvert", "inputs": {"image": ["77", 0]}},"#, 1);
    assert_eq!(checked(&idle).unwrap().len(), 3);
}
