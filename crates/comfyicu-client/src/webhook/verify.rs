//! Who sent a webhook: Standard Webhooks signatures.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;

use super::WebhookSecret;

/// How much a webhook's time may differ from the receiver's, in both directions.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// The most signatures of one webhook that are looked at.
const MAX_SIGNATURES: usize = 16;

/// Says whether a webhook comes from who has the secret, and is new: `webhook-id`, `webhook-timestamp` and
/// `webhook-signature` as [Standard Webhooks](https://www.standardwebhooks.com) has them.
///
/// Several secrets may be good at once, while one takes the place of another. An extension of the self-hosted
/// server: the hosted service signs nothing.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use comfyicu_client::{WebhookSecret, WebhookVerifier};
/// use http::{HeaderMap, HeaderValue};
///
/// let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let verifier = WebhookVerifier::new([secret]);
/// let mut headers = HeaderMap::new();
/// headers.insert("webhook-id", HeaderValue::from_static("msg_p5jXN8AQM9LWM0D4loKWxJek"));
/// headers.insert("webhook-timestamp", HeaderValue::from_static("1614265330"));
/// let signature = HeaderValue::from_static("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
/// headers.insert("webhook-signature", signature);
/// let now = UNIX_EPOCH + Duration::from_secs(1_614_265_400);
/// let id = verifier.verify(&headers, br#"{"test": 2432232314}"#, now)?;
/// assert_eq!(id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WebhookVerifier {
    secrets: Vec<WebhookSecret>,
    tolerance: Duration,
}

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// A header that belongs to a signature is missing, or is none.
    #[error("the header `{0}` is missing, or cannot be read")]
    Header(&'static str),
    /// It was signed too long ago, or in the future.
    #[error("the webhook was signed {} s {}", .0.as_secs(), if *.1 { "in the future" } else { "ago" })]
    Time(Duration, bool),
    /// No signature fits a secret.
    #[error("no signature of the webhook fits")]
    Signature,
}

impl WebhookVerifier {
    /// Believes whoever has one of these secrets.
    pub fn new(secrets: impl IntoIterator<Item = WebhookSecret>) -> Self {
        Self { secrets: secrets.into_iter().collect(), tolerance: TOLERANCE }
    }

    /// Sets how much a webhook's time may differ from `now`; the default is five minutes.
    #[must_use]
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Checks a webhook, body to the letter, and gives its id: the same for each time that it is sent.
    ///
    /// Signatures are compared in constant time.
    ///
    /// # Errors
    /// [`WebhookError`] says what is wrong with it.
    pub fn verify<'h>(
        &self,
        headers: &'h HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<&'h str, WebhookError> {
        let id = text(headers, "webhook-id")
            .filter(|id| !id.is_empty())
            .ok_or(WebhookError::Header("webhook-id"))?;
        let timestamp =
            text(headers, "webhook-timestamp").ok_or(WebhookError::Header("webhook-timestamp"))?;
        self.check_time(timestamp, now)?;
        let signatures =
            text(headers, "webhook-signature").ok_or(WebhookError::Header("webhook-signature"))?;
        let signatures = signatures.split(' ').take(MAX_SIGNATURES);
        let mut given =
            signatures.filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok());
        let fits =
            |given: Vec<u8>| self.secrets.iter().any(|secret| is_of(secret, id, timestamp, body, &given));
        if given.any(fits) { Ok(id) } else { Err(WebhookError::Signature) }
    }

    fn check_time(&self, timestamp: &str, now: SystemTime) -> Result<(), WebhookError> {
        let seconds: u64 = timestamp.parse().map_err(|_| WebhookError::Header("webhook-timestamp"))?;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let away = Duration::from_secs(now.abs_diff(seconds));
        if away > self.tolerance { Err(WebhookError::Time(away, seconds > now)) } else { Ok(()) }
    }
}

/// Whether a signature is the one of a secret; `verify_slice` takes the same time whatever differs.
fn is_of(secret: &WebhookSecret, id: &str, timestamp: &str, body: &[u8], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.bytes()) else { return false };
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.verify_slice(signature).is_ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

impl fmt::Debug for WebhookVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WebhookVerifier");
        debug.field("secrets", &self.secrets.len()).field("tolerance", &self.tolerance).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that Standard Webhooks publish.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: u64 = 1_614_265_330;
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", timestamp.parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    fn verify(secrets: &[&str], headers: &HeaderMap, body: &str, now: u64) -> Result<String, WebhookError> {
        let secrets = secrets.iter().map(|secret| WebhookSecret::parse(secret).unwrap());
        let now = UNIX_EPOCH + Duration::from_secs(now);
        WebhookVerifier::new(secrets).verify(headers, body.as_bytes(), now).map(str::to_owned)
    }

    #[test]
    fn the_published_vector_is_believed() {
        let good = headers(ID, "1614265330", SIGNATURE);
        assert_eq!(verify(&[SECRET], &good, BODY, TIME).unwrap(), ID);
        assert_eq!(verify(&[OTHER, SECRET], &good, BODY, TIME).unwrap(), ID, "one of several secrets");
        let several = headers(ID, "1614265330", &format!("v1a,xx v1,AAAA {SIGNATURE}"));
        assert_eq!(verify(&[SECRET], &several, BODY, TIME).unwrap(), ID, "one of several signatures");
    }

    #[test]
    fn whatever_is_changed_is_not_believed() {
        let good = headers(ID, "1614265330", SIGNATURE);
        let refused = [
            verify(&[SECRET], &good, &BODY.replace('2', "3"), TIME),
            verify(&[OTHER], &good, BODY, TIME),
            verify(&[], &good, BODY, TIME),
            verify(&[SECRET], &headers("msg_other", "1614265330", SIGNATURE), BODY, TIME),
            verify(&[SECRET], &headers(ID, "1614265331", SIGNATURE), BODY, TIME),
            verify(&[SECRET], &headers(ID, "1614265330", &SIGNATURE.replace("v1", "v2")), BODY, TIME),
            verify(&[SECRET], &headers(ID, "1614265330", "v1,"), BODY, TIME),
        ];
        for (index, result) in refused.into_iter().enumerate() {
            assert_eq!(result.unwrap_err(), WebhookError::Signature, "{index}");
        }
    }

    #[test]
    fn an_old_one_and_one_from_the_future_are_refused() {
        let good = headers(ID, "1614265330", SIGNATURE);
        assert!(verify(&[SECRET], &good, BODY, TIME + 300).is_ok());
        let old = verify(&[SECRET], &good, BODY, TIME + 301).unwrap_err();
        insta::assert_snapshot!(old, @"the webhook was signed 301 s ago");
        let early = verify(&[SECRET], &good, BODY, TIME - 400).unwrap_err();
        insta::assert_snapshot!(early, @"the webhook was signed 400 s in the future");
    }

    #[test]
    fn a_missing_header_is_named() {
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut headers = headers(ID, "1614265330", SIGNATURE);
            headers.remove(name);
            assert_eq!(verify(&[SECRET], &headers, BODY, TIME).unwrap_err(), WebhookError::Header(name));
        }
        let nonsense = headers(ID, "yesterday", SIGNATURE);
        assert_eq!(
            verify(&[SECRET], &nonsense, BODY, TIME).unwrap_err(),
            WebhookError::Header("webhook-timestamp")
        );
    }
}
