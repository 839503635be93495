//! One exchange, as it stands on a cassette.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::scrub::Scrub;
use crate::{Request, Response, ResponseBody, TransportError, TransportErrorKind};

/// The headers that say nothing about what is asked for or answered.
const PASSED_OVER: [&str; 7] =
    ["user-agent", "accept-encoding", "content-length", "host", "connection", "date", "transfer-encoding"];

/// A request and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Exchange {
    pub(super) request: Sent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<Answered>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

impl Exchange {
    pub(super) const fn answered(request: Sent, response: Answered) -> Self {
        Self { request, response: Some(response), failure: None }
    }

    pub(super) const fn failed(request: Sent, failure: Failure) -> Self {
        Self { request, response: None, failure: Some(failure) }
    }

    /// What came of the request.
    pub(super) fn play(&self) -> Result<Response, TransportError> {
        match (&self.response, self.failure) {
            (Some(response), _) => response.play(),
            (None, Some(failure)) => Err(TransportError::new(failure.into(), "it was recorded so")),
            (None, None) => {
                let problem = "the recorded exchange has neither a response nor a failure";
                Err(TransportError::new(TransportErrorKind::Request, problem))
            }
        }
    }
}

/// A request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Body::is_none")]
    pub(super) body: Body,
}

/// A response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    status: u16,
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Body::is_none")]
    body: Body,
}

/// Why there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Failure {
    Request,
    Connect,
    Blocked,
    Timeout,
    Interrupted,
    Redirect,
    Body,
    Other,
}

/// A body, in the form that is best to read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Body {
    #[default]
    None,
    /// JSON, to the letter.
    Json(Box<RawValue>),
    Text(String),
    Base64(String),
    /// A stream of so many bytes, which is not kept.
    Stream(u64),
}

impl Sent {
    pub(super) fn of(request: &Request, scrub: &Scrub) -> Self {
        let body = match request.body().as_bytes() {
            Some(bytes) => Body::of(bytes, scrub),
            None => Body::Stream(request.body().length()),
        };
        Self {
            method: request.method().to_string(),
            url: scrub.text(&request.uri().to_string()),
            headers: headers(request.headers(), scrub),
            body,
        }
    }
}

impl Answered {
    pub(super) fn of(status: http::StatusCode, headers_: &HeaderMap, body: &[u8], scrub: &Scrub) -> Self {
        Self { status: status.as_u16(), headers: headers(headers_, scrub), body: Body::of(body, scrub) }
    }

    fn play(&self) -> Result<Response, TransportError> {
        let mut builder = http::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let body = self.body.bytes().map(ResponseBody::from);
        body.and_then(|body| builder.body(body).ok()).ok_or_else(|| {
            TransportError::new(
                TransportErrorKind::Request,
                "the recorded response is none that can be played",
            )
        })
    }
}

impl Body {
    pub(super) const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    fn of(bytes: &[u8], scrub: &Scrub) -> Self {
        if bytes.is_empty() {
            return Self::None;
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Base64(STANDARD.encode(bytes));
        };
        let text = scrub.text(text);
        match serde_json::from_str(&text) {
            Ok(raw) => Self::Json(raw),
            Err(_) => Self::Text(text),
        }
    }

    /// The bytes, as far as they are kept.
    fn bytes(&self) -> Option<Bytes> {
        Some(match self {
            Self::None => Bytes::new(),
            Self::Json(raw) => raw.get().to_owned().into(),
            Self::Text(text) => text.clone().into(),
            Self::Base64(text) => STANDARD.decode(text).ok()?.into(),
            Self::Stream(_) => return None,
        })
    }
}

fn headers(headers: &HeaderMap, scrub: &Scrub) -> BTreeMap<String, String> {
    let kept = headers.iter().filter(|(name, _)| !PASSED_OVER.contains(&name.as_str()));
    kept.map(|(name, value)| (name.to_string(), scrub.header(name, value))).collect()
}

impl From<TransportErrorKind> for Failure {
    fn from(kind: TransportErrorKind) -> Self {
        match kind {
            TransportErrorKind::Request => Self::Request,
            TransportErrorKind::Connect => Self::Connect,
            TransportErrorKind::Blocked => Self::Blocked,
            TransportErrorKind::Timeout => Self::Timeout,
            TransportErrorKind::Interrupted => Self::Interrupted,
            TransportErrorKind::Redirect => Self::Redirect,
            TransportErrorKind::Body => Self::Body,
            TransportErrorKind::Other => Self::Other,
        }
    }
}

impl From<Failure> for TransportErrorKind {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Request => Self::Request,
            Failure::Connect => Self::Connect,
            Failure::Blocked => Self::Blocked,
            Failure::Timeout => Self::Timeout,
            Failure::Interrupted => Self::Interrupted,
            Failure::Redirect => Self::Redirect,
            Failure::Body => Self::Body,
            Failure::Other => Self::Other,
        }
    }
}
