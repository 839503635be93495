//! Any bytes as node definitions, and a prompt checked against them.
//!
//! What stands before the first NUL byte is the definitions, what stands behind it a prompt. Where there is
//! none, one is made of the definitions themselves, so that the check gets far.

#![no_main]

use comfyicu_model::json::{Object, Value};
use comfyicu_model::object_info::{InputDefinition, InputKind, ObjectInfo};
use comfyicu_model::{Finding, Prompt, RunRequest};
use libfuzzer_sys::fuzz_target;

/// How many classes a made prompt uses.
const MAX_NODES: usize = 16;

fuzz_target!(|data: &[u8]| {
    let (definitions, prompt) = match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], Some(&data[at + 1..])),
        None => (data, None),
    };
    let Ok(object_info) = ObjectInfo::parse(definitions) else { return };
    let written = Value::Object(object_info.as_object().clone()).to_json();
    assert_eq!(ObjectInfo::parse(written.as_bytes()).as_ref(), Ok(&object_info), "definitions are kept");
    look_at(&object_info);
    let prompt = match prompt {
        Some(json) => Prompt::parse(json).ok(),
        None => Prompt::from_value(prompt_of(&object_info).into()).ok(),
    };
    if let Some(prompt) = prompt {
        check(prompt, &object_info);
    }
});

fn check(prompt: Prompt, object_info: &ObjectInfo) {
    let findings = prompt.check_with(object_info);
    let verdict = prompt.verdict(object_info);
    if !findings.iter().any(Finding::is_error) {
        assert!(verdict.is_accepted() && verdict.node_errors().is_empty(), "{verdict:?}");
    }
    assert_eq!(verdict.is_accepted(), !verdict.outputs().is_empty());
    let request = RunRequest::new(prompt);
    assert_eq!(request.check_with(object_info), findings, "no files, so nothing more to say");
    request.check_files(Some(object_info));
    request.check();
}

fn look_at(object_info: &ObjectInfo) {
    for node in object_info.definitions() {
        assert!(object_info.definition(node.class_type()).is_some());
        for input in node.inputs().chain(node.hidden()) {
            let _ = (input.kind(), input.min(), input.max(), input.default(), input.upload_folder());
        }
        for output in node.outputs() {
            let _ = (output.name(), output.is_list(), output.tooltip(), output.match_template());
        }
    }
}

/// One node of each of the first classes, each linked to the one before.
fn prompt_of(object_info: &ObjectInfo) -> Object {
    let nodes = object_info.definitions().take(MAX_NODES).enumerate();
    let node = |(at, definition): (usize, comfyicu_model::object_info::NodeDefinition<'_>)| {
        let mut inputs = Object::new();
        for input in definition.inputs() {
            inputs.insert(input.name(), value_for(input, at));
            if let InputKind::DynamicCombo(combo) = input.kind() {
                for option in combo.options().take(2) {
                    inputs.insert(input.name(), option.key());
                    for inner in option.inputs() {
                        inputs.insert(format!("{}.{}", input.name(), inner.name()), value_for(inner, at));
                    }
                }
            }
            if let InputKind::Autogrow(autogrow) = input.kind() {
                if let Some(name) = autogrow.item_name(autogrow.max() / 2) {
                    inputs.insert(format!("{}.{name}", input.name()), link(at));
                }
            }
        }
        let entry = Object::from_iter([
            ("class_type", Value::from(definition.class_type())),
            ("inputs", Value::Object(inputs)),
        ]);
        (at.to_string(), Value::Object(entry))
    };
    nodes.map(node).collect()
}

fn value_for(input: InputDefinition<'_>, at: usize) -> Value {
    match input.kind() {
        InputKind::Combo(combo) => combo.options().first().cloned().unwrap_or_default(),
        InputKind::Int | InputKind::Float | InputKind::String | InputKind::Boolean => {
            input.default().cloned().unwrap_or_else(|| Value::from(at as u64))
        }
        _ => link(at),
    }
}

/// To the node before, or to the node itself.
fn link(at: usize) -> Value {
    vec![Value::from(at.saturating_sub(1).to_string()), Value::from(at as u64 % 3)].into()
}
