//! The implementation over reqwest: pooled, HTTP/1.1 and HTTP/2, rustls, gzip and deflate.

mod builder;
mod classify;
mod loopback;
mod redirect;
mod resolver;
mod silence;
mod tls;

pub use builder::{RedirectPolicy, ReqwestTransportBuilder};
pub use resolver::{ResolveError, Resolver};
pub use tls::TlsRoots;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use http::request::Parts;

use silence::Silence;

use crate::{
    HttpTransport, Request, RequestBody, Response, ResponseBody, TransportError, TransportErrorKind,
};

/// Sends through reqwest. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    /// For what is on this machine: without the proxy that the environment names.
    direct: reqwest::Client,
    read_timeout: Duration,
    redirects: RedirectPolicy,
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
        let mut url = url::Url::parse(&head.uri.to_string())
            .map_err(|error| TransportError::new(TransportErrorKind::Request, error))?;
        let mut left = redirect::allowed(self.redirects, &head);
        loop {
            let response = self.send_once(&url, &head, &body).await?;
            let Some(allowed) = left else { return Ok(response) };
            let Some(next) = redirect::target(&url, &response)? else { return Ok(response) };
            left = Some(allowed.checked_sub(1).ok_or_else(redirect::too_many)?);
            url = next;
        }
    }
}

impl ReqwestTransport {
    async fn send_once(
        &self,
        url: &url::Url,
        head: &Parts,
        body: &RequestBody,
    ) -> Result<Response, TransportError> {
        let silence = Silence::bounded(self.read_timeout);
        let client = if loopback::is_loopback(url) { &self.direct } else { &self.client };
        let mut outgoing = client.request(head.method.clone(), url.clone()).headers(head.headers.clone());
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
