//! The second look finds keys and values where they stand.

use proptest::prelude::*;

use super::*;
use crate::json::{Limits, Value, any_value, read};

const TEXT: &str = "\u{feff}{ \"a\" : [1, {\"b\\u0021\": \"}\\\"]\"}] ,\n\t\"c\":-1.5e3,\"\":{},\"a\":null}";

fn slice(span: Range<usize>) -> &'static str {
    &TEXT[span]
}

#[test]
fn entries_say_where_keys_and_values_stand() {
    let entries: Vec<_> = entries(TEXT.as_bytes(), 3).collect();
    let texts: Vec<_> = entries
        .iter()
        .map(|entry| (&*entry.key, slice(entry.key_span.clone()), slice(entry.value_span.clone())))
        .collect();
    assert_eq!(
        texts,
        [
            ("a", "\"a\"", "[1, {\"b\\u0021\": \"}\\\"]\"}]"),
            ("c", "\"c\"", "-1.5e3"),
            ("", "\"\"", "{}"),
            ("a", "\"a\"", "null"),
        ]
    );
    assert_eq!(super::entries(b"[1]", 0).count(), 0);
    assert_eq!(super::entries(b"\"a\"", 0).count(), 0);
}

#[test]
fn the_last_of_a_doubled_key_counts() {
    let span = |keys: &[&str]| span_at(TEXT.as_bytes(), &JsonPath::of_keys(keys)).map(slice);
    assert_eq!(span(&["a"]), Some("null"));
    assert_eq!(span(&["c"]), Some("-1.5e3"));
    assert_eq!(span(&[]).map(str::len), Some(TEXT.len() - 3));
    assert_eq!((span(&["c", "d"]), span(&["d"])), (None, None));
}

#[test]
fn doubled_keys_are_found_at_any_depth() {
    let text = r#"{"a": [{"x": "y", "y": "y"}, {"k": 1, "k\u0020": 1, "\u006b": 2, "k": 3}], "b": {"a": 1}, "a": {"a": []}}"#;
    let found: Vec<_> = doubled_keys(text.as_bytes())
        .map(|doubled| (doubled.path.to_string(), &text[doubled.earlier], &text[doubled.later]))
        .collect();
    assert_eq!(
        found,
        [
            ("a[1].k".to_owned(), "\"k\"", "\"\\u006b\""),
            ("a[1].k".to_owned(), "\"\\u006b\"", "\"k\""),
            ("a".to_owned(), "\"a\"", "\"a\""),
        ]
    );
}

/// Each value in `value`, with its path.
fn places<'a>(value: &'a Value, path: &mut JsonPath, out: &mut Vec<(JsonPath, &'a Value)>) {
    out.push((path.clone(), value));
    for (index, item) in value.as_array().unwrap_or_default().iter().enumerate() {
        path.push_index(index);
        places(item, path, out);
        path.pop();
    }
    for (key, item) in value.as_object().into_iter().flat_map(crate::json::Object::iter) {
        path.push_key(key);
        places(item, path, out);
        path.pop();
    }
}

proptest! {
    #[test]
    fn what_stands_at_a_span_is_the_value(value in any_value(), pretty in any::<bool>(), marked in any::<bool>()) {
        let json = if pretty { value.to_json_pretty() } else { value.to_json() };
        let text = if marked { format!("\u{feff}{json}") } else { json };
        let mut all = Vec::new();
        places(&value, &mut JsonPath::default(), &mut all);
        for (path, expected) in all {
            let span = span_at(text.as_bytes(), &path).unwrap();
            let there = read(text[span].as_bytes(), Limits::default()).unwrap();
            prop_assert_eq!(&there, expected);
            prop_assert_eq!(value.at(&path), Some(expected));
        }
        prop_assert_eq!(doubled_keys(text.as_bytes()).count(), 0);
    }

    #[test]
    fn no_bytes_make_the_scan_panic_or_hang(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..220) {
        prop_assert!(entries(&bytes, at).count() <= bytes.len());
        prop_assert!(doubled_keys(&bytes).count() <= bytes.len());
        let _ = span_at(&bytes, &JsonPath::of_keys(&["a"]));
    }
}
