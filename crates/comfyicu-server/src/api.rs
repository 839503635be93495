//! The REST API: one file an endpoint, named after its path.

mod auth;
mod capabilities;
mod deliveries;
mod error;
mod events;
mod extract;
mod health;
mod object_info;
mod origin;
mod page;
mod runs;
#[cfg(test)]
mod tests;
mod uploads;
mod view;
mod workflows;

pub(crate) use error::ApiError;
pub(crate) use events::Streams;
pub(crate) use origin::TrustedHosts;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, head, post};
use comfyicu_model::json::Value;
use http::header;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::app::App;
use crate::faults;
use crate::metrics::observe;

/// The table of routes. All but the outputs, whose addresses are signed, need a key.
pub(crate) fn router(app: App, trusted_hosts: Option<TrustedHosts>) -> Router {
    let with_key = Router::new()
        .route("/api/v1/capabilities", get(capabilities::get))
        .route("/api/v1/object_info", get(object_info::get))
        .route("/api/v1/uploads", post(uploads::create))
        .route("/api/v1/uploads/{sha256}", head(uploads::find))
        .route("/api/v1/workflows", get(workflows::list))
        .route("/api/v1/workflows/{workflow_id}", get(workflows::get))
        .route("/api/v1/workflows/{workflow_id}/runs", get(runs::list).post(runs::create))
        .route("/api/v1/workflows/{workflow_id}/runs/{run_id}", get(runs::get))
        .route("/api/v1/workflows/{workflow_id}/runs/{run_id}/cancel", post(runs::cancel))
        .route("/api/v1/workflows/{workflow_id}/runs/{run_id}/events", get(events::of_run))
        .route("/api/v1/workflows/{workflow_id}/runs/{run_id}/deliveries", get(deliveries::list))
        .route(
            "/api/v1/workflows/{workflow_id}/runs/{run_id}/deliveries/{delivery_id}/resend",
            post(deliveries::resend),
        )
        .route("/api/v1/workflows/{workflow_id}/events", get(events::of_workflow))
        .route("/api/v1/view/workflows/{workflow_id}/input/{*path}", get(view::input))
        .route_layer(from_fn_with_state(app.clone(), auth::require_key));
    let metrics = app.metrics.clone();
    let body_timeout = app.limits.body_timeout;
    let router = with_key
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/api/v1/view/workflows/{workflow_id}/output/{run_id}/{*path}", get(view::output))
        .fallback(error::no_such_path)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(from_fn_with_state(app.faults.clone(), faults::strike))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(RequestBodyTimeoutLayer::new(body_timeout))
        .with_state(app);
    let router = match trusted_hosts {
        Some(hosts) => {
            router.layer(from_fn(move |request, next| origin::refuse_foreign(hosts.clone(), request, next)))
        }
        None => router,
    };
    router.layer(from_fn_with_state(metrics, observe))
}

/// A JSON answer, without loss.
#[derive(Debug)]
pub(crate) struct Json(pub(crate) Value);

impl axum::response::IntoResponse for Json {
    fn into_response(self) -> axum::response::Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0.to_json()).into_response()
    }
}
