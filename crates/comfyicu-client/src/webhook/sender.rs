//! Sending webhooks to a receiver of one's own, in the service's form: to try it out, or because the service
//! cannot reach it.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use comfyicu_model::WebhookEvent;
use comfyicu_model::json::Value;
use comfyicu_transport::{Repeat, RequestBody, SharedTransport};
use http::{HeaderValue, Method, StatusCode, header};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::{WebhookSecret, webhook_headers};
use crate::client::Client;

/// How long a receiver may take to answer; the service gives it as long.
const ANSWER_TIME: Duration = Duration::from_secs(15);
/// How often a message is sent at most, unless it is told otherwise.
const ATTEMPTS: usize = 5;
/// How long to wait before a message is sent for the second time; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The most of an answer that is kept.
const KEPT_BYTES: usize = 4096;

/// Sends webhooks to a receiver of one's own, signed where there is a secret, until it takes them.
#[derive(Clone)]
pub struct WebhookSender {
    transport: SharedTransport,
    to: Url,
    secret: Option<WebhookSecret>,
    attempts: usize,
    first_pause: Duration,
}

/// One time that a message was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookAttempt {
    /// Which one it is, from 1.
    pub number: usize,
    /// How long it took.
    pub took: Duration,
    /// The status of the answer, or why there was none.
    pub answer: Result<StatusCode, String>,
    /// The beginning of what was answered.
    pub body: Bytes,
    /// Whether nothing is sent after it: the message was taken, or enough was tried.
    pub is_last: bool,
}

impl WebhookAttempt {
    /// Whether the receiver took the message.
    pub fn was_taken(&self) -> bool {
        self.answer.as_ref().is_ok_and(|status| status.is_success() || *status == StatusCode::GONE)
    }
}

impl Client {
    /// A sender of webhooks to `to`, over the client's transport. The API key is never part of it.
    pub fn webhook_sender(&self, to: Url) -> WebhookSender {
        let transport = SharedTransport::clone(&self.inner.transport);
        WebhookSender { transport, to, secret: None, attempts: ATTEMPTS, first_pause: FIRST_PAUSE }
    }
}

impl WebhookSender {
    /// Signs with a secret.
    #[must_use]
    pub fn secret(mut self, secret: WebhookSecret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Sets how often a message is sent at most; the default is 5.
    #[must_use]
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets how long to wait before a message is sent again, then twice as long each time; the default is a
    /// second.
    #[must_use]
    pub const fn pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// The body of a message, as it is sent.
    pub fn body(event: &WebhookEvent) -> String {
        Value::Object(event.run().as_object().clone()).to_json()
    }

    /// Sends a message until it is taken, and gives the last attempt. `observer` hears of each. `id` tells
    /// messages apart, and stays the same however often one is sent.
    ///
    /// # Cancel safety
    /// When the future is dropped, the message may have been taken.
    pub async fn send(
        &self,
        id: &str,
        event: &WebhookEvent,
        mut observer: impl FnMut(&WebhookAttempt),
    ) -> WebhookAttempt {
        let body = Self::body(event);
        let mut pause = self.first_pause;
        let mut number = 1;
        loop {
            let mut attempt = self.attempt(id, &body, number).await;
            attempt.is_last = attempt.was_taken() || number >= self.attempts;
            observer(&attempt);
            if attempt.is_last {
                return attempt;
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2);
            number += 1;
        }
    }

    async fn attempt(&self, id: &str, body: &str, number: usize) -> WebhookAttempt {
        let began = Instant::now();
        let answered = timeout(ANSWER_TIME, self.exchange(id, body)).await;
        let answered =
            answered.unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER_TIME.as_secs())));
        let (answer, body) = match answered {
            Ok((status, body)) => (Ok(status), body),
            Err(reason) => (Err(reason), Bytes::new()),
        };
        WebhookAttempt { number, took: began.elapsed(), answer, body, is_last: false }
    }

    async fn exchange(&self, id: &str, body: &str) -> Result<(StatusCode, Bytes), String> {
        let mut request = http::Request::new(RequestBody::from(body.to_owned()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.to.as_str().parse().map_err(|_| "the address cannot be used".to_owned())?;
        *request.headers_mut() =
            webhook_headers(id, SystemTime::now(), body.as_bytes(), self.secret.as_ref());
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.extensions_mut().insert(Repeat::Never);
        let response = self.transport.send(request).await.map_err(|error| with_causes(&error))?;
        let (head, body) = response.into_parts();
        Ok((head.status, body.collect_prefix(KEPT_BYTES).await.unwrap_or_default()))
    }
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl fmt::Debug for WebhookSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSender").field("to", &self.to.origin()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{self, json};

    fn event() -> WebhookEvent {
        WebhookEvent::parse(br#"{"id":"r","status":"COMPLETED"}"#).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_sent_until_it_is_taken() {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let (client, seen) = fake::client(move |_| {
            let sent = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            json(if sent < 2 { 503 } else { 204 }, "")
        });
        let sender = client.webhook_sender("http://receiver:9/hook".parse().unwrap());
        let mut statuses = Vec::new();
        let last = sender
            .send("msg_1", &event(), |attempt| statuses.push(attempt.answer.clone().unwrap().as_u16()))
            .await;
        assert_eq!(
            (statuses.as_slice(), last.number, last.was_taken()),
            ([503, 503, 204].as_slice(), 3, true)
        );
        // No key goes along.
        assert_eq!(seen.lines()[2], r#"POST http://receiver:9/hook {"id":"r","status":"COMPLETED"}"#);
    }

    #[tokio::test(start_paused = true)]
    async fn enough_is_enough() {
        let (client, seen) = fake::client(|_| json(500, "no"));
        let sender = client.webhook_sender("http://receiver:9/".parse().unwrap()).attempts(2);
        let last = sender.send("msg_1", &event(), |_| {}).await;
        assert!(last.is_last && !last.was_taken());
        assert_eq!((seen.lines().len(), &last.body[..]), (2, b"no".as_slice()));
    }
}
