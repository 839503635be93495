//! The secret that webhooks are signed with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretSlice};

/// How secrets are told from other texts.
const PREFIX: &str = "whsec_";
/// The shortest and the longest secret, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=256;

/// A secret that webhooks are signed with: `whsec_` and base64, as Standard Webhooks write it. `Debug` does not
/// show it, and nothing displays it.
#[derive(Clone)]
pub struct WebhookSecret(SecretSlice<u8>);

/// Why a text is no secret of webhooks; the text itself is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret is `whsec_` and 16 to 256 bytes in base64")]
pub struct InvalidWebhookSecret;

impl WebhookSecret {
    /// Reads a secret; the prefix may be left out.
    ///
    /// # Errors
    /// When it is not base64, too short or too long.
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookSecret> {
        let text = text.trim();
        let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidWebhookSecret)?;
        if LENGTHS.contains(&bytes.len()) { Ok(Self(bytes.into())) } else { Err(InvalidWebhookSecret) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_and_never_shown() {
        let secret = WebhookSecret::parse(" whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        assert_eq!((secret.bytes().len(), format!("{secret:?}")), (24, "WebhookSecret(..)".to_owned()));
        assert!(WebhookSecret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "whsec_no base64 at all"] {
            assert_eq!(WebhookSecret::parse(bad).unwrap_err(), InvalidWebhookSecret, "{bad:?}");
        }
    }
}
