//! Parts of a request, read and bounded, with errors in the API's own form.

use std::str::FromStr;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::rejection::{PathRejection, QueryRejection};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};

use super::error::ApiError;
use crate::report::causes;

/// Refuses a body that says itself that it has more than `limit` bytes, before any of it is read.
pub(super) fn refuse_longer(headers: &HeaderMap, limit: u64) -> Result<(), ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > limit) { Err(ApiError::too_large(limit)) } else { Ok(()) }
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn body(body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, ApiError> {
    refuse_longer(headers, limit as u64)?;
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        broken_off(&error, limit as u64).unwrap_or_else(|| ApiError::bad_request("the body broke off"))
    })
}

/// Why a body did not come to its end, where that was the server's doing: it was too large, or too slow.
pub(super) fn broken_off(error: &(dyn std::error::Error + 'static), limit: u64) -> Option<ApiError> {
    if causes(error).any(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
        return Some(ApiError::too_large(limit));
    }
    let is_slow = causes(error).any(<dyn std::error::Error>::is::<tower_http::timeout::TimeoutError>);
    is_slow.then(ApiError::too_slow)
}

/// The parts of the path; one that is not text leads nowhere.
pub(super) struct Path<T>(pub(super) T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    axum::extract::Path<T>: FromRequestParts<S, Rejection = PathRejection>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|rejection| ApiError::not_found(rejection.body_text()))
    }
}

/// What stands behind the `?`.
pub(super) struct Query<T>(pub(super) T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    axum::extract::Query<T>: FromRequestParts<S, Rejection = QueryRejection>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|rejection| ApiError::bad_request(rejection.body_text()))
    }
}

/// Reads an id from a path; nothing has an id that is not one, so that is a 404.
pub(super) fn id<T: FromStr<Err: ToString>>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|error: T::Err| ApiError::not_found(error.to_string()))
}
