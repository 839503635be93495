//! How long the other side may be silent, before its answer and inside it.
//!
//! reqwest's own bound counts from the beginning of the request to the head of the answer, so that a body
//! which takes longer to send could never be sent. Here, sending is no silence.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{BodyStream, TransportError, TransportErrorKind};

/// Bounds the silence of one exchange.
#[derive(Clone, Debug)]
pub(super) struct Silence {
    limit: Duration,
    last: Arc<Mutex<Instant>>,
}

impl Silence {
    /// Begins to count now.
    pub(super) fn bounded(limit: Duration) -> Self {
        Self { limit, last: Arc::new(Mutex::new(Instant::now())) }
    }

    /// A body to send; each part of it that is taken breaks the silence.
    pub(super) fn sending(
        &self,
        body: BodyStream,
    ) -> impl Stream<Item = Result<Bytes, TransportError>> + use<> {
        let last = Arc::clone(&self.last);
        body.inspect(move |_| *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now())
    }

    /// Awaits the answer for as long as there is no silence.
    pub(super) async fn before<T>(&self, answer: impl Future<Output = T>) -> Result<T, TransportError> {
        let mut answer = pin!(answer);
        loop {
            let Some(deadline) = self.deadline() else { return Ok(answer.await) };
            match timeout_at(deadline, &mut answer).await {
                Ok(answer) => return Ok(answer),
                // Something was sent meanwhile.
                Err(_) if self.deadline() > Some(Instant::now()) => {}
                Err(_) => return Err(too_long(self.limit)),
            }
        }
    }

    /// The body of the answer, which ends in an error when nothing comes for too long.
    pub(super) fn inside(
        &self,
        body: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
    ) -> BodyStream {
        let limit = self.limit;
        Box::pin(stream::unfold(Some(Box::pin(body)), move |body| async move {
            let mut body = body?;
            match timeout(limit, body.next()).await {
                Ok(part) => part.map(|part| (part, Some(body))),
                Err(_) => Some((Err(too_long(limit)), None)),
            }
        }))
    }

    /// When the silence is too long; never, where the bound is beyond all time.
    fn deadline(&self) -> Option<Instant> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).checked_add(self.limit)
    }
}

fn too_long(limit: Duration) -> TransportError {
    let problem = format!("nothing came for {} s", limit.as_secs_f64());
    TransportError::new(TransportErrorKind::Timeout, problem)
}
