//! Sending the messages that tell of changes: at least once, signed, and by a schedule until they arrive.

mod outgoing;
mod plan;
mod signature;

pub(crate) use outgoing::Outgoing;
pub(crate) use signature::{InvalidSecrets, SharedSecrets, WebhookSecrets};

use std::sync::Arc;
use std::time::{Duration, Instant};

use comfyicu_model::Timestamp;
use comfyicu_transport::{
    RedirectPolicy, Request, RequestBody, ReqwestTransport, SharedTransport, TransportError,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::task::JoinSet;
use url::Url;

use crate::clock::{self, after};
use crate::guard::Guard;
use crate::report::with_causes;
use crate::shutdown::Shutdown;
use crate::store::{Attempt, Delivery, DeliveryState, DueDelivery, Outbox, StoreError};
use plan::Next;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long a message is left alone after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(5);
/// How many messages are read at once at the start.
const BATCH: u32 = 256;
/// The most bytes of a reason that are kept.
const MAX_REASON: usize = 500;

/// Sends messages.
#[derive(Debug)]
pub(crate) struct WebhookSender {
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) transport: SharedTransport,
    pub(crate) guard: Guard,
    pub(crate) secrets: SharedSecrets,
    pub(crate) shutdown: Shutdown,
}

/// What messages are sent through.
pub(crate) fn transport(guard: &Guard) -> Result<SharedTransport, TransportError> {
    let transport = ReqwestTransport::builder()
        .user_agent(concat!("comfyicu-server/", env!("CARGO_PKG_VERSION")))
        .total_timeout(TIMEOUT)
        .redirects(RedirectPolicy::None)
        .resolver(Arc::new(guard.clone()))
        .no_proxy()
        .build()?;
    Ok(Arc::new(transport))
}

/// Takes up what an earlier process left: what was on its way when it ended is sent at once, as the same
/// attempt.
pub(crate) async fn load_outgoing(outbox: &dyn Outbox, outgoing: &Outgoing) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let pending = outbox.pending(after, BATCH).await?;
        let Some(last) = pending.last() else { return Ok(()) };
        after = last.seq;
        for delivery in pending {
            outgoing.push(delivery);
        }
    }
}

impl WebhookSender {
    /// Sends until the server stops. A message that is on its way then is sent again at the next start.
    pub(crate) async fn work(self) {
        let sender = Arc::new(self);
        let mut on_their_way = JoinSet::new();
        loop {
            while let Some(delivery) = sender.outgoing.next(clock::now()) {
                let sender = Arc::clone(&sender);
                on_their_way.spawn(async move { sender.deliver(delivery).await });
            }
            let due = async {
                match sender.outgoing.wake_at() {
                    Some(moment) => tokio::time::sleep(moment.since(clock::now())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sender.shutdown.stopping() => return,
                () = sender.outgoing.changed.notified() => {}
                Some(_) = on_their_way.join_next() => {}
                () = due => {}
            }
        }
    }

    /// Makes one attempt, and plans the next one.
    async fn deliver(&self, due: DueDelivery) {
        match self.attempt(&due).await {
            Ok((delivered, again)) => self.outgoing.done(&due, delivered, again),
            Err(error) => {
                tracing::error!(run_id = %due.run_id, error = with_causes(&error), "a delivery cannot be read or written down");
                // Not at once again, or a full disk would send it in a loop.
                let again = DueDelivery { next_at: after(clock::now(), STORE_RETRY), ..due.clone() };
                self.outgoing.done(&due, false, Some(again));
            }
        }
    }

    /// Sends a message and writes down how that went. Gives whether it arrived, and what is left to do.
    async fn attempt(&self, due: &DueDelivery) -> Result<(bool, Option<DueDelivery>), StoreError> {
        let Some(delivery) = self.outbox.message(due.seq).await? else { return Ok((true, None)) };
        let (at, begun) = (clock::now(), Instant::now());
        let answer = self.send(&delivery, at).await;
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).ok();
        let status = answer.as_ref().ok().copied();
        let next = plan::after_attempt(status, due.step, rand::random());
        let (state, next_at) = match next {
            Next::Delivered => (DeliveryState::Delivered, None),
            Next::GaveUp => (DeliveryState::Failed, None),
            Next::Again(delay) => (DeliveryState::Pending, Some(after(clock::now(), delay))),
        };
        let error = answer.err().map(|reason| excerpt(&reason));
        tracing::info!(
            run_id = %due.run_id, event = due.event.as_str(), receiver = due.receiver,
            status = status.map(|status| status.as_u16()), error, attempt = due.step + 1, "webhook"
        );
        let attempt = Attempt { at, duration_ms, status: status.map(|status| status.as_u16()), error };
        self.outbox.attempted(due.seq, attempt, state, next_at).await?;
        let again = next_at.map(|next_at| DueDelivery { step: due.step + 1, next_at, ..due.clone() });
        Ok((next == Next::Delivered, again))
    }

    /// Sends one message. Gives the status of the answer, or why there was none.
    async fn send(&self, delivery: &Delivery, at: Timestamp) -> Result<StatusCode, String> {
        let url = Url::parse(&delivery.url).map_err(|error| error.to_string())?;
        self.guard.check_url(&url).map_err(|blocked| blocked.to_string())?;
        let mut request = Request::new(RequestBody::from(delivery.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.as_str().parse().unwrap_or_default();
        self.sign(request.headers_mut(), delivery, at);
        let response = self.transport.send(request).await.map_err(|error| with_causes(&error))?;
        Ok(response.status())
    }

    /// Sets the headers: those of Standard Webhooks, the signature among them where there is a secret.
    fn sign(&self, headers: &mut HeaderMap, delivery: &Delivery, at: Timestamp) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let signature = self.secrets.sign(&delivery.id, at, &delivery.body);
        let fields = [
            ("webhook-id", Some(delivery.id.clone())),
            ("webhook-timestamp", Some(signature::seconds(at).to_string())),
            ("webhook-signature", signature),
        ];
        for (name, value) in fields {
            if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// The beginning of a reason.
fn excerpt(reason: &str) -> String {
    reason.get(..reason.floor_char_boundary(MAX_REASON)).unwrap_or(reason).to_owned()
}
