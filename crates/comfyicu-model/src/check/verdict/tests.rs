//! ComfyUI's verdicts in small; real ones are in `tests/verdicts.rs`.

use super::*;
use crate::files::Files;

const DEFINITIONS: &[u8] = br#"{
    "Empty": {"input": {"required": {"size": ["INT", {"min": 1, "max": 9}]}}, "output": ["IMAGE", "MASK"]},
    "Scale": {"input": {
        "required": {"image": ["IMAGE"], "by": ["FLOAT", {"max": 8}], "how": [["near", "far"]]},
        "optional": {"mask": ["MASK"]}
    }, "output": ["IMAGE"]},
    "Load": {"input": {"required": {"image": [["a.png"], {"image_upload": true}]}}, "output": ["IMAGE"]},
    "Save": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": true}
}"#;

fn object_info() -> ObjectInfo {
    ObjectInfo::parse(DEFINITIONS).unwrap()
}

/// A prompt of `id: (class, inputs)`.
fn prompt(nodes: &[(&str, &str, &str)]) -> Prompt {
    let node = |(id, class, inputs): &(&str, &str, &str)| {
        format!(r#""{id}": {{"class_type": "{class}", "inputs": {inputs}}}"#)
    };
    let json = nodes.iter().map(node).collect::<Vec<_>>().join(",");
    Prompt::parse(format!("{{{json}}}").as_bytes()).unwrap()
}

fn verdict(nodes: &[(&str, &str, &str)]) -> Verdict {
    prompt(nodes).verdict(&object_info())
}

/// `node: code input`, and which outputs depend on it.
fn faults(verdict: &Verdict) -> Vec<String> {
    let of_node = |node: &NodeErrors| {
        let codes = node
            .errors
            .iter()
            .map(|error| format!("{} {}", error.code, error.input.as_deref().unwrap_or("-")));
        let outputs: Vec<_> = node.dependent_outputs.iter().map(NodeId::as_str).collect();
        format!("{}: {} → {}", node.node_id, codes.collect::<Vec<_>>().join(", "), outputs.join(" "))
    };
    verdict.node_errors().iter().map(of_node).collect()
}

const EMPTY: (&str, &str, &str) = ("1", "Empty", r#"{"size": 1}"#);

#[test]
fn a_good_prompt_is_accepted_with_its_outputs() {
    let verdict =
        verdict(&[("9", "Save", r#"{"images": ["1", 0]}"#), EMPTY, ("8", "Save", r#"{"images": ["1", 0]}"#)]);
    assert!(verdict.is_accepted() && verdict.node_errors().is_empty() && verdict.error().is_none());
    assert_eq!((verdict.status(), verdict.outputs()), (200, &["9".into(), "8".into()][..]));
    assert_eq!(Value::from(verdict.to_object()).to_json(), r#"{"node_errors":{}}"#);
}

#[test]
fn the_good_outputs_run_without_the_others() {
    let verdict = verdict(&[
        EMPTY,
        ("2", "Scale", r#"{"image": ["1", 0], "by": 9, "how": "near"}"#),
        ("3", "Save", r#"{"images": ["2", 0]}"#),
        ("4", "Save", r#"{"images": ["1", 0]}"#),
        ("5", "Save", r#"{"images": ["2", 0]}"#),
    ]);
    assert!(verdict.is_accepted());
    assert_eq!(verdict.outputs(), ["4".into()]);
    assert_eq!(faults(&verdict), ["2: value_bigger_than_max by → 3 5"]);
}

#[test]
fn all_that_is_wrong_is_named() {
    let verdict = verdict(&[
        ("1", "Empty", r#"{"size": "wide"}"#),
        ("2", "Scale", r#"{"image": ["1", 1], "by": null, "how": "up", "mask": ["1", 0, 0]}"#),
        ("3", "Load", r#"{"image": "b.png"}"#),
        ("4", "Save", r#"{"images": ["2", 0]}"#),
        ("5", "Save", r#"{"images": ["3", 0]}"#),
        ("6", "Save", "{}"),
        ("7", "Empty", "{}"),
        ("8", "Save", r#"{"images": ["1", 0]}"#),
    ]);
    insta::assert_snapshot!(faults(&verdict).join("\n"), @"
    1: invalid_input_type size → 4 8
    2: return_type_mismatch image, invalid_input_type by, value_not_in_list how, bad_linked_input mask → 4
    3: custom_validation_failed image → 5
    6: required_input_missing images → 6
    ");
    insta::assert_snapshot!(verdict.node_errors()[0].errors[0].message, @"Failed to convert an input value to a INT value");
    let error = verdict.error().unwrap();
    assert_eq!((error.code, verdict.status()), ("prompt_outputs_failed_validation", 400));
}

#[test]
fn a_link_of_the_wrong_type_is_not_followed() {
    let verdict = verdict(&[("1", "Empty", r#"{"size": 99}"#), ("2", "Save", r#"{"images": ["1", 1]}"#)]);
    assert_eq!(faults(&verdict), ["2: return_type_mismatch images → 2"]);
}

#[test]
fn an_exception_hides_what_was_found_before_it() {
    for link in [
        r#"["gone", 0]"#,
        r#"["1", 7]"#,
        r#"["1", "0"]"#,
        "[1, 0]",
        r#"["1", 0.0]"#,
        r#"["1", -3]"#,
        "[[], 0]",
    ] {
        let inputs = format!(r#"{{"by": 99, "how": "up", "image": {link}}}"#);
        let scale = ("2", "Scale", inputs.as_str());
        let inner = verdict(&[EMPTY, scale, ("3", "Save", r#"{"images": ["2", 0]}"#)]);
        assert_eq!(faults(&inner), ["2: exception_during_inner_validation images → 3"], "{link}");
        let inputs = format!(r#"{{"images": {link}}}"#);
        let outer = verdict(&[EMPTY, ("3", "Save", inputs.as_str())]);
        assert_eq!(faults(&outer), ["3: exception_during_validation - → 3"], "{link}");
    }
    for link in [r#"["1", -2]"#, r#"["1", false]"#] {
        let inputs = format!(r#"{{"images": {link}}}"#);
        assert!(verdict(&[EMPTY, ("3", "Save", inputs.as_str())]).is_accepted(), "{link}");
    }
}

#[test]
fn a_node_without_inputs_is_an_exception() {
    let json =
        br#"{"1": {"class_type": "Empty"}, "2": {"class_type": "Save", "inputs": {"images": ["1", 0]}}}"#;
    let verdict = Prompt::parse(json).unwrap().verdict(&object_info());
    assert_eq!(faults(&verdict), ["1: exception_during_inner_validation images → 2"]);
}

#[test]
fn what_only_a_run_shows_is_accepted() {
    let prompt = |image: &str| {
        let inputs = format!(r#"{{"image": {image}, "by": "1.5", "how": "far", "more": 1}}"#);
        verdict(&[("2", "Scale", inputs.as_str()), ("3", "Save", r#"{"images": ["2", 0]}"#)])
    };
    for image in ["\"a.png\"", "5", "null", "{}"] {
        assert!(prompt(image).is_accepted(), "{image}");
    }
}

#[test]
fn each_node_of_a_cycle_fails() {
    let scale = |id, image: &'static str| (id, "Scale", image);
    let verdict = verdict(&[
        ("0", "Save", r#"{"images": ["1", 0]}"#),
        scale("1", r#"{"image": ["2", 0], "by": 1, "how": "far"}"#),
        scale("2", r#"{"image": ["1", 0], "by": 1, "how": "far"}"#),
    ]);
    assert_eq!(faults(&verdict), ["1: dependency_cycle - → 0", "2: dependency_cycle - → 0"]);
}

#[test]
fn classes_are_looked_at_first() {
    let refusal = |nodes: &[(&str, &str, &str)]| {
        let verdict = verdict(nodes);
        let error = verdict.error().unwrap();
        format!("{} {}: {} ({})", verdict.status(), error.code, error.message, error.details)
    };
    insta::assert_snapshot!(refusal(&[EMPTY]), @"400 prompt_no_outputs: Prompt has no outputs ()");
    insta::assert_snapshot!(refusal(&[("1", "Gone", "{}"), ("2", "Save", "{}")]), @"400 missing_node_type: Node 'Gone' not found. The custom node may not be installed. (Node ID '#1')");
    let json = br#"{"7": {"inputs": {}, "_meta": {"title": "Mine"}}}"#;
    let verdict = Prompt::parse(json).unwrap().verdict(&object_info());
    insta::assert_snapshot!(verdict.error().unwrap().message, @"Node 'Mine' has no class_type. The workflow may be corrupted or a custom node is missing.");
    for entry in ["\"1.2\"", "null", "[]", r#"{"class_type": ["Save"], "inputs": {}}"#] {
        let json = format!(r#"{{"1": {{"class_type": "Empty", "inputs": {{}}}}, "version": {entry}}}"#);
        let verdict = Prompt::parse(json.as_bytes()).unwrap().verdict(&object_info());
        assert_eq!(verdict.status(), 500, "{entry}");
    }
}

#[test]
fn old_servers_have_other_words() {
    let old = String::from_utf8_lossy(DEFINITIONS).replacen(
        r#"{"input""#,
        r#"{"python_module": "nodes", "input""#,
        1,
    );
    let old = ObjectInfo::parse(old.as_bytes()).unwrap();
    let verdict = prompt(&[("1", "Gone", "{}")]).verdict(&old);
    assert_eq!(verdict.error().map(|error| error.code), Some("invalid_prompt"));
}

#[test]
fn files_that_are_placed_are_there() {
    let placed = |path: &str| -> Files {
        [(path.parse().unwrap(), "http://h/x".parse().unwrap())].into_iter().collect()
    };
    let object_info = object_info();
    let accepts = |name: &str, files: &Files| {
        let image = format!(r#"{{"image": "{name}"}}"#);
        let nodes = [("1", "Load", image.as_str()), ("2", "Save", r#"{"images": ["1", 0]}"#)];
        prompt(&nodes).verdict_with_files(&object_info, &files.paths().collect::<Vec<_>>()).is_accepted()
    };
    assert!(accepts("a.png", &Files::new()) && !accepts("b.png", &Files::new()));
    let files = placed("/input/sub/b.png");
    assert!(accepts("sub/b.png", &files) && accepts("sub/b.png [input]", &files));
    assert!(!accepts("b.png", &files) && !accepts("sub/b.png [output]", &files));
}

#[test]
fn a_chain_longer_than_any_stack_gets_its_verdict() {
    let scale = |at: u32| {
        let needs = if at == 1 { "e".to_owned() } else { (at - 1).to_string() };
        format!(
            r#""{at}": {{"class_type": "Scale", "inputs": {{"image": ["{needs}", 0], "by": 1, "how": "far"}}}}"#
        )
    };
    let mut nodes: Vec<_> = (1..=10_000).map(scale).collect();
    nodes.push(r#""e": {"class_type": "Empty", "inputs": {"size": 0}}"#.to_owned());
    nodes.push(r#""s": {"class_type": "Save", "inputs": {"images": ["10000", 0]}}"#.to_owned());
    let prompt = Prompt::parse(format!("{{{}}}", nodes.join(",")).as_bytes()).unwrap();
    assert_eq!(faults(&prompt.verdict(&object_info())), ["e: value_smaller_than_min size → s"]);
    assert_eq!(prompt.check_with(&object_info()).len(), 1);
}
