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
//! What everybody needs around a transport are layers, each a transport itself: [`Retry`], [`RateLimited`],
//! [`Timeout`], [`UserAgent`], [`BodyLimit`] and, by feature, `Traced`, `Recorder` and `Replay`. [`Layers`] puts
//! them in the order that makes sense. A request tells them about itself by its extensions: [`Repeat`],
//! [`WholeBody`], [`Route`].
//!
//! | feature | brings |
//! |---|---|
//! | `reqwest` (default) | [`ReqwestTransport`] |
//! | `platform-roots` (default) | TLS that believes whom the platform believes |
//! | `bundled-roots` | TLS that believes Mozilla's list, which comes with the program |
//! | `trace` (default) | [`Traced`]: a `tracing` span for each exchange |
//! | `record` | `Recorder`, `Replay`: exchanges in a file |
//! | `mock` | `MockHttpTransport`, a mockall mock |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
mod body;
#[cfg(feature = "record")]
mod cassette;
mod error;
mod layer;
mod mark;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(test)]
mod testing;
mod transport;

pub use attempt::{Attempt, Attempts, Outcome};
pub use body::{BodyStream, RequestBody, ResponseBody};
#[cfg(feature = "record")]
pub use cassette::{Cassette, CassetteError, Recorder, Replay};
pub use error::{TransportError, TransportErrorKind};
pub use layer::Layers;
pub use layer::body_limit::BodyLimit;
pub use layer::rate_limit::{RateLimit, RateLimited};
pub use layer::retry::{Next, Retry, RetryPolicy, Spent, Verdict, classify, decide, retry_after};
pub use layer::timeout::Timeout;
#[cfg(feature = "trace")]
pub use layer::trace::Traced;
pub use layer::user_agent::UserAgent;
pub use mark::{Repeat, Route, WholeBody};
#[cfg(feature = "reqwest")]
pub use reqwest::{
    RedirectPolicy, ReqwestTransport, ReqwestTransportBuilder, ResolveError, Resolver, TlsRoots,
};
#[cfg(feature = "mock")]
pub use transport::MockHttpTransport;
pub use transport::{HttpTransport, Request, Response, SharedTransport};
