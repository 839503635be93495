//! Numbers: integers of any size, and doubles that stay doubles.

use std::fmt;

/// A JSON number, kept exactly: an integer of any size, or a double (`1.0` stays a float).
///
/// Two numbers are equal when they are the same integer, or doubles of the same bits: `1` and `1.0`
/// differ, and `NaN` equals itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Unsigned(u64),
    /// Below zero only, so that each integer has one form.
    Negative(i64),
    /// An integer that fits neither, as its digits.
    Big(Box<str>),
    /// A double, as its bits; every NaN is stored as the same one.
    Float(u64),
}

impl Number {
    /// Makes a number of a double; `NaN` and the infinities are allowed, as Python writes them.
    pub fn from_f64(value: f64) -> Self {
        let value = if value.is_nan() { f64::NAN } else { value };
        Self(Repr::Float(value.to_bits()))
    }

    /// Reads a JSON number, or one of Python's `NaN`, `Infinity` and `-Infinity`. As in Python, a double that
    /// is too large is an infinity.
    pub(super) fn from_token(token: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(token).ok()?;
        if token.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
            return Some(Self::from_integer_token(text));
        }
        // Rust reads `NaN` and `Infinity` too.
        text.parse().ok().map(Self::from_f64)
    }

    /// Reads the digits of a JSON integer, of any length.
    fn from_integer_token(token: &str) -> Self {
        if let Ok(value) = token.parse::<u64>() {
            return Self(Repr::Unsigned(value));
        }
        match token.parse::<i64>() {
            // `-0` is the integer zero.
            Ok(value) => Self::from(value),
            Err(_) => Self(Repr::Big(token.into())),
        }
    }

    /// Whether this is an integer, of any size.
    pub const fn is_integer(&self) -> bool {
        !matches!(self.0, Repr::Float(_))
    }

    /// Whether this is `NaN` or an infinity, which JSON proper cannot express.
    pub fn is_non_finite(&self) -> bool {
        self.float().is_some_and(|value| !value.is_finite())
    }

    /// The integer, when it fits.
    pub const fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Repr::Unsigned(value) => Some(value),
            _ => None,
        }
    }

    /// The integer, when it fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Unsigned(value) => i64::try_from(value).ok(),
            Repr::Negative(value) => Some(value),
            _ => None,
        }
    }

    /// The nearest double; an integer beyond 2^53 is rounded.
    #[expect(clippy::cast_precision_loss, reason = "documented: the nearest double is what is asked for")]
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Repr::Unsigned(value) => *value as f64,
            Repr::Negative(value) => *value as f64,
            Repr::Big(digits) => digits.parse().unwrap_or(f64::NAN),
            Repr::Float(bits) => f64::from_bits(*bits),
        }
    }

    /// The digits of an integer that fits neither `u64` nor `i64`.
    pub(super) fn big_digits(&self) -> Option<&str> {
        match &self.0 {
            Repr::Big(digits) => Some(digits),
            _ => None,
        }
    }

    /// The double, when this is one.
    pub(super) fn float(&self) -> Option<f64> {
        match self.0 {
            Repr::Float(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(Repr::Unsigned(value))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(u64::try_from(value).map_or(Repr::Negative(value), Repr::Unsigned))
    }
}

/// Writes the number as JSON; `NaN`, `Infinity` and `-Infinity` as Python does.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Unsigned(value) => write!(f, "{value}"),
            Repr::Negative(value) => write!(f, "{value}"),
            Repr::Big(digits) => f.write_str(digits),
            Repr::Float(bits) => match f64::from_bits(*bits) {
                value if value.is_nan() => f.write_str("NaN"),
                f64::INFINITY => f.write_str("Infinity"),
                f64::NEG_INFINITY => f.write_str("-Infinity"),
                // Rust's debug form is the shortest that reads back as the same double, and always has a
                // point or an exponent, so that it stays a float.
                value => write!(f, "{value:?}"),
            },
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_at_any_size() {
        for token in [
            "0",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "-99999999999999999999",
        ] {
            assert_eq!(Number::from_integer_token(token).to_string(), token);
        }
        assert_eq!(Number::from_integer_token("-0"), Number::from(0_u64));
    }

    #[test]
    fn floats_stay_floats() {
        for (value, text) in [(1.0, "1.0"), (1e16, "1e16"), (1e-7, "1e-7"), (-0.0, "-0.0"), (f64::NAN, "NaN")]
        {
            assert_eq!(Number::from_f64(value).to_string(), text);
        }
        assert_ne!(Number::from_f64(1.0), Number::from(1_u64));
    }
}
