//! Signing webhooks as a service does: Standard Webhooks.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

use super::WebhookSecret;

/// The headers of a webhook with this id: `webhook-id`, `webhook-timestamp` and, with a secret,
/// `webhook-signature`.
///
/// ```
/// use std::time::SystemTime;
/// use comfyicu_client::{WebhookSecret, WebhookVerifier, webhook_headers};
///
/// let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let now = SystemTime::now();
/// let headers = webhook_headers("msg_1", now, b"{}", Some(&secret));
/// assert_eq!(WebhookVerifier::new([secret]).verify(&headers, b"{}", now)?, "msg_1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn webhook_headers(id: &str, now: SystemTime, body: &[u8], secret: Option<&WebhookSecret>) -> HeaderMap {
    let timestamp = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
    let signature = secret.and_then(|secret| signature(secret, id, &timestamp, body));
    let fields = [
        ("webhook-id", Some(id.to_owned())),
        ("webhook-timestamp", Some(timestamp)),
        ("webhook-signature", signature),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

fn signature(secret: &WebhookSecret, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    // Any length of key is one.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).ok()?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_published_vector_is_what_is_signed() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_614_265_330);
        let body = br#"{"test": 2432232314}"#;
        let headers = webhook_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", now, body, Some(&secret));
        assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        let unsigned = webhook_headers("msg_1", now, body, None);
        assert!(unsigned.get("webhook-signature").is_none() && unsigned["webhook-id"] == "msg_1");
    }
}
