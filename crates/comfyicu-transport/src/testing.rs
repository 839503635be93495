//! Transports for the tests of this crate.

use std::fmt;

use async_trait::async_trait;

use crate::{HttpTransport, Request, RequestBody, Response, TransportError};

type Reply = Result<Response, TransportError>;

/// Answers with what a function makes of each request.
pub(crate) struct Answers<F>(F);

pub(crate) const fn answers<F: Fn(Request) -> Reply + Send + Sync>(reply: F) -> Answers<F> {
    Answers(reply)
}

impl<F> fmt::Debug for Answers<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers(..)")
    }
}

#[async_trait]
impl<F: Fn(Request) -> Reply + Send + Sync> HttpTransport for Answers<F> {
    async fn send(&self, request: Request) -> Reply {
        (self.0)(request)
    }
}

/// Never answers.
#[derive(Debug)]
pub(crate) struct Never;

#[async_trait]
impl HttpTransport for Never {
    async fn send(&self, _request: Request) -> Reply {
        std::future::pending().await
    }
}

pub(crate) fn get(url: &str) -> Request {
    http::Request::get(url).body(RequestBody::empty()).unwrap()
}

pub(crate) fn post(url: &str, body: &'static str) -> Request {
    http::Request::post(url).body(RequestBody::from(body)).unwrap()
}
