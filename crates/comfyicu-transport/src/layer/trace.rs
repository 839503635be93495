//! The layer that tells what went over the wire.

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use tracing::{Instrument as _, Span, field};

use crate::mark::AttemptNumber;
use crate::{HttpTransport, Request, Response, ResponseBody, Route, SharedTransport, TransportError};

/// Makes a `tracing` span of each exchange, at the level `debug`, under the target `comfyicu_transport`: the
/// method, the host, the [`Route`], the attempt, the bytes sent, the status, the bytes received, the failure.
/// An event tells of the end.
///
/// Neither a header nor a body nor a query is ever part of it, and of the path only the template that the
/// request gives.
#[derive(Clone, Debug)]
pub struct Traced {
    inner: SharedTransport,
}

impl Traced {
    /// Puts the layer around a transport.
    pub const fn new(inner: SharedTransport) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl HttpTransport for Traced {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let span = span_of(&request);
        let result = self.inner.send(request).instrument(span.clone()).await;
        match result {
            Ok(response) => {
                span.record("http.status", response.status().as_u16());
                let (head, body) = response.into_parts();
                Ok(Response::from_parts(head, ResponseBody::from_stream(watched(body, span))))
            }
            Err(error) => {
                span.record("error", field::display(error.kind()));
                span.in_scope(|| tracing::debug!("no answer"));
                Err(error)
            }
        }
    }
}

fn span_of(request: &Request) -> Span {
    let extensions = request.extensions();
    tracing::debug_span!(
        "http_request",
        http.method = %request.method(),
        http.host = request.uri().host().unwrap_or_default(),
        http.route = extensions.get::<Route>().map_or("", |route| route.0),
        attempt = extensions.get::<AttemptNumber>().map_or(1, |attempt| attempt.0),
        sent_bytes = request.body().length(),
        http.status = field::Empty,
        received_bytes = field::Empty,
        error = field::Empty,
    )
}

/// A body that records how much of it came, and how it ended.
fn watched(
    body: ResponseBody,
    span: Span,
) -> impl futures_core::Stream<Item = Result<bytes::Bytes, TransportError>> + Send {
    stream::unfold((body, Tally { span, bytes: 0 }), |(mut body, mut tally)| async move {
        let part = body.next().instrument(tally.span.clone()).await?;
        match &part {
            Ok(bytes) => tally.bytes = tally.bytes.saturating_add(bytes.len() as u64),
            Err(error) => {
                tally.span.record("error", field::display(error.kind()));
            }
        }
        Some((part, (body, tally)))
    })
}

/// Tells of the end, whichever way the body comes to it.
struct Tally {
    span: Span,
    bytes: u64,
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.span.record("received_bytes", self.bytes);
        self.span.in_scope(|| tracing::debug!("answered"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::instrument::WithSubscriber as _;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::testing::{answers, get};
    use crate::{Layers, RetryPolicy, TransportErrorKind};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_span_says_what_went_over_the_wire_and_no_secret() {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        let count = Mutex::new(0);
        let inner = answers(move |_| {
            *count.lock().unwrap() += 1;
            if *count.lock().unwrap() == 1 {
                return Err(TransportError::new(TransportErrorKind::Interrupted, "secret-cause"));
            }
            Ok(Response::new("secret-body".into()))
        });
        let transport = Layers::around(Arc::new(inner)).retry(RetryPolicy::default()).trace().build();
        let mut request = get("http://user:secret-password@h/secret-path?sig=secret-query");
        request.headers_mut().insert("authorization", "Bearer secret-key".parse().unwrap());
        request.extensions_mut().insert(Route("/workflows/{workflow_id}/runs/{run_id}"));
        let exchange = async {
            transport.send(request).await.unwrap().into_body().collect(99).await.unwrap();
        };
        exchange.with_subscriber(subscriber).await;
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("secret"), "{text}");
        insta::assert_snapshot!(text, @r#"
        DEBUG http_request{http.method=GET http.host="h" http.route="/workflows/{workflow_id}/runs/{run_id}" attempt=1 sent_bytes=0 error=the connection broke}: comfyicu_transport::layer::trace: no answer
        DEBUG http_request{http.method=GET http.host="h" http.route="/workflows/{workflow_id}/runs/{run_id}" attempt=2 sent_bytes=0 http.status=200 received_bytes=11}: comfyicu_transport::layer::trace: answered
        "#);
    }
}
