//! A scripted service for the tests of this crate, in place of the transport.

use std::error::Error as _;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use comfyicu_transport::{HttpTransport, MockHttpTransport, Request, Response, ResponseBody};
use comfyicu_transport::{RetryPolicy, TransportError};

use crate::{Capabilities, Client, ClientBuilder};

pub(crate) const PROMPT: &str = r#"{"9":{"class_type":"SaveImage","inputs":{"filename_prefix":"x"}}}"#;
pub(crate) const KEY: &str = "sekrit-key";

/// What the service was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    /// One line a request: method, URI, whether it had a key, and its body as far as it was at hand.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, request: &Request) {
        let key = if request.headers().contains_key("authorization") { " [key]" } else { "" };
        let last =
            request.headers().get("last-event-id").map(|id| format!(" [after {}]", id.to_str().unwrap()));
        let key = format!("{key}{}", last.unwrap_or_default());
        let body = match request.body().as_bytes() {
            Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            None => format!("<{} bytes>", request.body().length()),
        };
        let line = format!("{} {}{key} {body}", request.method(), request.uri());
        self.0.lock().unwrap().push(line.trim_end().to_owned());
    }
}

type Reply = Result<Response, TransportError>;

/// A client of a server of one's own, with a key.
pub(crate) fn client(reply: impl Fn(Request) -> Reply + Send + Sync + 'static) -> (Client, Seen) {
    client_with(|builder| builder, reply)
}

/// The same, set up further. Nothing is repeated, unless that is what is set up.
pub(crate) fn client_with(
    set_up: impl FnOnce(ClientBuilder) -> ClientBuilder,
    reply: impl Fn(Request) -> Reply + Send + Sync + 'static,
) -> (Client, Seen) {
    let (transport, seen) = transport(reply);
    let builder = Client::builder().base_url("http://server:8000").api_key(KEY).retry(RetryPolicy::never());
    (set_up(builder.transport(transport)).build().unwrap(), seen)
}

/// A client of the hosted service, without a key.
pub(crate) fn hosted_client(reply: impl Fn(Request) -> Reply + Send + Sync + 'static) -> (Client, Seen) {
    let (transport, seen) = transport(reply);
    let builder = Client::builder().retry(RetryPolicy::never());
    (builder.transport(transport).build().unwrap(), seen)
}

fn transport(reply: impl Fn(Request) -> Reply + Send + Sync + 'static) -> (Arc<MockHttpTransport>, Seen) {
    let seen = Seen::default();
    let log = seen.clone();
    let mut mock = MockHttpTransport::new();
    mock.expect_send().returning(move |request| {
        log.note(&request);
        reply(request)
    });
    (Arc::new(mock), seen)
}

/// A client of a service that never answers.
pub(crate) fn silent_client() -> Client {
    #[derive(Debug)]
    struct Silent;

    #[async_trait]
    impl HttpTransport for Silent {
        async fn send(&self, _request: Request) -> Reply {
            std::future::pending().await
        }
    }

    let builder = Client::builder().base_url("http://server:8000").capabilities(Capabilities::none());
    builder.transport(Arc::new(Silent)).build().unwrap()
}

/// An answer with a body.
#[expect(clippy::unnecessary_wraps, reason = "it is what a transport gives")]
pub(crate) fn json(status: u16, body: &str) -> Reply {
    let mut response = Response::new(ResponseBody::from(body.to_owned()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    Ok(response)
}

/// An error and all that is underneath, on one line.
pub(crate) fn chain(error: &crate::Error) -> String {
    let sources = std::iter::successors(error.source(), |&source| source.source());
    std::iter::once(error.to_string()).chain(sources.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
