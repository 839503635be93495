//! Whatever the text: what is a destination stays below its folder, on every system, and two of them are two files.

#![no_main]

use std::path::{Component, Path};

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{DestPath, Files, OutputPath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    for text in [text, first, &format!("/input/{text}"), &format!("/models/loras/{first}")] {
        check(text);
    }
    if let Ok(path) = OutputPath::parse(text) {
        assert!(Path::new(path.as_str()).components().all(|part| matches!(part, Component::Normal(_))));
    }
    check_pair(first, second);
});

fn check(text: &str) {
    let Ok(path) = DestPath::parse(text) else { return };
    assert_eq!(path.as_str(), text);
    let relative = text.strip_prefix("/").expect("it is absolute");
    let parts: Vec<_> = Path::new(relative).components().collect();
    assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))), "{text:?}");
    assert_eq!(parts.len(), relative.split('/').count(), "no part vanishes");
    assert!(relative.starts_with("input/") || relative.starts_with("models/") && parts.len() >= 3);
    assert!(!text.chars().any(|c| c.is_control() || "\\:*?\"<>|\u{202e}\u{200b}\u{feff}".contains(c)), "{text:?}");
    assert!(relative.split('/').all(|part| part.len() <= 255 && !part.ends_with(['.', ' ']) && part.trim() == part));
}

fn check_pair(first: &str, second: &str) {
    let object = Object::from_iter([(first, "http://example.com/1"), (second, "http://example.com/2")]);
    let Ok(files) = Files::from_value(&Value::from(object)) else { return };
    assert_eq!(files.to_object().len(), files.len());
    if first != second {
        assert_eq!(files.len(), 2);
        assert_ne!(first.to_lowercase(), second.to_lowercase());
        assert!(!second.starts_with(&format!("{first}/")) && !first.starts_with(&format!("{second}/")));
    }
}
