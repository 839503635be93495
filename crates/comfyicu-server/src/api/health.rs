//! `/healthz`, `/readyz` and `/metrics`: for whoever runs the server. Extensions.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use comfyicu_model::json::{Object, Value};
use futures_util::FutureExt as _;
use http::{HeaderMap, StatusCode, header};

use super::Json;
use super::auth;
use super::error::ApiError;
use super::openapi::{self, KeyRefused};
use crate::app::App;
use crate::clock;
use crate::keys::KeyScope;

/// How long the store may take to answer before it counts as gone.
const STORE_PATIENCE: Duration = Duration::from_secs(2);
/// The text form of `OpenMetrics`.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Says that the process answers
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "get_health",
    tag = "server",
    security(()),
    responses((status = 200, description = "It does", body = openapi::Health))
)]
pub(super) async fn live() -> Json {
    Json(Object::from_iter([("status", "ok")]).into())
}

/// Says whether runs would be taken in and executed
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "get_readiness",
    tag = "server",
    security(()),
    responses(
        (status = 200, description = "They would", body = openapi::Readiness),
        (status = 503, description = "They would not: `checks` says what is missing", body = openapi::Readiness)
    )
)]
pub(super) async fn ready(State(app): State<App>) -> Response {
    let store = tokio::time::timeout(STORE_PATIENCE, app.runs.latest_event()).await;
    let checks = [
        ("store", matches!(store, Ok(Ok(_)))),
        ("executor", app.executors.iter().any(|executor| executor.ready().now_or_never().is_some())),
        ("accepting", !app.shutdown.is_stopping()),
    ];
    let is_ready = checks.iter().all(|(_, is_so)| *is_so);
    let (status, word) =
        if is_ready { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    let checks = Object::from_iter(checks.map(|(name, is_so)| (name, is_so)));
    let body = Object::from_iter([("status", Value::from(word)), ("checks", checks.into())]);
    (status, Json(body.into())).into_response()
}

/// Gives the metrics, for Prometheus
///
/// It needs a key with the scope `admin`.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "server",
    responses(
        (
            status = 200,
            description = "In the text form of OpenMetrics",
            body = String,
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        ),
        KeyRefused
    )
)]
pub(super) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    auth::authenticate(&app, &headers, KeyScope::Admin).await?;
    let accelerators: Vec<_> =
        app.executors.iter().map(|executor| executor.device().accelerator.to_string()).collect();
    app.metrics.set_runs(&app.runs.counts().await?, &accelerators, clock::now());
    for (index, executor) in app.executors.iter().enumerate() {
        app.metrics.set_executor(index, executor.device(), executor.ready().now_or_never().is_some());
    }
    app.metrics.set_streams(app.streams.count());
    let text = app.metrics.to_text().map_err(|error| ApiError::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
