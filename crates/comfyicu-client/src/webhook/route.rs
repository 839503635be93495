//! The receiver as an axum route.

use std::time::{Duration, SystemTime};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, post};
use http::{HeaderValue, StatusCode, header};

use super::{WebhookAnswer, WebhookReceiver};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// When a sender should come again while nobody takes its webhook, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

impl WebhookReceiver {
    /// Makes an axum route: `Router::new().route("/api/comfyicu-webhook", receiver.into_route())`. With the
    /// feature `axum`.
    pub fn into_route<S: Clone + Send + Sync + 'static>(self) -> MethodRouter<S> {
        post(move |request: Request| {
            let receiver = self.clone();
            async move { receiver.answer(request).await }
        })
    }

    async fn answer(&self, request: Request<Body>) -> Response {
        let (head, body) = request.into_parts();
        let limit = self.body_limit();
        let said =
            head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if said.is_some_and(|said: usize| said > limit) {
            return respond(WebhookAnswer::TooLong);
        }
        match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, limit)).await {
            Ok(Ok(body)) => respond(self.receive(&head.headers, &body, SystemTime::now())),
            Ok(Err(_)) => respond(WebhookAnswer::TooLong),
            Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
        }
    }
}

fn respond(answer: WebhookAnswer) -> Response {
    // What the documentation's receiver answers.
    let body =
        if answer.status().is_success() { r#"{"status":"success"}"# } else { r#"{"status":"refused"}"# };
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    let mut response = (answer.status(), content_type, body).into_response();
    if answer == WebhookAnswer::Busy {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use tower::ServiceExt as _;

    use super::*;

    async fn post(router: &Router, body: impl Into<Body>) -> (u16, Option<HeaderValue>) {
        let request = Request::post("/hook").body(body.into()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        (response.status().as_u16(), response.headers().get(header::RETRY_AFTER).cloned())
    }

    #[tokio::test]
    async fn each_webhook_gets_its_answer() {
        let (receiver, _webhooks) = WebhookReceiver::with_channel(1);
        let router = Router::new().route("/hook", receiver.max_body_bytes(64).into_route());
        assert_eq!(post(&router, r#"{"id": "a"}"#).await.0, 200);
        assert_eq!(post(&router, r#"{"id": "a"}"#).await.0, 200, "again");
        assert_eq!(post(&router, r#"{"id": "b"}"#).await, (503, Some(RETRY_AFTER)));
        assert_eq!(post(&router, "{}").await.0, 400);
        assert_eq!(post(&router, " ".repeat(65)).await.0, 413);
        let get = Request::get("/hook").body(Body::empty()).unwrap();
        assert_eq!(router.oneshot(get).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let router = Router::new().route("/hook", WebhookReceiver::with_handler(|_| {}).into_route());
        let endless =
            Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
        assert_eq!(post(&router, endless).await.0, 408);
    }
}
