//! Requests: each has an id, which is in its log lines and in its answer, and is counted.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;

use super::labels::{RequestLabels, RouteLabels};
use super::{Metrics, OTHER};
use crate::request_id::RequestId;

/// The field that carries the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The methods that are told apart.
const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "PUT", "DELETE"];

/// Answers a request under its id, and notes how that went.
pub(crate) async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = RequestId::of(request.headers().get(REQUEST_ID));
    let method = request.method().as_str();
    let method = METHODS.into_iter().find(|known| *known == method).unwrap_or(OTHER).to_owned();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| OTHER.to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", request_id = id.as_str(), method, route);
    let mut response = id.clone().scope(next.run(request)).instrument(span).await;
    if let Ok(value) = HeaderValue::try_from(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (took, status) = (begun.elapsed(), response.status().as_u16());
    tracing::debug!(request_id = id.as_str(), method, route, status, ms = took.as_millis(), "answered");
    let labels = RequestLabels { method: method.clone(), route: route.clone(), status };
    metrics.0.requests.get_or_create(&labels).inc();
    metrics.0.request_time.get_or_create(&RouteLabels { method, route }).observe(took.as_secs_f64());
    response
}
