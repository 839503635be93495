//! The layer that repeats what may be repeated.

mod classify;
mod decide;
mod retry_after;
mod tokens;

pub use classify::{Verdict, classify};
pub use decide::{Next, RetryPolicy, Spent, decide};
pub use retry_after::retry_after;

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use crate::mark::AttemptNumber;
use crate::{Attempt, Attempts, HttpTransport, Outcome, Repeat, Request, Response, ResponseBody};
use crate::{SharedTransport, TransportError, WholeBody};
use tokens::Tokens;

/// Sends a request again when that is allowed ([`classify`]) and worth it ([`decide`]). Clones share the
/// tokens that keep a dead server from being hammered.
///
/// The last answer or error is given as it is, and says what was tried: [`Attempts::of`],
/// [`TransportError::attempts`].
///
/// # Cancel safety
/// Dropping the future ends the attempt on its way, and there is no other.
#[derive(Clone, Debug)]
pub struct Retry {
    inner: SharedTransport,
    policy: RetryPolicy,
    tokens: Arc<Tokens>,
}

impl Retry {
    /// Puts the layer around a transport.
    pub fn new(inner: SharedTransport, policy: RetryPolicy) -> Self {
        let tokens = Arc::new(Tokens::full(policy.retry_tokens));
        Self { inner, policy, tokens }
    }
}

#[async_trait]
impl HttpTransport for Retry {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let repeat = Repeat::of(&request);
        let whole = request.extensions().get().copied();
        let begin = Instant::now();
        let mut attempts = Vec::new();
        loop {
            let began = begin.elapsed();
            let result = self.attempt(&request, attempts.len(), whole).await;
            let outcome = outcome(&result);
            attempts.push(Attempt::new(began, begin.elapsed().saturating_sub(began), outcome));
            let verdict = classify(repeat, outcome);
            if verdict == Verdict::Final {
                if matches!(outcome, Outcome::Status(status) if !status.is_server_error()) {
                    self.tokens.give_back(attempts.len());
                }
                return finish(result, attempts);
            }
            let asked =
                result.as_ref().ok().and_then(|response| retry_after(response.headers(), SystemTime::now()));
            let spent = Spent { attempts: attempts.len(), elapsed: begin.elapsed() };
            match decide(&self.policy, spent, asked, fastrand::f64()) {
                Next::After(delay) if self.tokens.take() => sleep(delay).await,
                _ => return finish(result, attempts),
            }
        }
    }
}

impl Retry {
    async fn attempt(
        &self,
        request: &Request,
        before: usize,
        whole: Option<WholeBody>,
    ) -> Result<Response, TransportError> {
        let mut request = request.clone();
        let number = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
        request.extensions_mut().insert(AttemptNumber(number));
        let response = self.inner.send(request).await?;
        let Some(WholeBody(limit)) = whole.filter(|_| response.status().is_success()) else {
            return Ok(response);
        };
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, ResponseBody::from(body.collect(limit).await?)))
    }
}

fn outcome(result: &Result<Response, TransportError>) -> Outcome {
    match result {
        Ok(response) => Outcome::Status(response.status()),
        Err(error) => Outcome::Failed(error.kind()),
    }
}

/// Puts the attempts on what is given back, where there was more than one.
fn finish(
    result: Result<Response, TransportError>,
    attempts: Vec<Attempt>,
) -> Result<Response, TransportError> {
    if attempts.len() < 2 {
        return result;
    }
    match result {
        Ok(mut response) => {
            response.extensions_mut().insert(Attempts::from(attempts));
            Ok(response)
        }
        Err(error) => Err(error.with_attempts(attempts)),
    }
}

#[cfg(test)]
mod tests;
