//! `str()`, as Python does it.

use std::fmt::Write as _;

use crate::json::{Number, Value};

impl Value {
    /// What Python's `str()` makes of the value, as ComfyUI calls it for what stands at a `STRING` input: a
    /// text is itself, an object is a dictionary as Python writes one.
    ///
    /// Where no Rust text can hold it, half of a surrogate pair becomes U+FFFD.
    ///
    /// ```
    /// use comfyicu_model::json::Value;
    ///
    /// let text = |json: &str| Value::from_argument(json).to_python_str();
    /// assert_eq!([text("1e20"), text("true"), text("null")], ["1e+20", "True", "None"]);
    /// assert_eq!(text(r#"{"a": ["it's", 1.0]}"#), r#"{'a': ["it's", 1.0]}"#);
    /// ```
    pub fn to_python_str(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            Self::IllFormed(text) => text.to_string_lossy(),
            value => {
                let mut out = String::new();
                write_repr(&mut out, value);
                out
            }
        }
    }
}

/// Writes what `repr()` makes of a value.
fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text.encode_utf16()),
        Value::IllFormed(text) => write_text(out, text.code_units().iter().copied()),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                separate(out, position);
                write_repr(out, item);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (position, (key, item)) in object.iter().enumerate() {
                separate(out, position);
                write_text(out, key.encode_utf16());
                out.push_str(": ");
                write_repr(out, item);
            }
            out.push('}');
        }
    }
}

fn separate(out: &mut String, position: usize) {
    if position > 0 {
        out.push_str(", ");
    }
}

/// What is finite, Python writes as it does in JSON.
fn write_number(out: &mut String, number: &Number) {
    let double = number.as_f64();
    out.push_str(match number.is_non_finite() {
        true if double.is_nan() => "nan",
        true if double > 0.0 => "inf",
        true => "-inf",
        false => return out.push_str(&Value::from(number.clone()).to_python_json()),
    });
}

/// Writes a text between single quotes, or double ones where it has single ones only.
fn write_text(out: &mut String, units: impl Iterator<Item = u16> + Clone) {
    let has = |quote: char| units.clone().any(|unit| char::from_u32(unit.into()) == Some(quote));
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    out.push(quote);
    for decoded in char::decode_utf16(units) {
        let (code, char) = match decoded {
            Ok(char) => (u32::from(char), Some(char)),
            Err(half) => (half.unpaired_surrogate().into(), None),
        };
        // Writing to a string does not fail.
        let _infallible = match char {
            Some('\\') => write!(out, "\\\\"),
            Some('\n') => write!(out, "\\n"),
            Some('\r') => write!(out, "\\r"),
            Some('\t') => write!(out, "\\t"),
            Some(char) if char == quote => write!(out, "\\{char}"),
            Some(char) if is_printable(char) => write!(out, "{char}"),
            _ if code < 0x100 => write!(out, "\\x{code:02x}"),
            _ if code < 0x1_0000 => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out.push(quote);
}

/// Python and Rust escape the same characters: controls, unassigned ones, and spaces but the plain one. Rust
/// escapes what joins the letter before it, too, but only where there is none.
fn is_printable(char: char) -> bool {
    let text = String::from_iter(['a', char]);
    matches!(char, '"' | '\'' | '\\') || text.escape_debug().eq(text.chars())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::json::{Limits, Value, read};

    fn text(json: &str) -> String {
        Value::from_argument(json).to_python_str()
    }

    /// What Python 3.11 gives for `str(json.loads(…))`.
    #[test]
    fn values_are_written_as_python_writes_them() {
        for (json, expected) in [
            ("5", "5"),
            ("-0.0", "-0.0"),
            ("1e16", "1e+16"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("NaN", "nan"),
            ("-Infinity", "-inf"),
            ("false", "False"),
            ("\"plain\"", "plain"),
            ("[]", "[]"),
            ("{}", "{}"),
            (r#"{"a": {"b": [1, 2.0, null, true, "x"]}}"#, "{'a': {'b': [1, 2.0, None, True, 'x']}}"),
            (r#"["it's", "\"", "'\"", "\\ \n\r\t"]"#, r#"["it's", '"', '\'"', '\\ \n\r\t']"#),
            (
                r#"["ü 🦊", "\u0000\u007f\u0080\u00a0\u00ad\u200b\u3000\ue000", "e\u0301"]"#,
                "['ü 🦊', '\\x00\\x7f\\x80\\xa0\\xad\\u200b\\u3000\\ue000', 'e\u{301}']",
            ),
        ] {
            assert_eq!(text(json), expected, "{json}");
        }
        let halves = read(br#"["\ud83d", "\udb40\udc01"]"#, Limits::default()).unwrap();
        assert_eq!(halves.to_python_str(), r"['\ud83d', '\U000e0001']");
    }
    proptest! {
        #[test]
        fn floats_read_back_as_the_same_double(value in any::<f64>()) {
            prop_assume!(value.is_finite());
            let text = Value::from(value).to_python_str();
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
            prop_assert!(text.contains(['.', 'e']), "{} stays a float", text);
        }
    }
}
