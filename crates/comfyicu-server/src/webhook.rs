//! Sending the messages that tell of changes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use comfyicu_model::RunId;
use comfyicu_transport::{
    RedirectPolicy, Request, RequestBody, ReqwestTransport, SharedTransport, TransportError,
};
use http::{HeaderValue, Method, header};
use tokio::sync::Notify;
use tokio::task::{self, JoinSet};
use url::Url;

use crate::clock;
use crate::guard::Guard;
use crate::report::with_causes;
use crate::shutdown::Shutdown;
use crate::store::{Delivery, Outbox, StoreError};

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How many messages are on their way at once.
const IN_FLIGHT: usize = 32;
/// How many waiting messages are looked at.
const WINDOW: u32 = 256;
/// How long the sender waits before it looks by itself; it is woken when there is a message.
const IDLE: Duration = Duration::from_secs(5);

/// Sends messages: those of one run in their order, those of different runs side by side.
#[derive(Debug)]
pub(crate) struct WebhookSender {
    outbox: Arc<dyn Outbox>,
    transport: SharedTransport,
    guard: Guard,
    told: Arc<Notify>,
    shutdown: Shutdown,
}

impl WebhookSender {
    pub(crate) fn new(
        outbox: Arc<dyn Outbox>,
        guard: Guard,
        told: Arc<Notify>,
        shutdown: Shutdown,
    ) -> Result<Self, TransportError> {
        let transport = ReqwestTransport::builder()
            .user_agent(concat!("comfyicu-server/", env!("CARGO_PKG_VERSION")))
            .total_timeout(TIMEOUT)
            .redirects(RedirectPolicy::None)
            .resolver(Arc::new(guard.clone()))
            .no_proxy()
            .build()?;
        Ok(Self { outbox, transport: Arc::new(transport), guard, told, shutdown })
    }

    /// Sends until the server stops. A message that is on its way then is sent again at the next start.
    pub(crate) async fn work(self) {
        let sender = Arc::new(self);
        let mut on_their_way = JoinSet::new();
        let mut runs = HashMap::new();
        loop {
            if let Err(error) = sender.dispatch(&mut on_their_way, &mut runs).await {
                tracing::error!(error = with_causes(&error), "messages cannot be read");
            }
            tokio::select! {
                () = sender.shutdown.stopping() => return,
                () = sender.told.notified() => {}
                Some(ended) = on_their_way.join_next_with_id() => {
                    let task = ended.map_or_else(|panic| panic.id(), |(task, ())| task);
                    runs.retain(|_, on_its_way| *on_its_way != task);
                }
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    }

    /// Sets out with the waiting messages of runs that have none on its way.
    async fn dispatch(
        self: &Arc<Self>,
        on_their_way: &mut JoinSet<()>,
        runs: &mut HashMap<RunId, task::Id>,
    ) -> Result<(), StoreError> {
        for delivery in self.outbox.waiting(WINDOW).await? {
            if runs.len() >= IN_FLIGHT {
                break;
            }
            if let Entry::Vacant(run) = runs.entry(delivery.run_id.clone()) {
                let sender = Arc::clone(self);
                run.insert(on_their_way.spawn(async move { sender.deliver(delivery).await }).id());
            }
        }
        Ok(())
    }

    async fn deliver(&self, delivery: Delivery) {
        let outcome = self.send(&delivery).await;
        tracing::info!(run_id = %delivery.run_id, url = host(&delivery.url), outcome, "webhook");
        if let Err(error) = self.outbox.attempted(delivery.seq, &outcome, clock::now()).await {
            tracing::error!(run_id = %delivery.run_id, error = with_causes(&error), "a delivery cannot be written down");
            // Not at once again, or a full disk would send it in a loop.
            tokio::time::sleep(IDLE).await;
        }
    }

    /// Sends one message and says how that went: the status of the answer, or why there was none.
    async fn send(&self, delivery: &Delivery) -> String {
        let url = match Url::parse(&delivery.url) {
            Ok(url) => url,
            Err(error) => return error.to_string(),
        };
        if let Err(blocked) = self.guard.check_url(&url) {
            return blocked.to_string();
        }
        let mut request = Request::new(RequestBody::from(delivery.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.as_str().parse().unwrap_or_default();
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self.transport.send(request).await {
            Ok(response) => response.status().as_u16().to_string(),
            Err(error) => with_causes(&error),
        }
    }
}

/// What may be logged of a URL: its query can hold a secret.
fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}
