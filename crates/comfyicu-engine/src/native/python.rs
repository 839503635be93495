//! Texts as Python writes them: what ComfyUI puts into images, and what it makes of odd inputs.

use std::fmt::Write as _;

use comfyicu_model::json::{Number, Object, Value};

/// Writes a value as `json.dumps` does by default: `, ` and `: ` between, everything beyond ASCII escaped.
pub(super) fn json_dumps(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// Writes a value as `json.dumps` does with an indent of 4.
pub(super) fn json_dumps_indented(value: &Value) -> String {
    let mut out = String::new();
    write_indented(&mut out, value, 0);
    out
}

fn write_indented(out: &mut String, value: &Value, depth: usize) {
    let mut block = |open: char, items: Vec<(Option<&str>, &Value)>, close: char| {
        out.push(open);
        for (position, (key, item)) in items.into_iter().enumerate() {
            out.push_str(if position > 0 { ",\n" } else { "\n" });
            out.push_str(&"    ".repeat(depth + 1));
            if let Some(key) = key {
                write_string(out, key);
                out.push_str(": ");
            }
            write_indented(out, item, depth + 1);
        }
        out.push('\n');
        out.push_str(&"    ".repeat(depth));
        out.push(close);
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            block('[', items.iter().map(|item| (None, item)).collect(), ']');
        }
        Value::Object(object) if !object.is_empty() => {
            block('{', object.iter().map(|(key, item)| (Some(key), item)).collect(), '}');
        }
        value => write_value(out, value),
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&json_number(number)),
        Value::String(text) => write_string(out, text),
        Value::IllFormed(text) => write_units(out, text.code_units().iter().copied()),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                separate(out, position);
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(object) => write_object(out, object),
    }
}

fn write_object(out: &mut String, object: &Object) {
    out.push('{');
    for (position, (key, value)) in object.iter().enumerate() {
        separate(out, position);
        write_string(out, key);
        out.push_str(": ");
        write_value(out, value);
    }
    out.push('}');
}

fn separate(out: &mut String, position: usize) {
    if position > 0 {
        out.push_str(", ");
    }
}

fn write_string(out: &mut String, text: &str) {
    write_units(out, text.encode_utf16());
}

/// Writes a string unit by unit: Python escapes halves of surrogate pairs like anything beyond ASCII.
fn write_units(out: &mut String, units: impl IntoIterator<Item = u16>) {
    out.push('"');
    for unit in units {
        match char::from_u32(unit.into()) {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some(plain @ ' '..='~') => out.push(plain),
            _ => {
                // Writing to a string does not fail.
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out.push('"');
}

fn json_number(number: &Number) -> String {
    if number.is_integer() {
        return number.to_string();
    }
    match number.as_f64() {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        value => float_repr(value),
    }
}

/// A number as `str` gives it.
pub(super) fn number_str(number: &Number) -> String {
    if number.is_integer() { number.to_string() } else { float_repr(number.as_f64()) }
}

/// A double as `repr` gives it: the shortest digits that read back as the same double, with an exponent
/// below 1e-4 and from 1e16 on.
pub(super) fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) || value == 0.0 {
        // Rust's debug form has an exponent in other cases than Python, its plain form never has one.
        let plain = value.to_string();
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// What `int` makes of a text: digits with single underscores between, a sign, spaces around; `None` where
/// it fails. A number beyond 64 bits becomes the nearest that fits, which every bound refuses just as well.
pub(super) fn int_of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let parts_hold =
        digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !parts_hold {
        return None;
    }
    let magnitude = digits.replace('_', "").parse().unwrap_or(i64::MAX);
    Some(if negative { -magnitude } else { magnitude })
}

/// What `float` makes of a text: as Rust reads it, but for single underscores between digits and spaces
/// around.
pub(super) fn float_of_text(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| digits.get(at)).is_some_and(u8::is_ascii_digit);
    let lone = |(at, _): (usize, &str)| !is_digit(at.checked_sub(1)) || !is_digit(at.checked_add(1));
    if text.match_indices('_').any(lone) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// What `bool` makes of a value: nothing, zero and what is empty are false.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != 0.0,
        Value::String(text) => !text.is_empty(),
        Value::IllFormed(_) => true,
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use comfyicu_model::json::{Limits, read};
    use proptest::prelude::*;

    use super::*;

    fn dumped(json: &str) -> String {
        json_dumps(&read(json.as_bytes(), Limits::default()).unwrap())
    }

    #[test]
    fn texts_are_what_json_dumps_gives() {
        assert_eq!(
            dumped(r#"{"a":[1,{"b":null}],"c":true,"d":[],"e":{}}"#),
            r#"{"a": [1, {"b": null}], "c": true, "d": [], "e": {}}"#
        );
        assert_eq!(
            dumped(r#""ünï😀\u007f\u2028\"\\/\b\f\n\r\t\u0001""#),
            r#""\u00fcn\u00ef\ud83d\ude00\u007f\u2028\"\\/\b\f\n\r\t\u0001""#
        );
    }

    #[test]
    fn indented_texts_are_what_json_dumps_gives() {
        let value = read(br#"{"a":[1,2.0,null],"b":"\u00fc","c":[],"d":{}}"#, Limits::default()).unwrap();
        let python = "{\n    \"a\": [\n        1,\n        2.0,\n        null\n    ],\n    \"b\": \"\\u00fc\",\n    \"c\": [],\n    \"d\": {}\n}";
        assert_eq!(json_dumps_indented(&value), python);
    }

    #[test]
    fn numbers_are_what_json_dumps_gives() {
        // Python: json.dumps of each.
        for (json, python) in [
            ("1.0", "1.0"),
            ("-0.0", "-0.0"),
            ("1e-7", "1e-07"),
            ("1e16", "1e+16"),
            ("1e15", "1000000000000000.0"),
            ("9999999999999998.0", "9999999999999998.0"),
            ("1e22", "1e+22"),
            ("1.5e300", "1.5e+300"),
            ("5e-324", "5e-324"),
            ("0.1", "0.1"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("123456789.123456789", "123456789.12345679"),
            ("1e400", "Infinity"),
            ("NaN", "NaN"),
            ("-Infinity", "-Infinity"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(dumped(json), python);
        }
    }

    #[test]
    fn integers_are_read_as_python_reads_them() {
        let read = ["130", " 1_3 ", "+12", "-7", "99999999999999999999"].map(int_of_text);
        assert_eq!(read, [Some(130), Some(13), Some(12), Some(-7), Some(i64::MAX)]);
        assert!(
            ["", "12.5", "1__2", "_1", "wide", "0x10", "+-1"].iter().all(|text| int_of_text(text).is_none())
        );
    }

    #[test]
    fn floats_are_read_as_python_reads_them() {
        let read = ["0.5", " 1_3.2_5 ", "+1e3", "-.5", "Infinity"].map(float_of_text);
        assert_eq!(read, [Some(0.5), Some(13.25), Some(1000.0), Some(-0.5), Some(f64::INFINITY)]);
        assert!(float_of_text("nan").is_some_and(f64::is_nan));
        assert!(
            ["", "1__2", "_1", "1_", "1_.5", "wide", "0x10"].iter().all(|text| float_of_text(text).is_none())
        );
    }

    #[test]
    fn empty_things_are_false() {
        let truth = |json: &str| is_true(&read(json.as_bytes(), Limits::default()).unwrap());
        assert!(["true", "1", "-0.5", "\"false\"", "{\"a\": 1}", "NaN"].into_iter().all(truth));
        assert!(!["false", "0", "-0.0", "\"\"", "null", "{}"].into_iter().any(truth));
    }

    proptest! {
        #[test]
        fn floats_read_back_as_the_same_double(value in any::<f64>()) {
            prop_assume!(value.is_finite());
            let text = float_repr(value);
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
            prop_assert!(text.contains(['.', 'e']), "{} stays a float", text);
        }

        #[test]
        fn texts_are_ascii_and_read_back_the_same(text in any::<String>()) {
            let value = Value::from(text);
            let dumped = json_dumps(&value);
            prop_assert!(dumped.is_ascii());
            prop_assert_eq!(read(dumped.as_bytes(), Limits::default()).unwrap(), value);
        }
    }
}
