//! Faults of requests: a layer around all routes.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::Faults;
use super::plan::{Fault, OfRequests, Refusal, RequestAct};
use crate::api::ApiError;

/// Names the fault on an answer that one had a part in.
const HEADER: HeaderName = HeaderName::from_static("x-comfyicu-fault");
/// How long an answer that breaks off takes to do so, so that its beginning is on its way.
const BREATH: Duration = Duration::from_millis(50);

/// Lets the faults of a request happen, in the order of the file, and the request itself where they let it.
pub(crate) async fn strike(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    if faults.0.requests.is_empty() {
        return next.run(request).await;
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let is_about = |fault: &&Fault<OfRequests>| {
        fault.what.routes.iter().any(|route| route.matches(&method, &path)) && fault.count.strikes()
    };
    let mut place = None;
    let mut end = None;
    for fault in faults.0.requests.iter().filter(is_about) {
        tracing::info!(fault = fault.place, %method, path, act = ?fault.what.act, "a fault on purpose");
        place = Some(&fault.place);
        match &fault.what.act {
            RequestAct::Delay(time) => tokio::time::sleep(*time).await,
            RequestAct::Refuse(refusal) => return marked(answer(refusal), place),
            RequestAct::Drop => return broken_off(),
            act @ (RequestAct::LoseAnswer | RequestAct::Cut) => {
                end = Some(act);
                break;
            }
        }
    }
    let response = next.run(request).await;
    match end {
        Some(RequestAct::LoseAnswer) => broken_off(),
        Some(_) => marked(cut(response), place),
        None => marked(response, place),
    }
}

fn marked(mut response: Response, place: Option<&String>) -> Response {
    if let Some(place) = place.and_then(|place| HeaderValue::from_str(place).ok()) {
        response.headers_mut().insert(HEADER, place);
    }
    response
}

fn answer(refusal: &Refusal) -> Response {
    let mut response = match &refusal.body {
        Some((body, content_type)) => {
            (refusal.status, [(header::CONTENT_TYPE, content_type.clone())], body.clone()).into_response()
        }
        None => ApiError::on_purpose(refusal.status).into_response(),
    };
    if let Some(seconds) = refusal.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// An answer of which nothing comes: its body fails before anything of it was sent, and with it the connection.
fn broken_off() -> Response {
    let failure = stream::once(async { Err::<Bytes, _>(io::Error::other("a fault on purpose")) });
    (StatusCode::OK, Body::from_stream(failure)).into_response()
}

/// An answer that breaks off half-way; one whose length is not known, behind its first part.
fn cut(response: Response) -> Response {
    let (head, body) = response.into_parts();
    let length = body.size_hint().exact();
    let mut left = length.map(|length| usize::try_from(length / 2).unwrap_or(usize::MAX));
    let parts = body.into_data_stream().map(move |part| {
        let part = part.map_err(io::Error::other)?;
        let taken = part.slice(..left.unwrap_or(part.len()).min(part.len()));
        left = Some(left.unwrap_or(taken.len()).saturating_sub(taken.len()));
        Ok::<_, io::Error>((taken, left == Some(0)))
    });
    let until_cut = parts.scan(false, |is_over, part| {
        let was_over = *is_over;
        *is_over = !matches!(part, Ok((_, false)));
        std::future::ready((!was_over).then_some(part.map(|(part, _)| part)))
    });
    let failure = stream::once(async {
        tokio::time::sleep(BREATH).await;
        Err(io::Error::other("a fault on purpose"))
    });
    let mut response = Response::from_parts(head, Body::from_stream(until_cut.chain(failure)));
    if let Some(length) = length {
        // What was promised, so that whoever reads it sees that it is not whole.
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}
