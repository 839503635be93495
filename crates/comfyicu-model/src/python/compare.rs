//! Equality and order of values, as Python's `==` and `<` have them.

use std::cmp::Ordering;

use crate::json::{Number, Value};

/// Whether two values are equal in Python: `1`, `1.0` and `True` are, `NaN` and itself are not.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a == b,
        (Value::IllFormed(a), Value::IllFormed(b)) => a == b,
        (Value::Null, Value::Null) => true,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => compare(&a, &b) == Some(Ordering::Equal),
            _ => false,
        },
    }
}

/// A value as a number: Python's booleans are 0 and 1.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::Bool(value) => Some(u64::from(*value).into()),
        _ => None,
    }
}

/// Compares two numbers exactly, an integer of any size with a double too; `None` where one is `NaN`.
pub(crate) fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.is_integer(), b.is_integer()) {
        (false, false) => a.as_f64().partial_cmp(&b.as_f64()),
        (true, false) => compare_with_double(a, b),
        (false, true) => compare_with_double(b, a).map(Ordering::reverse),
        (true, true) => Some(compare_integers(a, b)),
    }
}

fn compare_integers(a: &Number, b: &Number) -> Ordering {
    match (small(a), small(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => compare_digits(&a.to_string(), &b.to_string()),
    }
}

/// An integer of the common sizes.
fn small(number: &Number) -> Option<i128> {
    number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from))
}

/// Compares an integer with a double.
fn compare_with_double(integer: &Number, double: &Number) -> Option<Ordering> {
    let value = double.as_f64();
    if !value.is_finite() {
        return 0.0.partial_cmp(&value);
    }
    // Up to 2^53 a double holds each integer.
    if integer.as_i64().is_some_and(|integer| integer.unsigned_abs() < 1 << 53) {
        return integer.as_f64().partial_cmp(&value);
    }
    // Beyond that only doubles without a fraction come near, and Rust writes each digit of them.
    Some(compare_digits(&integer.to_string(), &format!("{:.0}", value.trunc())))
}

/// Compares integers by their digits.
fn compare_digits(a: &str, b: &str) -> Ordering {
    match (a.strip_prefix('-'), b.strip_prefix('-')) {
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (None, None) => (a.len(), a).cmp(&(b.len(), b)),
        (Some(a), Some(b)) => (b.len(), b).cmp(&(a.len(), a)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::from_argument(text)
    }

    fn order(a: &str, b: &str) -> Option<Ordering> {
        compare(value(a).as_number().unwrap(), value(b).as_number().unwrap())
    }

    #[test]
    fn integers_and_doubles_compare_exactly() {
        use Ordering::{Equal, Greater, Less};
        for (a, b, expected) in [
            ("1", "1.0", Equal),
            ("-0.0", "0", Equal),
            ("2", "1.5", Greater),
            ("-2", "-1.5", Less),
            ("0.1", "0.10000000000000001", Equal),
            ("9007199254740993", "9007199254740992.0", Greater),
            ("18446744073709552000", "18446744073709551615", Greater),
            ("18446744073709551616", "18446744073709551615.0", Equal),
            ("-99999999999999999999", "-9223372036854775808", Less),
            ("-99999999999999999999", "-1e-300", Less),
            ("-99999999999999999999", "-0.0", Less),
            ("1e300", "99999999999999999999", Greater),
            ("Infinity", "99999999999999999999", Greater),
            ("5", "-Infinity", Greater),
            ("-Infinity", "-Infinity", Equal),
        ] {
            assert_eq!(order(a, b), Some(expected), "{a} and {b}");
            assert_eq!(order(b, a), Some(expected.reverse()), "{b} and {a}");
        }
        assert_eq!(order("NaN", "1"), None);
        assert_eq!(order("1", "NaN"), None);
    }

    #[test]
    fn what_python_takes_for_equal_is_equal() {
        for (a, b) in [
            ("1", "true"),
            ("0.0", "false"),
            (r#"[1, "a"]"#, r#"[1.0, "a"]"#),
            (r#"{"a": 1}"#, r#"{"a": true}"#),
        ] {
            assert!(equal(&value(a), &value(b)), "{a} and {b}");
        }
        for (a, b) in [
            ("1", r#""1""#),
            ("null", "false"),
            ("NaN", "NaN"),
            ("[1]", "[1, 2]"),
            (r#"{"a": 1}"#, r#"{"b": 1}"#),
        ] {
            assert!(!equal(&value(a), &value(b)), "{a} and {b}");
        }
    }
}
