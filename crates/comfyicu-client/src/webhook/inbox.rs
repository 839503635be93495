//! What is done with a webhook that arrives, whatever server it arrives at: verified, known ones passed over,
//! handed on, answered.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use comfyicu_model::WebhookEvent;
use http::{HeaderMap, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{WebhookError, WebhookHub, WebhookVerifier};

/// The longest body of a webhook: it holds a run, and the largest of these have 6 MiB.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// How many webhooks are remembered, so that one that is sent twice is handed on once.
const REMEMBERED: usize = 4096;

/// A webhook that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedWebhook {
    /// What it tells: the run, as it was when the webhook was made. Later ones may have arrived before;
    /// [`WebhookEvent::is_news`] tells them apart.
    pub event: WebhookEvent,
    /// The id of the message, where it is signed.
    pub id: Option<String>,
    /// Whether its signature was checked. Anybody can send one that is not signed: ask for the run where it
    /// matters.
    pub is_verified: bool,
}

/// What to answer to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookAnswer {
    /// It was handed on.
    Accepted,
    /// It was handed on before.
    Known,
    /// It is not from who has the secret, or too old.
    Refused(WebhookError),
    /// It is no run.
    NotARun,
    /// It is longer than any run.
    TooLong,
    /// Nobody takes it right now: it should be sent again.
    Busy,
}

impl WebhookAnswer {
    /// The status that says so to the sender.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Accepted | Self::Known => StatusCode::OK,
            Self::Refused(_) => StatusCode::UNAUTHORIZED,
            Self::NotARun => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Takes a webhook; `false` when it cannot right now.
type Sink = Arc<dyn Fn(ReceivedWebhook) -> bool + Send + Sync>;

/// Receives webhooks: verifies them where that is set up, passes over those that it knows, and hands the others
/// on at once. Clones are the same receiver.
///
/// [`receive`](Self::receive) serves any server; with the feature `axum`, `into_route` makes an axum route.
#[derive(Clone)]
pub struct WebhookReceiver {
    sink: Sink,
    verifier: Option<WebhookVerifier>,
    hub: Option<WebhookHub>,
    max_body_bytes: usize,
    known: Arc<Mutex<Known>>,
}

/// Webhooks that have been received, one after the other.
#[derive(Debug)]
pub struct Webhooks(mpsc::Receiver<ReceivedWebhook>);

impl Webhooks {
    /// The next webhook; `None` when the receiver is gone.
    ///
    /// # Cancel safety
    /// Safe: no webhook is lost.
    pub async fn next(&mut self) -> Option<ReceivedWebhook> {
        self.0.recv().await
    }
}

impl WebhookReceiver {
    /// Hands webhooks on to a function, which must return at once: the sender waits for it.
    pub fn with_handler(handler: impl Fn(ReceivedWebhook) + Send + Sync + 'static) -> Self {
        Self::new(Arc::new(move |webhook| {
            handler(webhook);
            true
        }))
    }

    /// Hands webhooks on to a channel that holds `capacity` of them, at least one. While it is full, senders are
    /// told to come again later.
    pub fn with_channel(capacity: usize) -> (Self, Webhooks) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let sink = move |webhook| sender.try_send(webhook).is_ok();
        (Self::new(Arc::new(sink)), Webhooks(receiver))
    }

    /// Hands webhooks on to the waits of a hub, and to nobody else.
    pub fn with_hub(hub: &WebhookHub) -> Self {
        Self::with_handler(|_| {}).hub(hub)
    }

    fn new(sink: Sink) -> Self {
        let known = Arc::new(Mutex::new(Known::default()));
        Self { sink, verifier: None, hub: None, max_body_bytes: MAX_BODY_BYTES, known }
    }

    /// Refuses webhooks that are not signed with a secret of the verifier. Without it everything is accepted, as
    /// the hosted service, which signs nothing, needs it.
    #[must_use]
    pub fn verifier(mut self, verifier: WebhookVerifier) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// Tells the waits of a hub too.
    #[must_use]
    pub fn hub(mut self, hub: &WebhookHub) -> Self {
        self.hub = Some(hub.clone());
        self
    }

    /// Sets how long a body may be; the default is 16 MiB.
    #[must_use]
    pub const fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    #[cfg(feature = "axum")]
    pub(super) const fn body_limit(&self) -> usize {
        self.max_body_bytes
    }

    /// Takes a webhook, and says what to answer. `now` is when it arrived.
    pub fn receive(&self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> WebhookAnswer {
        if body.len() > self.max_body_bytes {
            return WebhookAnswer::TooLong;
        }
        let verified = self.verifier.as_ref().map(|verifier| verifier.verify(headers, body, now));
        let id = match verified.transpose() {
            Ok(id) => id.map(str::to_owned),
            Err(error) => return WebhookAnswer::Refused(error),
        };
        let Ok(event) = WebhookEvent::parse(body) else { return WebhookAnswer::NotARun };
        let key = id.clone().unwrap_or_else(|| digest(body));
        // Held until it is handed on: the same webhook at the same time is one.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&key) {
            return WebhookAnswer::Known;
        }
        let (run_id, is_verified) = (event.run_id().clone(), id.is_some());
        if !(self.sink)(ReceivedWebhook { event, id, is_verified }) {
            return WebhookAnswer::Busy;
        }
        known.insert(key);
        drop(known);
        if let Some(hub) = &self.hub {
            hub.tell(&run_id);
        }
        WebhookAnswer::Accepted
    }
}

impl fmt::Debug for WebhookReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WebhookReceiver");
        debug.field("verifier", &self.verifier).field("hub", &self.hub).finish_non_exhaustive()
    }
}

/// What an unsigned webhook is known by.
fn digest(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| char::from(*byte)).collect()
}

/// The newest webhooks.
#[derive(Debug, Default)]
struct Known {
    keys: HashSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
}

impl Known {
    fn contains(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    fn insert(&mut self, key: String) {
        let key: Arc<str> = key.into();
        if self.keys.insert(Arc::clone(&key)) {
            self.order.push_back(key);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use comfyicu_model::RunId;

    use super::*;
    use crate::WebhookSecret;

    const RUN: &[u8] = br#"{"id": "r", "status": "COMPLETED"}"#;

    fn receive(receiver: &WebhookReceiver, body: &[u8]) -> WebhookAnswer {
        receiver.receive(&HeaderMap::new(), body, SystemTime::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn each_webhook_is_handed_on_once() {
        let (receiver, mut webhooks) = WebhookReceiver::with_channel(9);
        assert_eq!(receive(&receiver, RUN), WebhookAnswer::Accepted);
        assert_eq!(receive(&receiver.clone(), RUN), WebhookAnswer::Known);
        assert_eq!(receive(&receiver, br#"{"id": "r", "status": "STARTED"}"#), WebhookAnswer::Accepted);
        drop(receiver);
        let first = webhooks.next().await.unwrap();
        assert_eq!((first.event.run_id().as_str(), first.is_verified), ("r", false));
        assert!(webhooks.next().await.is_some());
        assert!(webhooks.next().await.is_none());
    }

    #[tokio::test]
    async fn what_cannot_be_handed_on_is_to_be_sent_again() {
        let (receiver, mut webhooks) = WebhookReceiver::with_channel(0);
        assert_eq!(receive(&receiver, br#"{"id": "other"}"#), WebhookAnswer::Accepted);
        assert_eq!(receive(&receiver, RUN), WebhookAnswer::Busy);
        webhooks.next().await.unwrap();
        assert_eq!(receive(&receiver, RUN), WebhookAnswer::Accepted, "it was not known yet");
    }

    #[test]
    fn what_is_not_signed_is_refused_where_signatures_are_wanted() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let receiver = WebhookReceiver::with_handler(|_| panic!("nobody hears of it"))
            .verifier(WebhookVerifier::new([secret]));
        let refused = WebhookAnswer::Refused(WebhookError::Header("webhook-id"));
        assert_eq!(receive(&receiver, RUN), refused);
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn what_is_no_run_is_refused() {
        let hub = WebhookHub::new();
        let receiver = WebhookReceiver::with_hub(&hub).max_body_bytes(100);
        for body in [&b"{}"[..], b"", b"no JSON", b"[1]"] {
            assert_eq!(receive(&receiver, body), WebhookAnswer::NotARun);
        }
        assert_eq!(receive(&receiver, &[b' '; 101]), WebhookAnswer::TooLong);
        let waiting = hub.subscribe(&RunId::parse("r").unwrap());
        assert_eq!(receive(&receiver, RUN), WebhookAnswer::Accepted);
        drop(waiting);
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let receiver = WebhookReceiver::with_handler(|_| {});
        for n in 0..=REMEMBERED {
            assert_eq!(
                receive(&receiver, format!(r#"{{"id": "r{n}"}}"#).as_bytes()),
                WebhookAnswer::Accepted
            );
        }
        assert_eq!(receive(&receiver, br#"{"id": "r1"}"#), WebhookAnswer::Known);
        assert_eq!(receive(&receiver, br#"{"id": "r0"}"#), WebhookAnswer::Accepted);
    }
}
