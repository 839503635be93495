//! `int()` and `float()`, as Python does them.

use std::fmt;

use crate::json::{self, Kind, Limits, Number, Value};

/// Why a value cannot be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// The text is no number.
    Text,
    /// The number is not finite, or too large.
    Range,
    /// Python converts no such values.
    Kind(Kind),
}

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("the text is no such number"),
            Self::Range => f.write_str("the number is out of range"),
            Self::Kind(kind) => write!(f, "{kind} is no number"),
        }
    }
}

/// The most digits that Python reads an integer from.
const MAX_DIGITS: usize = 4300;

impl Value {
    /// What Python's `int()` makes of the value, as ComfyUI calls it for what stands at an `INT` input: a
    /// float is cut, a text is read, a boolean counts. `None` where Python would fail.
    ///
    /// ```
    /// use comfyicu_model::json::Value;
    ///
    /// let int = |json: &str| Value::from_argument(json).to_python_int().and_then(|number| number.as_i64());
    /// assert_eq!([int("129.9"), int(r#"" 1_3 ""#), int("null")], [Some(129), Some(13), None]);
    /// ```
    pub fn to_python_int(&self) -> Option<Number> {
        to_int(self).ok()
    }

    /// What Python's `float()` makes of the value, as ComfyUI calls it for what stands at a `FLOAT` input.
    /// `None` where Python would fail.
    pub fn to_python_float(&self) -> Option<f64> {
        to_float(self).ok()
    }

    /// What Python's `bool()` makes of the value: nothing, zero and what is empty are false.
    pub fn to_python_bool(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => number.as_f64() != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::IllFormed(_) => true,
            Self::Array(items) => !items.is_empty(),
            Self::Object(object) => !object.is_empty(),
        }
    }
}

/// `int(value)`: a float is cut, a text is read, a boolean counts.
pub(crate) fn to_int(value: &Value) -> Result<Number, Conversion> {
    match value {
        Value::Bool(value) => Ok(u64::from(*value).into()),
        Value::Number(number) if number.is_integer() => Ok(number.clone()),
        Value::Number(number) if number.is_non_finite() => Err(Conversion::Range),
        Value::Number(number) => integer(&format!("{:.0}", number.as_f64().trunc())),
        Value::String(text) => int_of_text(text),
        Value::IllFormed(_) => Err(Conversion::Text),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(Conversion::Kind(value.kind())),
    }
}

/// `float(value)`: an integer is rounded to the nearest double, a text is read, a boolean counts.
pub(crate) fn to_float(value: &Value) -> Result<f64, Conversion> {
    match value {
        Value::Bool(value) => Ok(f64::from(u8::from(*value))),
        Value::Number(number) => Some(number.as_f64())
            .filter(|double| double.is_finite() || number.is_non_finite())
            .ok_or(Conversion::Range),
        Value::String(text) => float_of_text(text).ok_or(Conversion::Text),
        Value::IllFormed(_) => Err(Conversion::Text),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(Conversion::Kind(value.kind())),
    }
}

/// The number of digits that are those of an integer.
fn integer(digits: &str) -> Result<Number, Conversion> {
    let value = json::read(digits.as_bytes(), Limits::default());
    value.ok().as_ref().and_then(Value::as_number).cloned().ok_or(Conversion::Text)
}

fn int_of_text(text: &str) -> Result<Number, Conversion> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = without_underscores(digits).ok_or(Conversion::Text)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.len() > MAX_DIGITS {
        return Err(Conversion::Text);
    }
    let significant = digits.trim_start_matches('0');
    integer(&format!("{sign}{}", if significant.is_empty() { "0" } else { significant }))
}

fn float_of_text(text: &str) -> Option<f64> {
    // Rust reads the same forms, `inf`, `NaN` and `1.` included.
    without_underscores(text.trim())?.parse().ok()
}

/// Python lets `_` stand between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let mut underscores = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_');
    let well_placed = underscores.all(|(at, _)| digit(at.checked_sub(1)) && digit(at.checked_add(1)));
    well_placed.then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(text: &str) -> Result<String, Conversion> {
        to_int(&Value::from_argument(text)).map(|number| number.to_string())
    }

    fn float(text: &str) -> Result<f64, Conversion> {
        to_float(&Value::from_argument(text))
    }

    #[test]
    fn int_cuts_reads_and_counts() {
        for (text, expected) in [
            ("5", "5"),
            ("129.9", "129"),
            ("-0.9", "0"),
            ("1e20", "100000000000000000000"),
            ("true", "1"),
            (r#"" 0_07 ""#, "7"),
            (r#""-18446744073709551617""#, "-18446744073709551617"),
        ] {
            assert_eq!(int(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["\"wide\"", "\"\"", "\"1.0\"", "\"1__0\"", "\"_1\"", "\"- 1\"", "\"0x1\""] {
            assert_eq!(int(text), Err(Conversion::Text), "{text}");
        }
        assert_eq!(int("NaN"), Err(Conversion::Range));
        assert_eq!(int("null"), Err(Conversion::Kind(Kind::Null)));
        assert_eq!(int(r#"{"a": 1}"#), Err(Conversion::Kind(Kind::Object)));
    }

    #[test]
    fn empty_things_are_false() {
        let truth = |json: &str| Value::from_argument(json).to_python_bool();
        assert!(["true", "1", "-0.5", "\"false\"", "{\"a\": 1}", "[0]", "NaN"].into_iter().all(truth));
        assert!(!["false", "0", "-0.0", "\"\"", "null", "{}", "[]"].into_iter().any(truth));
    }

    #[test]
    fn float_reads_and_counts() {
        for (text, expected) in [("5", 5.0), ("true", 1.0), ("\" 1_0.5e1 \"", 105.0), ("\".5\"", 0.5)] {
            assert_eq!(float(text), Ok(expected), "{text}");
        }
        assert!(float("\"nan\"").is_ok_and(f64::is_nan));
        assert_eq!(float("\"-Infinity\""), Ok(f64::NEG_INFINITY));
        for text in ["\"wide\"", "\"\"", "\"1_\"", "\".\""] {
            assert_eq!(float(text), Err(Conversion::Text), "{text}");
        }
        assert_eq!(to_float(&Value::from_argument(&"9".repeat(400))), Err(Conversion::Range));
        assert_eq!(float("[1]"), Err(Conversion::Kind(Kind::Array)));
    }
}
