//! `GET /api/v1/object_info`: the node definitions of the executor. An extension.

use axum::extract::State;

use super::Json;
use super::error::ApiError;
use super::openapi::{KeyRefused, ServerBusy};
use crate::app::App;

/// Gives the node definitions of the executors, in ComfyUI's form
///
/// An extension.
#[utoipa::path(
    get,
    path = "/api/v1/object_info",
    operation_id = "get_object_info",
    tag = "server",
    responses(
        (status = 200, description = "By the names of the classes", body = Object, content_type = "application/json"),
        KeyRefused,
        ServerBusy
    )
)]
pub(super) async fn get(State(app): State<App>) -> Result<Json, ApiError> {
    let object_info = app.executor.object_info().await.map_err(|error| ApiError::unavailable(&error))?;
    Ok(Json(object_info.as_object().clone().into()))
}
