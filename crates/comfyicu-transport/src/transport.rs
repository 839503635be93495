//! The trait.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;

use crate::{RequestBody, ResponseBody, TransportError};

/// A request; its URI is absolute.
pub type Request = http::Request<RequestBody>;

/// A response; its body may still be on its way.
pub type Response = http::Response<ResponseBody>;

/// A transport that many hold.
pub type SharedTransport = Arc<dyn HttpTransport>;

/// Sends one HTTP request and gives its response, whatever its status.
///
/// Layers wrap an implementation in another one; none is told from the outside.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HttpTransport: Debug + Send + Sync {
    /// Sends a request and returns when the head of the response is there.
    ///
    /// # Errors
    /// When no response came; [`TransportError::kind`] says what is known of why. A response with an error
    /// status is a response.
    ///
    /// # Cancel safety
    /// Dropping the future closes the exchange; the server may have acted on the request.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}
