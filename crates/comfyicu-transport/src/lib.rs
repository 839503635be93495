//! The HTTP seam of the comfyicu crates: one small trait, and its implementation over reqwest.
//!
//! [`HttpTransport`] sends one request and gives its response. Whatever sends HTTP in these crates (the
//! client, the server's webhooks and downloads) is given one, so that a test, a proxy or another HTTP
//! library takes its place.
//!
//! ```
//! use async_trait::async_trait;
//! use comfyicu_transport::{HttpTransport, Request, Response, ResponseBody, TransportError};
//!
//! /// Answers everything with 204.
//! #[derive(Debug)]
//! struct NoContent;
//!
//! #[async_trait]
//! impl HttpTransport for NoContent {
//!     async fn send(&self, _request: Request) -> Result<Response, TransportError> {
//!         let mut response = Response::new(ResponseBody::empty());
//!         *response.status_mut() = http::StatusCode::NO_CONTENT;
//!         Ok(response)
//!     }
//! }
//! ```
//!
//! Features: `reqwest` (default) brings [`ReqwestTransport`]; `mock` brings `MockHttpTransport`, a mockall
//! mock.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod error;
#[cfg(feature = "reqwest")]
mod reqwest;
mod transport;

pub use body::{BodyStream, RequestBody, ResponseBody};
pub use error::{TransportError, TransportErrorKind};
#[cfg(feature = "reqwest")]
pub use reqwest::{RedirectPolicy, ReqwestTransport, ReqwestTransportBuilder, ResolveError, Resolver};
#[cfg(feature = "mock")]
pub use transport::MockHttpTransport;
pub use transport::{HttpTransport, Request, Response, SharedTransport};
