//! The REST API: one file an endpoint, named after its path.

mod auth;
mod capabilities;
mod deliveries;
mod error;
mod events;
mod extract;
mod health;
mod object_info;
mod openapi;
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
use comfyicu_model::json::Value;
use http::header;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::faults;
use crate::metrics::observe;

/// The routes that need a key.
fn with_key() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(capabilities::get))
        .routes(routes!(object_info::get))
        .routes(routes!(uploads::create))
        .routes(routes!(uploads::find))
        .routes(routes!(workflows::list))
        .routes(routes!(workflows::get))
        .routes(routes!(runs::list::list, runs::create::create))
        .routes(routes!(runs::get::get))
        .routes(routes!(runs::cancel::cancel))
        .routes(routes!(events::of_run))
        .routes(routes!(events::of_workflow))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::resend))
        .routes(routes!(view::input))
}

/// The routes that need none, or see to it themselves: the addresses of outputs are signed.
fn without_key() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(view::output))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// The document that describes all of them.
fn document() -> OpenApi {
    let routes = OpenApiRouter::with_openapi(openapi::head()).merge(with_key()).merge(without_key());
    openapi::finish(routes.into_openapi())
}

/// The service: the routes, and what every request passes on the way to them.
pub(crate) fn router(app: App, trusted_hosts: Option<TrustedHosts>) -> Router {
    let (with_key, _) = with_key().split_for_parts();
    let (without_key, _) = without_key().split_for_parts();
    let metrics = app.metrics.clone();
    let body_timeout = app.limits.body_timeout;
    let router = with_key
        .route_layer(from_fn_with_state(app.clone(), auth::require_key))
        .merge(without_key)
        .merge(openapi::router())
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
