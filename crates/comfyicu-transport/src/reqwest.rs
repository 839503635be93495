//! The implementation over reqwest: pooled, HTTP/1.1 and HTTP/2, rustls, gzip and deflate.

mod builder;
mod classify;
mod resolver;
mod silence;
mod tls;

pub use builder::{RedirectPolicy, ReqwestTransportBuilder};
pub use resolver::{ResolveError, Resolver};

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;

use silence::Silence;

use crate::{HttpTransport, Request, Response, ResponseBody, TransportError, TransportErrorKind};

/// Sends through reqwest. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    read_timeout: Duration,
}

impl ReqwestTransport {
    /// Starts to build one.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }
}

#[async_trait]
impl HttpTransport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (head, body) = request.into_parts();
        let url = url::Url::parse(&head.uri.to_string())
            .map_err(|error| TransportError::new(TransportErrorKind::Request, error))?;
        let silence = Silence::bounded(self.read_timeout);
        let mut outgoing = self.client.request(head.method, url).headers(head.headers);
        outgoing = match body.as_bytes() {
            Some(bytes) if bytes.is_empty() => outgoing,
            Some(bytes) => outgoing.body(bytes.clone()),
            None => outgoing
                .header(http::header::CONTENT_LENGTH, body.length())
                .body(reqwest::Body::wrap_stream(silence.sending(body.open()))),
        };
        let response = silence.before(outgoing.send()).await?.map_err(classify::classify)?;
        let (head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let stream = http_body_util::BodyDataStream::new(body).map_err(classify::classify);
        Ok(Response::from_parts(head, ResponseBody::from_stream(silence.inside(stream))))
    }
}
