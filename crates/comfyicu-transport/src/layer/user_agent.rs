//! The layer that says who asks.

use async_trait::async_trait;
use http::{HeaderValue, header};

use crate::{HttpTransport, Request, Response, SharedTransport, TransportError};

/// Sets the `user-agent` of each request that has none.
#[derive(Clone, Debug)]
pub struct UserAgent {
    inner: SharedTransport,
    value: HeaderValue,
}

impl UserAgent {
    /// Puts the layer around a transport.
    pub const fn new(inner: SharedTransport, value: HeaderValue) -> Self {
        Self { inner, value }
    }
}

#[async_trait]
impl HttpTransport for UserAgent {
    async fn send(&self, mut request: Request) -> Result<Response, TransportError> {
        request.headers_mut().entry(header::USER_AGENT).or_insert_with(|| self.value.clone());
        self.inner.send(request).await
    }
}
