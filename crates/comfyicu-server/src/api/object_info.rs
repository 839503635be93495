//! `GET /api/v1/object_info`: the node definitions of the executor. An extension.

use axum::extract::State;

use super::Json;
use super::error::ApiError;
use crate::app::App;

/// Gives the node definitions.
pub(super) async fn get(State(app): State<App>) -> Result<Json, ApiError> {
    let object_info = app.executor.object_info().await.map_err(|error| ApiError::unavailable(&error))?;
    Ok(Json(object_info.as_object().clone().into()))
}
