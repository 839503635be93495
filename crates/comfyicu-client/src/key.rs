//! The API key: a secret that only its header sees.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

/// An API key, without the white space around it. `Debug` does not show it, and nothing displays it.
#[derive(Clone)]
pub struct ApiKey(SecretString);

/// Why a text cannot be an API key; the text itself is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApiKey {
    /// There is nothing in it.
    #[error("the API key is empty")]
    Empty,
    /// It is more than one line, or not plain ASCII.
    #[error("the API key holds a character that a header cannot carry: it is one line of plain ASCII")]
    Character,
}

impl ApiKey {
    /// Takes a text as a key. White space around it, such as the line break of a file, is dropped.
    ///
    /// # Errors
    /// When nothing is left, or the text cannot be sent as a header.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidApiKey> {
        let whole = SecretString::from(text.into());
        let trimmed = whole.expose_secret().trim();
        if trimmed.is_empty() {
            return Err(InvalidApiKey::Empty);
        }
        if !trimmed.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(InvalidApiKey::Character);
        }
        Ok(Self(SecretString::from(trimmed)))
    }

    /// A text without the key, which a service may repeat when it refuses it.
    pub(crate) fn hide_in(&self, body: &Bytes) -> Bytes {
        let key = self.0.expose_secret();
        let text = String::from_utf8_lossy(body);
        if text.contains(key) { text.replace(key, "[the key]").into() } else { body.clone() }
    }

    /// The same for what is text already.
    pub(crate) fn hide_in_text(&self, text: &str) -> String {
        text.replace(self.0.expose_secret(), "[the key]")
    }

    /// The `authorization` header.
    pub(crate) fn to_header(&self) -> Result<HeaderValue, InvalidApiKey> {
        let text = SecretString::from(format!("Bearer {}", self.0.expose_secret()));
        let header = HeaderValue::from_str(text.expose_secret());
        let mut header = header.map_err(|_| InvalidApiKey::Character)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_and_never_shown() {
        let key = ApiKey::new(" sekrit\n").unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(..)");
        let header = key.to_header().unwrap();
        assert_eq!(header, "Bearer sekrit");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }

    #[test]
    fn a_service_that_repeats_the_key_does_not_make_it_known() {
        let key = ApiKey::new("sekrit").unwrap();
        assert_eq!(key.hide_in(&"no such key: sekrit".into()), "no such key: [the key]");
        assert_eq!(key.hide_in(&"no".into()), "no");
    }

    #[test]
    fn what_no_header_carries_is_refused() {
        assert_eq!(ApiKey::new(" \n").unwrap_err(), InvalidApiKey::Empty);
        assert_eq!(ApiKey::new("a\nb").unwrap_err(), InvalidApiKey::Character);
        assert_eq!(ApiKey::new("schlüssel").unwrap_err(), InvalidApiKey::Character);
    }
}
