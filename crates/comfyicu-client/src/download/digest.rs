//! The digest that a service gives with a file: `Repr-Digest` (RFC 9530), or the older `Digest`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

/// A digest that has to come out.
#[derive(Debug)]
pub(super) struct Expected {
    given: Vec<u8>,
    seen: Sha256,
}

impl Expected {
    /// The SHA-256 that stands in the headers, if one does.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let given = ["repr-digest", "digest"].into_iter().find_map(|name| {
            let text = headers.get(name)?.to_str().ok()?;
            text.split(',').find_map(|entry| {
                let (algorithm, value) = entry.trim().split_once('=')?;
                let is_ours = algorithm.eq_ignore_ascii_case("sha-256");
                is_ours.then(|| STANDARD.decode(value.trim_matches(':')).ok()).flatten()
            })
        })?;
        Some(Self { given, seen: Sha256::new() })
    }

    /// The same, where these bytes were seen before.
    pub(super) fn after(self, seen: Sha256) -> Self {
        Self { seen, ..self }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.seen.update(bytes);
    }

    /// Whether the bytes were those of the digest.
    pub(super) fn check(self) -> bool {
        self.given == self.seen.finalize().as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_met(name: &'static str, value: &str) -> Option<bool> {
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())]);
        let mut expected = Expected::of(&headers)?;
        expected.update(b"hel");
        expected.update(b"lo");
        Some(expected.check())
    }

    #[test]
    fn both_forms_are_checked_and_others_passed_over() {
        let hello = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
        assert_eq!(is_met("repr-digest", &format!("sha-512=:AA==:, sha-256=:{hello}:")), Some(true));
        assert_eq!(is_met("digest", &format!("SHA-256={hello}")), Some(true));
        assert_eq!(is_met("digest", "sha-256=AAAA"), Some(false));
        assert_eq!(is_met("digest", "md5=AAAA"), None);
        assert_eq!(is_met("etag", "x"), None);
    }
}
