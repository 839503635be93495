//! What a service answered in place of what was asked for.

use std::fmt;
use std::time::{Duration, SystemTime};

use comfyicu_model::Finding;
use comfyicu_model::json::{self, Limits, Value};
use comfyicu_transport::Attempt;
use http::{HeaderMap, StatusCode, header};

use crate::key::ApiKey;

/// How much of a body that is not ours goes into a text.
const EXCERPT_CHARS: usize = 200;
/// How much of an error's body is kept.
const KEPT_BYTES: usize = 16 * 1024;
/// How much of a body is looked at to say what it is.
const DESCRIBED_BYTES: usize = 4096;

/// An error that the service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The status.
    pub status: StatusCode,
    /// The request that it answers, such as `POST https://comfy.icu/api/v1/workflows/w/runs`.
    pub request: String,
    /// The service's name for the problem, where it gives one (self-hosted server).
    pub code: Option<String>,
    /// The service's words for the problem, or else the beginning of the body.
    pub message: Option<String>,
    /// The id under which the service's log knows the request (self-hosted server).
    pub request_id: Option<String>,
    /// What exactly was found, one by one (self-hosted server).
    pub details: Vec<Finding>,
    /// The body as text, at most 16 KiB of it.
    pub body: String,
    attempts: Vec<Attempt>,
    retry_after: Option<Duration>,
    location: Option<String>,
}

/// Something that is not the service's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtocolError {
    /// The request.
    pub request: String,
    /// What was expected.
    pub expected: &'static str,
    /// What arrived, in words.
    pub found: String,
    /// Where in the answer it stands, such as `$.id`; none for the whole of it.
    pub path: Option<String>,
}

impl ApiError {
    /// Reads an answer with a status that is not a success.
    pub(crate) fn read(request: String, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let parsed = json::read(body, Limits::default()).ok();
        let document = parsed.as_ref().and_then(Value::as_object);
        let error = document.and_then(|document| document.get("error"));
        let envelope = error.and_then(Value::as_object);
        let text = |key| envelope?.get_str(key).map(str::to_owned);
        // Others write {"error": "…"} or {"message": "…"}.
        let foreign = || error.and_then(Value::as_str).or_else(|| document?.get_str("message"));
        let message = text("message").or_else(|| foreign().map(str::to_owned));
        let details = envelope.and_then(|envelope| envelope.get("details")?.as_array()).unwrap_or_default();
        Self {
            status,
            request,
            code: text("code"),
            message: message.or_else(|| (!body.is_empty()).then(|| describe(headers, body))),
            request_id: text("request_id"),
            details: details.iter().filter_map(Finding::from_value).collect(),
            body: String::from_utf8_lossy(body.get(..KEPT_BYTES).unwrap_or(body)).into_owned(),
            attempts: Vec::new(),
            retry_after: comfyicu_transport::retry_after(headers, SystemTime::now()),
            location: location(headers),
        }
    }

    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    #[must_use]
    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.attempts = attempts;
        self
    }

    /// All attempts, in order, this answer's included; none where the request was sent once.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Leaves a key out of what the headers say. The body was read without it.
    #[must_use]
    pub(crate) fn without(mut self, key: &ApiKey) -> Self {
        self.location = self.location.map(|location| key.hide_in_text(&location));
        self.message = self.message.map(|message| key.hide_in_text(&message));
        self
    }

    /// Where the answer says that the thing is.
    pub(crate) fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.request, self.status)?;
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        if self.attempts.len() > 1 {
            write!(f, " in {} attempts", self.attempts.len())?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, expected, found, .. } = self;
        write!(f, "{request} should have answered {expected}, but what arrived is {found}")?;
        self.path.as_ref().map_or(Ok(()), |path| write!(f, " (at {path})"))
    }
}

impl std::error::Error for ProtocolError {}

impl ProtocolError {
    pub(crate) fn new(request: String, expected: &'static str, headers: &HeaderMap, body: &[u8]) -> Self {
        Self { request, expected, found: describe(headers, body), path: None }
    }
}

/// Where the answer says that the thing is. A query may hold a signature, and is left out.
fn location(headers: &HeaderMap) -> Option<String> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    location.split(['?', '#']).next().map(excerpt)
}

/// Says what a body is, without pouring it out.
fn describe(headers: &HeaderMap, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..DESCRIBED_BYTES).unwrap_or(body));
    let text = text.trim();
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if text.is_empty() {
        return "an empty body".to_owned();
    }
    if media.contains("html") || text.starts_with("<!") || text.starts_with("<html") {
        let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        return match title.map(|(title, _)| excerpt(title)) {
            Some(title) if !title.is_empty() => format!("an HTML page, “{title}”"),
            _ => "an HTML page".to_owned(),
        };
    }
    format!("`{}`", excerpt(text))
}

/// The beginning of a text, on one line.
fn excerpt(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.retain(|c| !c.is_control());
    match words.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => {
            words.truncate(end);
            words + "…"
        }
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(status: u16, body: &str) -> ApiError {
        let status = StatusCode::from_u16(status).unwrap();
        ApiError::read("GET http://h/api/v1/x".to_owned(), status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn our_envelope_is_read() {
        let error = api(
            422,
            r#"{"error": {"code": "prompt_invalid", "message": "the prompt has 2 problems", "request_id": "r7", "details": [
                {"code": "required_input_missing", "message": "a required input is missing", "node_id": "3", "class_type": "KSampler", "input": "seed", "suggestion": "set it"},
                {"code": "unknown_class", "message": "no such class"}, 7]}}"#,
        );
        assert_eq!(error.code.as_deref(), Some("prompt_invalid"));
        insta::assert_snapshot!(error, @"GET http://h/api/v1/x answered 422 Unprocessable Entity: the prompt has 2 problems (request r7)");
        let details: Vec<_> = error.details.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(details.join("\n"), @"
        node 3 (KSampler), input `seed`: a required input is missing (set it)
        no such class
        ");
    }

    #[test]
    fn other_bodies_are_quoted_in_part() {
        insta::assert_snapshot!(api(401, r#"{"error": "Unauthorized"}"#), @"GET http://h/api/v1/x answered 401 Unauthorized: Unauthorized");
        insta::assert_snapshot!(api(400, r#"{"message": "nope"}"#), @"GET http://h/api/v1/x answered 400 Bad Request: nope");
        insta::assert_snapshot!(api(502, "<html><head><title>502 Bad\nGateway</title></head></html>"), @"GET http://h/api/v1/x answered 502 Bad Gateway: an HTML page, “502 Bad Gateway”");
        insta::assert_snapshot!(api(500, "it\nbroke"), @"GET http://h/api/v1/x answered 500 Internal Server Error: `it broke`");
        insta::assert_snapshot!(api(500, ""), @"GET http://h/api/v1/x answered 500 Internal Server Error");
        assert_eq!(api(500, &"ü".repeat(1000)).message.unwrap().chars().count(), EXCERPT_CHARS + 3);
    }
}
