//! SHA-256, as the lower-case hexadecimal text by which blobs and keys are known.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest as 64 hexadecimal digits: nothing else fits in, so it is safe in a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sha256Hex(String);

impl Sha256Hex {
    /// Takes a text as a digest; upper case is allowed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self(text.to_ascii_lowercase()))
    }

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::finish(Sha256::new_with_prefix(bytes))
    }

    pub(crate) fn finish(hasher: Sha256) -> Self {
        Self(hex(&hasher.finalize()))
    }

    /// The digits.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// HMAC-SHA-256 with a secret of at most 64 bytes.
pub(crate) fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    // By the definition of HMAC a shorter key is filled up with zeros; ours are 32 bytes.
    block.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
    Hmac::new(&block)
}

/// Writes bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        let empty = Sha256Hex::of(b"");
        assert_eq!(empty.as_str(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Sha256Hex::parse(&empty.as_str().to_uppercase()), Some(empty));
        assert_eq!(Sha256Hex::parse("../../etc/passwd"), None);
    }
}
