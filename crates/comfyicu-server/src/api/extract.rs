//! Parts of a request, read and bounded, with errors in the API's own form.

use std::str::FromStr;

use axum::body::Body;
use bytes::Bytes;

use super::error::ApiError;
use crate::report::causes;

/// Reads a body of at most `limit` bytes.
pub(super) async fn body(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        if causes(&error).any(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
            return ApiError::too_large(limit as u64);
        }
        ApiError::bad_request("the body broke off")
    })
}

/// Reads an id from a path. What is no id is no thing that there is.
pub(super) fn id<T: FromStr<Err: ToString>>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|error: T::Err| ApiError::not_found(error.to_string()))
}
