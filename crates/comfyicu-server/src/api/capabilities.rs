//! `GET /api/v1/capabilities`: what this server offers beyond the hosted service. An extension.

use axum::extract::State;
use comfyicu_model::json::{Object, Value};

use super::Json;
use super::openapi::{self, KeyRefused};
use crate::app::App;

/// Says what this server offers beyond the hosted service
///
/// An extension: where the answer is 404, there are no extensions.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities",
    operation_id = "get_capabilities",
    tag = "server",
    responses((status = 200, description = "What it offers", body = openapi::Capabilities), KeyRefused)
)]
pub(super) async fn get(State(app): State<App>) -> Json {
    let capabilities = Object::from_iter([
        ("server", Value::from("comfyicu-server")),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("object_info", true.into()),
        ("uploads", true.into()),
        ("cancel", true.into()),
        ("events", true.into()),
        ("deliveries", true.into()),
        ("idempotency_keys", true.into()),
        ("check_only", true.into()),
        ("paging", true.into()),
        ("file_pins", true.into()),
        ("accelerators", app.accelerators.names().into()),
        ("device", app.executor.device().name.as_str().into()),
        ("limits", app.limits.to_object().into()),
    ]);
    Json(capabilities.into())
}
