//! Writing a [`Value`] as Python does, which is what ComfyUI puts into images.

use std::fmt::Write as _;

use super::{Number, Object, Value};

impl Value {
    /// Writes the value as Python's `json.dumps` does by default: `, ` and `: ` between, everything beyond
    /// ASCII escaped, `NaN` and the infinities by their names. ComfyUI puts prompts into images like this.
    ///
    /// ```
    /// use comfyicu_model::json::{Limits, read};
    ///
    /// let value = read(r#"{"text":"füchse","cfg":[1.0,1e-7]}"#.as_bytes(), Limits::default())?;
    /// assert_eq!(value.to_python_json(), r#"{"text": "f\u00fcchse", "cfg": [1.0, 1e-07]}"#);
    /// # Ok::<(), comfyicu_model::json::JsonError>(())
    /// ```
    pub fn to_python_json(&self) -> String {
        let mut out = String::new();
        write_value(&mut out, self);
        out
    }
}

impl Object {
    /// Writes the object as Python does, see [`Value::to_python_json`].
    pub fn to_python_json(&self) -> String {
        let mut out = String::new();
        write_object(&mut out, self);
        out
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_string(out, text),
        Value::IllFormed(text) => write_units(out, text.code_units().iter().copied()),
        Value::Array(items) => write_array(out, items),
        Value::Object(object) => write_object(out, object),
    }
}

fn write_array(out: &mut String, items: &[Value]) {
    out.push('[');
    for (position, item) in items.iter().enumerate() {
        separate(out, position);
        write_value(out, item);
    }
    out.push(']');
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

/// Integers, `NaN` and the infinities are written here as everywhere. A finite double has the shortest digits
/// that read back as the same one, with an exponent below 1e-4 and from 1e16 on.
fn write_number(out: &mut String, number: &Number) {
    let value = number.as_f64();
    if number.is_integer() || !value.is_finite() {
        out.push_str(&number.to_string());
        return;
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) || value == 0.0 {
        let plain = value.to_string();
        out.push_str(&plain);
        out.push_str(if plain.contains('.') { "" } else { ".0" });
        return;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a string does not fail.
    let _infallible = write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Limits, read};
    use super::*;

    fn dumped(json: &str) -> String {
        read(json.as_bytes(), Limits::default()).unwrap().to_python_json()
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

    proptest! {
        #[test]
        fn texts_are_ascii_and_read_back_the_same(text in any::<String>()) {
            let value = Value::from(text);
            let dumped = value.to_python_json();
            prop_assert!(dumped.is_ascii());
            prop_assert_eq!(read(dumped.as_bytes(), Limits::default()).unwrap(), value);
        }
    }
}
