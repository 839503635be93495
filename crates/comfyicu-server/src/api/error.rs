//! Errors as they are answered: `{"error": {"code", "message", "details", "request_id"}}`. An extension:
//! the hosted service documents no body for errors.

use axum::response::{IntoResponse, Response};
use comfyicu_model::Finding;
use comfyicu_model::json::{Object, Value};
use http::{HeaderMap, Method, StatusCode, Uri, header};

use super::Json;
use crate::keys::TooFast;
use crate::report::with_causes;
use crate::request_id::RequestId;
use crate::store::StoreError;

/// How soon to ask again, in seconds, where the queue is full.
const QUEUE_RETRY: u64 = 10;
/// The most findings that one answer lists.
const MAX_FINDINGS: usize = 100;
/// The most bytes of a message; it may quote what was sent.
const MAX_MESSAGE: usize = 4096;
/// The most bytes of each text of a finding.
const MAX_TEXT: usize = 300;

/// An error for whoever sent the request.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Value,
    /// Fields beside those that every answer has.
    headers: Box<HeaderMap>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: excerpt(message.into(), MAX_MESSAGE),
            details: Value::Null,
            headers: Box::default(),
        }
    }

    /// The request itself cannot be read.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// There is no such thing, or none that the sender may see.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The key is missing or not one.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// The request comes from where it must not.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// What opened something does not any more.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "expired", message)
    }

    /// It was there, and will not come back.
    pub(crate) fn gone(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "gone", message)
    }

    /// The file has no such part.
    pub(crate) fn no_such_range(size: u64) -> Self {
        let message = format!("the file has {size} bytes, and none in this range");
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", message)
    }

    /// It cannot be done with what there is.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", message)
    }

    /// The body is larger than the bound.
    pub(crate) fn too_large(limit: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("the body has more than {limit} bytes"))
    }

    /// The body came too slowly.
    pub(crate) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body paused for too long")
    }

    /// The run would not work; `details` lists what was found.
    pub(crate) fn rejected(findings: &[Finding]) -> Self {
        let shown: Vec<_> = findings.iter().take(MAX_FINDINGS).map(shorten).collect();
        let mut message = shown.iter().map(Finding::to_string).collect::<Vec<_>>().join("; ");
        if let Some(more) = findings.len().checked_sub(MAX_FINDINGS + 1) {
            message = format!("{} findings, the first of them: {message}", more + MAX_FINDINGS + 1);
        }
        let details = shown.iter().map(Finding::to_object).collect::<Vec<_>>().into();
        Self { details, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "rejected", message) }
    }

    /// The request cannot be what another one was.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// The server cannot do it now, and can later.
    pub(crate) fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", with_causes(error))
    }

    /// The key has done as much as it may for now.
    pub(crate) fn too_many(code: &'static str, message: impl Into<String>, retry_seconds: u64) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, code, message);
        error.headers.insert(header::RETRY_AFTER, retry_seconds.into());
        error
    }

    /// The key sends requests too fast.
    pub(crate) fn too_fast(refused: TooFast) -> Self {
        let message = format!("this API key may send {} requests a minute", refused.left.limit);
        let mut error = Self::too_many("too_many_requests", message, refused.retry_seconds);
        super::auth::tell_rate(&mut error.headers, refused.left);
        error
    }

    /// The key has no time of executors left.
    pub(crate) fn quota_spent(seconds: u64) -> Self {
        let message = format!(
            "the {seconds} seconds of execution that this API key has in a month are spent; they begin anew with the next month (UTC)"
        );
        Self::new(StatusCode::PAYMENT_REQUIRED, "quota_spent", message)
    }

    /// As many runs wait as may.
    pub(crate) fn queue_full(limit: usize) -> Self {
        let message =
            format!("{limit} runs wait already, and this server takes no more until some have ended");
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "queue_full", message);
        error.headers.insert(header::RETRY_AFTER, QUEUE_RETRY.into());
        error
    }

    /// Too many do the same just now.
    pub(crate) fn too_busy(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    /// The server could do it, and answers as if it could not.
    pub(crate) fn on_purpose(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::CONFLICT => "conflict",
            StatusCode::TOO_MANY_REQUESTS => "rate_limited",
            StatusCode::INTERNAL_SERVER_ERROR => "internal",
            status if status.is_server_error() => "unavailable",
            _ => "bad_request",
        };
        Self::new(status, code, "this is a fault on purpose")
    }

    /// The server failed. What went wrong is for its log, not for the sender.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = with_causes(error), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed; its log says why")
    }
}

/// The beginning of a text.
fn excerpt(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

fn shorten(finding: &Finding) -> Finding {
    let mut short = finding.clone();
    short.message = excerpt(short.message, MAX_TEXT);
    short.node_id = short.node_id.map(|id| excerpt(id.as_str().to_owned(), MAX_TEXT).as_str().into());
    for text in [&mut short.class_type, &mut short.input, &mut short.suggestion] {
        *text = text.take().map(|text| excerpt(text, MAX_TEXT));
    }
    short
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let request_id = RequestId::current();
        let request_id = request_id.as_str();
        // As data, so that nothing that was sent can look like a line of the log.
        let reason = excerpt(self.message.clone(), MAX_TEXT);
        tracing::info!(request_id, status = self.status.as_u16(), code = self.code, ?reason, "refused");
        let error = Object::from_iter([
            ("code", Value::from(self.code)),
            ("message", Value::from(self.message)),
            ("details", self.details),
            ("request_id", Value::from(request_id)),
        ]);
        let mut response = (self.status, Json(Object::from_iter([("error", error)]).into())).into_response();
        response.headers_mut().extend(*self.headers);
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, http::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Answers where there is no route.
pub(super) async fn no_such_path(uri: Uri) -> ApiError {
    ApiError::not_found(format!("there is nothing at {}", uri.path()))
}

/// Answers where the path has a route, but not for this method.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("{method} is not possible at {}", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
