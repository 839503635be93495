//! Texts as Python writes them, and what it makes of odd inputs.

use comfyicu_model::json::{Number, Value};

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
                out.push_str(&Value::from(key).to_python_json());
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
        value => out.push_str(&value.to_python_json()),
    }
}

/// A number as `str` gives it.
pub(super) fn number_str(number: &Number) -> String {
    if number.is_integer() { number.to_string() } else { float_repr(number.as_f64()) }
}

/// A double as `repr` gives it: what is finite, as in JSON.
pub(super) fn float_repr(value: f64) -> String {
    match value {
        value if value.is_nan() => "nan".to_owned(),
        f64::INFINITY => "inf".to_owned(),
        f64::NEG_INFINITY => "-inf".to_owned(),
        value => Value::from(value).to_python_json(),
    }
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

    #[test]
    fn indented_texts_are_what_json_dumps_gives() {
        let value = read(br#"{"a":[1,2.0,null],"b":"\u00fc","c":[],"d":{}}"#, Limits::default()).unwrap();
        let python = "{\n    \"a\": [\n        1,\n        2.0,\n        null\n    ],\n    \"b\": \"\\u00fc\",\n    \"c\": [],\n    \"d\": {}\n}";
        assert_eq!(json_dumps_indented(&value), python);
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
    }
}
