//! Writing a [`Value`] back as JSON text.

use std::fmt::{self, Write as _};

use super::{Object, Value};

const INDENT: &str = "  ";

impl Value {
    /// Writes the value as JSON on one line. `NaN` and the infinities are written as Python does.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _infallible = write_value(&mut out, self, None);
        out
    }

    /// Writes the value as JSON with an indent of two spaces. `NaN` and the infinities are written as
    /// Python does.
    pub fn to_json_pretty(&self) -> String {
        let mut out = String::new();
        let _infallible = write_value(&mut out, self, Some(0));
        out
    }
}

impl Object {
    /// Writes the object as JSON on one line: see [`Value::to_json`].
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        let _infallible = write_object(&mut out, self, None);
        out
    }

    /// Writes the object as JSON with an indent of two spaces: see [`Value::to_json_pretty`].
    pub fn to_json_pretty(&self) -> String {
        let mut out = String::new();
        let _infallible = write_object(&mut out, self, Some(0));
        out
    }
}

/// `level` is the indent of the value's own line; `None` writes everything on one line.
fn write_value(out: &mut String, value: &Value, level: Option<usize>) -> fmt::Result {
    match value {
        Value::Null => out.write_str("null"),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Number(number) => write!(out, "{number}"),
        Value::String(text) => write_string(out, text),
        Value::IllFormed(text) => text.write(out),
        Value::Array(items) => write_array(out, items, level),
        Value::Object(object) => write_object(out, object, level),
    }
}

fn write_array(out: &mut String, items: &[Value], level: Option<usize>) -> fmt::Result {
    out.write_char('[')?;
    let inner = level.map(|level| level + 1);
    for (position, item) in items.iter().enumerate() {
        separate(out, position, inner)?;
        write_value(out, item, inner)?;
    }
    close(out, ']', items.is_empty(), level)
}

fn write_object(out: &mut String, object: &Object, level: Option<usize>) -> fmt::Result {
    out.write_char('{')?;
    let inner = level.map(|level| level + 1);
    for (position, (key, value)) in object.iter().enumerate() {
        separate(out, position, inner)?;
        write_string(out, key)?;
        out.write_str(if inner.is_some() { ": " } else { ":" })?;
        write_value(out, value, inner)?;
    }
    close(out, '}', object.is_empty(), level)
}

fn separate(out: &mut String, position: usize, level: Option<usize>) -> fmt::Result {
    if position > 0 {
        out.write_char(',')?;
    }
    level.map_or(Ok(()), |level| new_line(out, level))
}

fn close(out: &mut String, bracket: char, empty: bool, level: Option<usize>) -> fmt::Result {
    if let (false, Some(level)) = (empty, level) {
        new_line(out, level)?;
    }
    out.write_char(bracket)
}

fn new_line(out: &mut String, level: usize) -> fmt::Result {
    out.write_char('\n')?;
    (0..level).try_for_each(|_| out.write_str(INDENT))
}

fn write_string(out: &mut String, text: &str) -> fmt::Result {
    out.write_char('"')?;
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        // What needs an escape is ASCII, so these are character boundaries.
        let (plain, from) = rest.split_at(at);
        let (special, after) = from.split_at(1);
        out.write_str(plain)?;
        write_escape(out, special)?;
        rest = after;
    }
    out.write_str(rest)?;
    out.write_char('"')
}

fn write_escape(out: &mut String, special: &str) -> fmt::Result {
    match special {
        "\"" => out.write_str("\\\""),
        "\\" => out.write_str("\\\\"),
        "\n" => out.write_str("\\n"),
        "\r" => out.write_str("\\r"),
        "\t" => out.write_str("\\t"),
        "\u{8}" => out.write_str("\\b"),
        "\u{c}" => out.write_str("\\f"),
        control => control.bytes().try_for_each(|byte| write!(out, "\\u{byte:04x}")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::{Limits, read};
    use super::*;

    /// Any value a document can hold, a few levels deep.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)].prop_map(Value::from),
            "-?[1-9][0-9]{20,40}".prop_map(|digits| read(digits.as_bytes(), Limits::default()).unwrap()),
            any::<String>().prop_map(Value::from),
            prop::collection::vec(any::<u16>(), 0..8).prop_map(|units| text_of_units(&units)),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                prop::collection::vec((any::<String>(), inner), 0..8)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    /// The text of UTF-16 code units, which may be ill-formed.
    fn text_of_units(units: &[u16]) -> Value {
        let escapes: Vec<_> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        read(format!("\"{}\"", escapes.concat()).as_bytes(), Limits::default()).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(value in any_value()) {
            let compact = read(value.to_json().as_bytes(), Limits::default()).unwrap();
            prop_assert_eq!(compact.to_json(), value.to_json());
            let pretty = read(value.to_json_pretty().as_bytes(), Limits::default()).unwrap();
            prop_assert_eq!(pretty.to_json(), value.to_json());
            prop_assert_eq!(&pretty, &value);
        }

        #[test]
        fn serde_json_carries_it_without_loss(value in any_value()) {
            prop_assume!(!value.has_non_finite());
            let text = serde_json::to_string(&value).unwrap();
            let back: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back.to_json(), value.to_json());
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, Limits::default()).is_ok();
        }
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_does(text in any::<String>()) {
            prop_assert_eq!(Value::from(text.as_str()).to_json(), serde_json::to_string(&text).unwrap());
        }
    }

    #[test]
    fn every_control_character_has_its_escape() {
        let all: String = (0..=0x7f_u8).map(char::from).collect();
        assert_eq!(Value::from(all.as_str()).to_json(), serde_json::to_string(&all).unwrap());
    }

    #[test]
    fn pretty_text_is_as_editors_write_it() {
        let value = read(br#"{"1":{"inputs":{},"list":[1,[]]}}"#, Limits::default()).unwrap();
        insta::assert_snapshot!(value.to_json_pretty(), @r#"
        {
          "1": {
            "inputs": {},
            "list": [
              1,
              []
            ]
          }
        }
        "#);
    }
}
