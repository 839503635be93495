//! The layer that records.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::Cassette;
use super::exchange::{Answered, Exchange, Sent};
use super::scrub::Scrub;
use crate::{HttpTransport, Request, Response, ResponseBody, SharedTransport, TransportError};

/// The longest body that is recorded.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Records what goes through it, secrets taken out. Put it around the transport that sends, below all layers.
/// Clones record to the same cassette.
///
/// A response is read whole, up to 64 MiB, before it is given on.
#[derive(Clone)]
pub struct Recorder {
    inner: SharedTransport,
    scrub: Scrub,
    cassette: Arc<Mutex<Cassette>>,
}

impl Recorder {
    /// Puts the layer around a transport.
    pub fn new(inner: SharedTransport) -> Self {
        Self { inner, scrub: Scrub::default(), cassette: Arc::new(Mutex::new(Cassette::new())) }
    }

    /// Takes a text out wherever it stands, beside what is taken out anyway: authorization and cookies, headers
    /// that hold a key or token by their name, and the values of signatures, keys and tokens in URLs.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.scrub.secret(secret.into());
        self
    }

    /// What was recorded so far.
    pub fn cassette(&self) -> Cassette {
        self.cassette.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record(&self, exchange: Exchange) {
        self.cassette.lock().unwrap_or_else(PoisonError::into_inner).exchanges.push(exchange);
    }
}

#[async_trait]
impl HttpTransport for Recorder {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let sent = Sent::of(&request, &self.scrub);
        let exchange = async {
            let (head, body) = self.inner.send(request).await?.into_parts();
            Ok((head, body.collect(MAX_BODY_BYTES).await?))
        };
        match exchange.await {
            Ok((head, body)) => {
                let answered = Answered::of(head.status, &head.headers, &body, &self.scrub);
                self.record(Exchange::answered(sent, answered));
                Ok(Response::from_parts(head, ResponseBody::from(body)))
            }
            Err(error) => {
                let error: TransportError = error;
                self.record(Exchange::failed(sent, error.kind().into()));
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("inner", &self.inner).finish_non_exhaustive()
    }
}
