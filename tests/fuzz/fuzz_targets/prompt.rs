//! Whatever the bytes: no panic, and what is read is written, located and read again the same.

#![no_main]

use comfyicu_model::json::{Limits, Object, Position, Value, read};
use comfyicu_model::{ParsePromptError, Prompt, ReadOptions, RunRequest, SourceMap};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check_value(bytes);
    check_prompt(bytes);
    let _ = RunRequest::parse_with_body(bytes).is_ok();
});

fn check_value(bytes: &[u8]) {
    match read(bytes, Limits::default()) {
        Ok(value) => {
            for written in [value.to_json(), value.to_json_pretty()] {
                let again = read(written.as_bytes(), Limits::default()).expect("what was written is JSON");
                assert_eq!(again, value);
                assert_eq!(again.to_json(), value.to_json());
            }
            for (path, number) in value.non_finite() {
                assert_eq!(value.at(&path).and_then(Value::as_number), Some(number));
            }
        }
        Err(error) => {
            assert!(error.line() > 0 && error.column() > 0 && error.position().offset <= bytes.len());
            assert!(!error.to_string().is_empty());
        }
    }
}

fn check_prompt(bytes: &[u8]) {
    let read = Prompt::read(bytes, ReadOptions::default().source_map(true));
    match (&read, Prompt::parse(bytes)) {
        (Ok(read), Ok(parsed)) => assert_eq!((&read.prompt, read.wrapper.is_none()), (&parsed, true)),
        (Ok(read), Err(ParsePromptError::Wrapped { wrapper })) => assert_eq!(read.wrapper.as_ref(), Some(&wrapper)),
        (Err(read), Err(parsed)) => {
            assert!(*read == parsed || matches!(parsed, ParsePromptError::Wrapped { .. }), "{read} {parsed}");
        }
        (read, parsed) => panic!("{read:?} {parsed:?}"),
    }
    let Ok(read) = read else { return };
    let again = Prompt::parse(read.prompt.to_json().as_bytes()).expect("what was written is a prompt");
    assert_eq!(again, read.prompt);
    if let Some(map) = read.source_map {
        check_positions(bytes, &read.prompt, &map);
    }
}

fn check_positions(bytes: &[u8], prompt: &Prompt, map: &SourceMap) {
    let at = |position: Position| read(&bytes[position.range()], Limits::default()).expect("a value");
    assert_eq!(at(map.prompt()), Value::from(prompt.as_object().clone()));
    for node in prompt.nodes() {
        let place = map.node(node.id()).expect("a node has a place");
        assert_eq!(at(place.key).as_str(), Some(node.id()));
        assert_eq!(at(place.value).as_object(), Some(node.as_object()));
        for (name, value) in node.as_object().get("inputs").and_then(Value::as_object).into_iter().flat_map(Object::iter) {
            let place = map.input(node.id(), name).expect("an input has a place");
            assert_eq!((at(place.key).as_str(), &at(place.value)), (Some(name), value));
        }
    }
}
