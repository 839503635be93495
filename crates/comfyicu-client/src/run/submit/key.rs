//! What a submit is known by.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Source};

/// The longest key.
const MAX_LENGTH: usize = 64;

/// What a submit is known by, to the service and to whoever looks for it later: 1 to 64 of `A-Z a-z 0-9 _ -`.
///
/// It is sent as `Idempotency-Key` to a server that has these, and stands as a marker in the run itself. A new one is
/// drawn for each submit; a program that writes it down before it submits can find out after a crash what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubmitKey(Box<str>);

/// Why a text is no key of a submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a submit's key is 1 to 64 of the characters A-Z a-z 0-9 _ -")]
pub struct InvalidSubmitKey;

impl SubmitKey {
    /// Draws a new key: 128 bits from the system.
    ///
    /// # Errors
    /// When the system has no random numbers ([`ErrorKind::Setup`]).
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            let error = Source::Other(error.to_string().into());
            Error::new(ErrorKind::Setup, "the system has no random numbers").with_source(error)
        })?;
        Ok(Self(format!("{:032x}", u128::from_ne_bytes(bytes)).into()))
    }

    /// Takes a text as a key.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, InvalidSubmitKey> {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let is_key = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(is_fine);
        if is_key { Ok(Self(text.into())) } else { Err(InvalidSubmitKey) }
    }

    /// The key as text.
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SubmitKey {
    type Err = InvalidSubmitKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for SubmitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_new_each_time_and_fit_a_header() {
        let (one, other) = (SubmitKey::random().unwrap(), SubmitKey::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(SubmitKey::parse(one.as_str()), Ok(one));
        for bad in ["", "a b", "ü", "a\n", &"x".repeat(65)] {
            assert_eq!(SubmitKey::parse(bad), Err(InvalidSubmitKey), "{bad:?}");
        }
    }
}
