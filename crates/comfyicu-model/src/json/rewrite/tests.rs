//! A text with another value in it: what changes, and what keeps its letters.

use proptest::prelude::*;

use super::*;

fn value(json: &str) -> Value {
    super::super::read(json.as_bytes(), Limits::default()).unwrap()
}

fn rewritten(text: &str, new: &str) -> String {
    rewrite(text, &value(new), Limits::default()).unwrap()
}

const PRETTY: &str = "{\n  \"a\": 1.50,\n  \"b\": [1, {\"c\": \"\\u00e9\"}],\n  \"d\": {}\n}\n";

#[test]
fn what_is_the_same_keeps_its_letters() {
    assert_eq!(rewritten(PRETTY, PRETTY), PRETTY);
    assert_eq!(rewritten(PRETTY, r#"{"a": 2, "b": [1, {"c": "é"}], "d": {}}"#), PRETTY.replace("1.50", "2"));
    assert_eq!(
        rewritten(PRETTY, r#"{"a": 1.5, "b": [1, {"c": "x"}], "d": {}}"#),
        PRETTY.replace("\"\\u00e9\"", "\"x\"")
    );
    let marked = "\u{feff} {\"a\" : 1}";
    assert_eq!(rewritten(marked, r#"{"a": 2}"#), "\u{feff} {\"a\" : 2}");
}

#[test]
fn what_is_added_looks_like_what_is_beside_it() {
    assert_eq!(rewritten("{\"a\":1}", r#"{"a":1,"b":2}"#), "{\"a\":1,\"b\":2}");
    assert_eq!(rewritten("{\"a\": 1}", r#"{"a":1,"b":2}"#), "{\"a\": 1, \"b\": 2}");
    assert_eq!(
        rewritten("{\n\t\"a\": 1\n}", r#"{"z":0,"a":1,"b":2}"#),
        "{\n\t\"z\": 0,\n\t\"a\": 1,\n\t\"b\": 2\n}"
    );
    assert_eq!(
        rewritten("{\n  \"a\": 1,\n  \"c\": 3\n}", r#"{"a":1,"b":2,"b2":[],"c":3}"#),
        "{\n  \"a\": 1,\n  \"b\": 2,\n  \"b2\": [],\n  \"c\": 3\n}"
    );
}

#[test]
fn what_is_removed_takes_its_comma_along() {
    let text = "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3,\n  \"d\": 4\n}";
    assert_eq!(rewritten(text, r#"{"c": 3}"#), "{\n  \"c\": 3\n}");
    assert_eq!(rewritten(text, r#"{"a": 1, "d": 4}"#), "{\n  \"a\": 1,\n  \"d\": 4\n}");
    assert_eq!(rewritten(text, r#"{"b": 2, "x": 0}"#), "{\n  \"b\": 2,\n  \"x\": 0\n}");
    assert_eq!(rewritten(text, "{}"), "{}");
}

#[test]
fn another_order_and_a_doubled_key_are_written_anew() {
    assert_eq!(rewritten("{\"a\": 1, \"b\": 2}", r#"{"b":2,"a":1}"#), r#"{"b":2,"a":1}"#);
    assert_eq!(rewritten("{\"a\": 1, \"a\": 2}", r#"{"a":2}"#), "{\"a\": 1, \"a\": 2}");
    assert_eq!(rewritten("{\"a\": 1, \"a\": 2}", r#"{"a":3}"#), r#"{"a":3}"#);
}

/// Values over few keys, so that two of them have much in common.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u64..3).prop_map(Value::from),
        "[a\"\\\\\n\u{e9}]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let keys = prop_oneof![Just("a"), Just("b"), Just("c"), Just("\"\\"), Just("é")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((keys, inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// The text says the value, order of keys included.
fn says(text: &str, new: &Value) -> bool {
    value(text).to_json() == new.to_json()
}

proptest! {
    #[test]
    fn the_text_says_the_new_value(old in any_value(), new in any_value()) {
        for text in [old.to_json(), old.to_json_pretty()] {
            let rewritten = rewrite(&text, &new, Limits::default()).unwrap();
            prop_assert!(says(&rewritten, &new), "{text} → {rewritten}");
            prop_assert_eq!(rewrite(&text, &old, Limits::default()).unwrap(), text);
        }
    }

    #[test]
    fn an_edit_undone_gives_the_text_back(old in any_value(), key in "[abc]", value in 0_u64..9) {
        let text = Value::Object([("x", old.clone())].into_iter().collect()).to_json_pretty();
        let mut changed = super::super::read(text.as_bytes(), Limits::default()).unwrap();
        if let Value::Object(object) = &mut changed {
            object.insert(format!("new {key}"), value);
        }
        let edited = rewrite(&text, &changed, Limits::default()).unwrap();
        let undone = Value::Object([("x", old)].into_iter().collect());
        prop_assert_eq!(rewrite(&edited, &undone, Limits::default()).unwrap(), text);
    }
}
