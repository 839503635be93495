//! Redirects: which are followed, and where they lead.

use http::request::Parts;
use http::{Method, StatusCode, header};
use url::Url;

use super::RedirectPolicy;
use crate::{Response, TransportError, TransportErrorKind};

/// How many redirects of a request are followed; `None` when the redirect is the response.
pub(super) fn allowed(policy: RedirectPolicy, request: &Parts) -> Option<usize> {
    let harmless = matches!(request.method, Method::GET | Method::HEAD);
    match policy {
        RedirectPolicy::Follow(most) if harmless && !request.headers.contains_key(header::AUTHORIZATION) => {
            Some(most)
        }
        _ => None,
    }
}

/// Where a response says that the thing is, when it is a redirect.
pub(super) fn target(url: &Url, response: &Response) -> Result<Option<Url>, TransportError> {
    let moved = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !moved.contains(&response.status()) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|text| url.join(text).ok());
    match next.filter(|next| matches!(next.scheme(), "http" | "https")) {
        Some(next) => Ok(Some(next)),
        None => Err(TransportError::new(
            TransportErrorKind::Redirect,
            "the redirect leads to no http or https URL",
        )),
    }
}

/// The error of a chain that does not end.
pub(super) fn too_many() -> TransportError {
    TransportError::new(TransportErrorKind::Redirect, "there are too many redirects")
}
