//! `Idempotency-Key` on create: the same key and request make one run, for a day. An extension.

use std::time::Duration;

use comfyicu_model::Timestamp;
use http::HeaderMap;

use crate::api::error::ApiError;
use crate::clock;
use crate::hash::Sha256Hex;
use crate::owner::WorkflowKey;
use crate::store::IdempotencyClaim;

/// The header.
const HEADER: &str = "idempotency-key";
/// How long a key is remembered.
const KEPT: Duration = Duration::from_hours(24);
/// The most characters of a key; a UUID has 36.
const MAX_LENGTH: usize = 255;

/// The claim that a request makes, if it has a key. It is the owner's alone.
pub(super) fn claim(
    headers: &HeaderMap,
    workflow: &WorkflowKey,
    body: &[u8],
    now: Timestamp,
) -> Result<Option<IdempotencyClaim>, ApiError> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > MAX_LENGTH {
        let message = format!("an Idempotency-Key has 1 to {MAX_LENGTH} visible characters");
        return Err(ApiError::bad_request(message));
    }
    Ok(Some(IdempotencyClaim {
        owner: workflow.owner.clone(),
        key: key.to_owned(),
        request: Sha256Hex::of(&[workflow.id.as_str().as_bytes(), b"\n", body].concat()),
        oldest: clock::before(now, KEPT),
    }))
}
