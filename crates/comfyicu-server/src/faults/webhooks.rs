//! Faults of webhooks: a transport around the one that they are sent through.

use async_trait::async_trait;
use comfyicu_model::Run;
use comfyicu_transport::{HttpTransport, Request, Response, ResponseBody, SharedTransport, TransportError};

use super::Faults;
use super::plan::WebhookAct;
use crate::run::EventKind;

/// Sends what no fault strikes.
#[derive(Debug)]
pub(super) struct FaultyTransport {
    inner: SharedTransport,
    faults: Faults,
}

impl FaultyTransport {
    pub(super) const fn new(inner: SharedTransport, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

#[async_trait]
impl HttpTransport for FaultyTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let event = event_of(&request);
        let is_about = |wanted: Option<EventKind>| wanted.is_none() || wanted == event;
        let mut copies = 0;
        for fault in self.faults.0.webhooks.iter().filter(|fault| is_about(fault.what.event)) {
            if !fault.count.strikes() {
                continue;
            }
            let event = event.map(EventKind::as_str);
            tracing::info!(fault = fault.place, event, act = ?fault.what.act, "a fault on purpose");
            match fault.what.act {
                WebhookAct::Delay(time) => tokio::time::sleep(time).await,
                // As a receiver that says that it has it, and has lost it.
                WebhookAct::Lose => return Ok(Response::new(ResponseBody::empty())),
                WebhookAct::Double => copies += 1,
            }
        }
        for _ in 0..copies {
            // Whatever is said to it: the answer that counts is the last one's.
            if let Err(error) = self.inner.send(request.clone()).await {
                tracing::info!(%error, "a message that is sent twice did not arrive the first time");
            }
        }
        self.inner.send(request).await
    }
}

/// What a message tells of.
fn event_of(request: &Request) -> Option<EventKind> {
    let run = Run::parse(request.body().as_bytes()?).ok()?;
    let status = run.status()?;
    let kinds =
        [EventKind::Queued, EventKind::Started, EventKind::Completed, EventKind::Error, EventKind::Cancelled];
    kinds.into_iter().find(|kind| kind.status() == status)
}
