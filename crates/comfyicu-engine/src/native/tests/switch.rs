//! Switches: what is not chosen does not run.

use super::*;

/// A switch between an inverted image and a blurred one.
const SWITCH: &str = r#"{
    "1": {"class_type": "EmptyImage", "inputs": {"width": 4, "height": 4, "batch_size": 1, "color": 255}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 1, "sigma": 1.0}},
    "4": {"class_type": "PrimitiveBoolean", "inputs": {"value": true}},
    "5": {"class_type": "ComfySwitchNode", "inputs": {"switch": ["4", 0], "on_false": ["2", 0], "on_true": ["3", 0]}},
    "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "x"}}
}"#;

#[tokio::test]
async fn only_what_a_switch_chooses_runs() {
    let executor = NativeExecutor::new();
    assert_eq!(watched(&executor, job(SWITCH)).await, [vec!["4", "1", "3", "5", "6"], vec![]]);
    assert_eq!(watched(&executor, job(SWITCH)).await, [vec!["6"], vec!["5"]]);
    let off = SWITCH.replace("true}", "false}");
    assert_eq!(watched(&executor, job(&off)).await, [vec!["4", "2", "5", "6"], vec!["1"]]);
    let literal = SWITCH.replace(r#""switch": ["4", 0]"#, r#""switch": false"#);
    executor.clear_cache();
    assert_eq!(watched(&executor, job(&literal)).await[0], ["1", "2", "5", "6"]);
}

#[tokio::test]
async fn what_is_needed_beside_a_switch_runs_whichever_way_it_stands() {
    // The branch that is not chosen is saved by itself, and the switch stands behind another one.
    let other =
        SWITCH.replacen('{', r#"{"7": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},"#, 1);
    let executor = NativeExecutor::new();
    let [mut started, _] = watched(&executor, job(&other)).await;
    started.sort();
    assert_eq!(started, ["1", "2", "3", "4", "5", "6", "7"]);
    let nested = SWITCH.replace(r#""on_true": ["3", 0]"#, r#""on_true": ["8", 0]"#).replacen(
        '{',
        r#"{"8": {"class_type": "ComfySwitchNode", "inputs": {"switch": ["4", 0], "on_false": ["3", 0], "on_true": ["1", 0]}},"#,
        1,
    );
    executor.clear_cache();
    assert_eq!(watched(&executor, job(&nested)).await[0], ["4", "1", "8", "5", "6"]);
}

#[tokio::test]
async fn a_literal_that_a_switch_gives_is_a_number_to_the_next() {
    let prompt = r#"{
        "1": {"class_type": "ComfySwitchNode", "inputs": {"switch": true, "on_false": 1, "on_true": 3}},
        "2": {"class_type": "EmptyImage", "inputs": {"width": ["1", 0], "height": 2, "batch_size": 1, "color": 0}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "%width%x%height%"}}
    }"#;
    let outputs = run(job(prompt)).await.unwrap();
    assert_eq!(outputs[0].path.as_str(), "3x2_00001_.png");
}
