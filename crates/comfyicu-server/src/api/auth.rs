//! Who sends a request: `authorization: Bearer KEY` (documented).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, header};

use super::error::ApiError;
use crate::app::App;
use crate::hash::Sha256Hex;

/// The id of the key that a request came with; `None` where no key is asked for.
#[derive(Clone, Debug)]
pub(super) struct KeyId(pub(super) Option<String>);

/// Lets a request through when it has a key, and notes which.
pub(super) async fn require_key(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key_id = authenticate(&app, request.headers()).await?;
    request.extensions_mut().insert(KeyId(key_id));
    Ok(next.run(request).await)
}

/// The id of the key in the headers. Keys are looked up by their digest, so that how long it takes says
/// nothing of how near a guess is.
pub(super) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(keys) = &app.keys else { return Ok(None) };
    let missing = "an API key is needed: send it as the header `authorization: Bearer KEY`";
    let header = headers.get(header::AUTHORIZATION).ok_or_else(|| ApiError::unauthorized(missing))?;
    let (scheme, key) = header.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::unauthorized(missing));
    }
    match keys.key_id(&Sha256Hex::of(key.trim().as_bytes())).await? {
        Some(id) => Ok(Some(id)),
        None => Err(ApiError::unauthorized("the API key is not one of this server's")),
    }
}
