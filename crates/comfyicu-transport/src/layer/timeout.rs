//! The layer that bounds the time of an exchange.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::{HttpTransport, Request, Response, ResponseBody, SharedTransport};
use crate::{TransportError, TransportErrorKind};

/// Bounds how long an exchange may take, its body included. For downloads, whose time depends on their size,
/// the bound on silence that `ReqwestTransport` has is the better one.
#[derive(Clone, Debug)]
pub struct Timeout {
    inner: SharedTransport,
    limit: Duration,
}

impl Timeout {
    /// Puts the layer around a transport.
    pub const fn new(inner: SharedTransport, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

#[async_trait]
impl HttpTransport for Timeout {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let limit = self.limit;
        let Some(deadline) = Instant::now().checked_add(limit) else {
            return self.inner.send(request).await;
        };
        let response = timeout_at(deadline, self.inner.send(request)).await;
        let (head, body) = response.unwrap_or_else(|_| Err(too_long(limit)))?.into_parts();
        let bounded = stream::unfold(Some(body), move |body| async move {
            let mut body = body?;
            match timeout_at(deadline, body.next()).await {
                Ok(part) => part.map(|part| (part, Some(body))),
                Err(_) => Some((Err(too_long(limit)), None)),
            }
        });
        Ok(Response::from_parts(head, ResponseBody::from_stream(bounded)))
    }
}

fn too_long(limit: Duration) -> TransportError {
    let problem = format!("there was no complete answer within {} s", limit.as_secs_f64());
    TransportError::new(TransportErrorKind::Timeout, problem)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{Never, answers, get};

    #[tokio::test(start_paused = true)]
    async fn head_and_body_share_one_bound() {
        let begin = Instant::now();
        let silent = Timeout::new(Arc::new(Never), Duration::from_secs(3));
        assert_eq!(silent.send(get("http://h/")).await.unwrap_err().kind(), TransportErrorKind::Timeout);
        assert_eq!(begin.elapsed(), Duration::from_secs(3));

        let endless = || ResponseBody::from_stream(stream::pending());
        let slow =
            Timeout::new(Arc::new(answers(move |_| Ok(Response::new(endless())))), Duration::from_secs(3));
        let response = slow.send(get("http://h/")).await.unwrap();
        assert_eq!(response.into_body().collect(9).await.unwrap_err().kind(), TransportErrorKind::Timeout);
        assert_eq!(begin.elapsed(), Duration::from_secs(6));
    }

    #[tokio::test]
    async fn a_bound_beyond_all_time_is_none() {
        let fine = Timeout::new(Arc::new(answers(|_| Ok(Response::new("ok".into())))), Duration::MAX);
        assert_eq!(fine.send(get("http://h/")).await.unwrap().into_body().collect(9).await.unwrap(), "ok");
    }
}
