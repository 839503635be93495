//! Signatures of Standard Webhooks, so that a receiver can tell our messages from others'.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfyicu_model::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How a secret begins when it is written down.
const PREFIX: &str = "whsec_";
/// How many secrets sign at once: the new one and the old one, while receivers change over.
const MAX_SECRETS: usize = 2;
/// How many bytes a secret has, as the specification says.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets that sign messages; none, and messages are not signed.
#[derive(Clone, Default)]
pub(crate) struct WebhookSecrets(Vec<Hmac<Sha256>>);

/// Secrets that can be replaced while messages are sent. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedSecrets(Arc<RwLock<WebhookSecrets>>);

impl SharedSecrets {
    pub(crate) fn new(secrets: WebhookSecrets) -> Self {
        Self(Arc::new(RwLock::new(secrets)))
    }

    /// Signs with these from now on.
    pub(crate) fn replace(&self, secrets: WebhookSecrets) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = secrets;
    }

    pub(super) fn sign(&self, id: &str, at: Timestamp, body: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).sign(id, at, body)
    }
}

/// Why a text holds no secrets. It does not repeat them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum InvalidSecrets {
    /// A line is no secret.
    #[error("line {0} is no secret: it must be `whsec_` and 24 to 64 bytes in base64")]
    Line(usize),
    /// There are none, or more than are used.
    #[error("it must hold one secret, or two while receivers change over, each on a line of its own")]
    Count,
}

impl WebhookSecrets {
    /// Reads secrets, one a line.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidSecrets> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let secrets: Vec<_> = lines
            .map(|(index, line)| secret(line.trim()).ok_or(InvalidSecrets::Line(index + 1)))
            .collect::<Result<_, _>>()?;
        if secrets.is_empty() || secrets.len() > MAX_SECRETS {
            return Err(InvalidSecrets::Count);
        }
        Ok(Self(secrets))
    }

    /// The value of `webhook-signature`: one signature for each secret; `None` without secrets.
    pub(super) fn sign(&self, id: &str, at: Timestamp, body: &str) -> Option<String> {
        let message = format!("{id}.{}.{body}", seconds(at));
        let signature = |key: &Hmac<Sha256>| {
            let mac = key.clone().chain_update(&message).finalize().into_bytes();
            format!("v1,{}", STANDARD.encode(mac))
        };
        let signatures: Vec<_> = self.0.iter().map(signature).collect();
        (!signatures.is_empty()).then(|| signatures.join(" "))
    }
}

/// The value of `webhook-timestamp`.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_unix_millis().div_euclid(1_000)
}

fn secret(line: &str) -> Option<Hmac<Sha256>> {
    let bytes = STANDARD.decode(line.strip_prefix(PREFIX)?).ok()?;
    LENGTHS.contains(&bytes.len()).then(|| Hmac::new_from_slice(&bytes).ok())?
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the Standard Webhooks specification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn sign(secrets: &str) -> Option<String> {
        WebhookSecrets::parse(secrets).unwrap().sign(ID, Timestamp::from_unix_millis(AT * 1_000 + 999), BODY)
    }

    #[test]
    fn the_published_vector_is_reproduced() {
        assert_eq!(sign(SECRET).as_deref(), Some(SIGNATURE));
    }

    #[test]
    fn each_of_two_secrets_signs_and_none_signs_nothing() {
        let other = format!("whsec_{}", STANDARD.encode([7; 32]));
        let both = sign(&format!("{other}\n\n  {SECRET}\n")).unwrap();
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!((first, second), (sign(&other).unwrap().as_str(), SIGNATURE));
        assert_eq!(WebhookSecrets::default().sign(ID, Timestamp::from_unix_millis(0), BODY), None);
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_repeated() {
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        for (text, expected) in [
            ("", InvalidSecrets::Count),
            (&[SECRET; 3].join("\n"), InvalidSecrets::Count),
            ("hunter2", InvalidSecrets::Line(1)),
            (&format!("{SECRET}\n{short}"), InvalidSecrets::Line(2)),
            ("whsec_*", InvalidSecrets::Line(1)),
        ] {
            let error = WebhookSecrets::parse(text).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("hunter2"));
        }
        assert_eq!(format!("{:?}", WebhookSecrets::parse(SECRET).unwrap()), "WebhookSecrets(1)");
    }
}
