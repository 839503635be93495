//! One submit, until it is known what came of it.

use std::time::Duration;

use comfyicu_model::Run;
use comfyicu_model::json::{Object, Value};
use comfyicu_transport::{Next, RetryPolicy, Spent, decide};
use tokio::time::{Instant, sleep, sleep_until};

use super::{IfUnknown, SubmitKey, marker};
use crate::capabilities::Extension;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};
use crate::run::RunHandle;
use crate::workflow::Workflow;

/// How long a run is looked for at most when the service itself answered: nothing is on its way any more, and a
/// list shows what there is.
const ANSWERED_SEARCH_TIME: Duration = Duration::from_secs(10);
/// The pauses between two looks at the list: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How often a submit is repeated to a server that knows it again.
const REPEATS: usize = 20;

/// One submit.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) workflow: Workflow,
    pub(super) body: Object,
    pub(super) key: SubmitKey,
    pub(super) has_marker: bool,
    pub(super) search_time: Duration,
}

/// What is known of the server's idempotency keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Known,
    Ignored,
    /// The server could not be asked.
    Unclear,
}

impl Submission {
    /// Submits, and finds out what came of it.
    pub(super) async fn settle(mut self, if_unknown: IfUnknown) -> Result<RunHandle, Error> {
        let keys = self.keys().await;
        if self.has_marker {
            // To look for it later: a server that knows keys does not tell which run has which.
            marker::mark(&mut self.body, &self.key);
            if keys != Keys::Known {
                marker::mark_prompt(&mut self.body, &self.key);
            }
        }
        let call = self.call(keys);
        match self.once(&call, keys).await {
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown && if_unknown == IfUnknown::Resubmit => {
                self.once(&call, keys).await
            }
            settled => settled,
        }
    }

    async fn once(&self, call: &Call, keys: Keys) -> Result<RunHandle, Error> {
        let lost = match self.send(call).await {
            Err(error) if error.may_have_been_applied() => error,
            settled => return settled,
        };
        // A server that could not be asked before may be well again.
        let keys = if keys == Keys::Unclear { self.keys().await } else { keys };
        let settled = match keys {
            Keys::Known => self.repeat(call, lost).await,
            Keys::Ignored | Keys::Unclear if self.has_marker => self.search(lost).await,
            _ => Err(lost),
        };
        settled.map_err(|error| error.with_submit_key(self.key.clone()))
    }

    async fn keys(&self) -> Keys {
        match self.workflow.client().capabilities().await {
            Ok(capabilities) if capabilities.has(Extension::IdempotencyKey) => Keys::Known,
            Ok(_) => Keys::Ignored,
            Err(_) => Keys::Unclear,
        }
    }

    fn call(&self, keys: Keys) -> Call {
        let key = (keys != Keys::Ignored).then(|| self.key.clone());
        let body = Value::Object(self.body.clone()).to_json();
        Call::submit(&self.workflow.client().inner.base, self.workflow.id(), body, key)
    }

    async fn send(&self, call: &Call) -> Result<RunHandle, Error> {
        let client = self.workflow.client();
        // The answer may be no more than the id: nothing else of it is relied on.
        let run = client.exchange(call).await?.into_run().map_err(|error| error.maybe_applied(true))?;
        Ok(RunHandle::submitted(client.clone(), self.workflow.id().clone(), run.id().clone()))
    }

    /// Sends the same again to a server that knows it again.
    async fn repeat(&self, call: &Call, mut lost: Error) -> Result<RunHandle, Error> {
        let begin = Instant::now();
        let policy = RetryPolicy::default().attempts(REPEATS).total(self.search_time);
        for attempts in 1.. {
            let spent = Spent { attempts, elapsed: begin.elapsed() };
            let Next::After(pause) = decide(&policy, spent, lost.retry_after(), fastrand::f64()) else {
                break;
            };
            sleep(pause).await;
            lost = match self.send(call).await {
                Err(error) if error.is_retryable() || error.may_have_been_applied() => error,
                settled => return settled,
            };
        }
        let text = format!(
            "it is not known whether the run was submitted: {} did not answer for {:.0} s",
            call.name(),
            begin.elapsed().as_secs_f64()
        );
        Err(unknown(text, lost))
    }

    /// Looks for the run of a submit that may have been received.
    async fn search(&self, lost: Error) -> Result<RunHandle, Error> {
        let bound = if has_settled(&lost) { ANSWERED_SEARCH_TIME } else { self.search_time };
        let bound = bound.min(self.search_time);
        let Some(deadline) = Instant::now().checked_add(bound).filter(|_| !bound.is_zero()) else {
            return Err(lost);
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let look = tokio::time::timeout_at(deadline, find_submitted(&self.workflow, &self.key)).await;
            match look {
                Ok(Ok(Some(run))) => return Ok(run),
                Ok(Err(error)) if !error.is_retryable() => return Err(lost),
                Ok(_) => {}
                Err(_) => break,
            }
            if Instant::now() >= deadline {
                break;
            }
            sleep_until(deadline.min(Instant::now() + pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let text = format!(
            "it is not known whether the run was submitted: none with the marker {} was seen in the workflow {} \
             for {:.0} s, but it may still appear",
            self.key,
            self.workflow.id(),
            bound.as_secs_f64()
        );
        Err(unknown(text, lost))
    }
}

/// Whether the service itself has answered. What stands in front of one (502, 504) has not.
fn has_settled(error: &Error) -> bool {
    error.api().is_some_and(|api| matches!(api.status.as_u16(), 500 | 501 | 503))
}

fn unknown(text: String, lost: Error) -> Error {
    lost.become_kind(ErrorKind::OutcomeUnknown, text).maybe_applied(true)
}

/// Looks once among the newest runs for the one that carries a marker.
pub(crate) async fn find_submitted(workflow: &Workflow, key: &SubmitKey) -> Result<Option<RunHandle>, Error> {
    let client = workflow.client();
    let call = Call::list_runs(&client.inner.base, workflow.id(), &[]).once();
    let page = client.exchange(&call).await?.into_page()?;
    let runs = page.items.into_iter().filter_map(|item| Run::from_value(item).ok());
    let found = { runs }.find(|run| marker::is_on(run, key));
    Ok(found.map(|run| RunHandle::new(client.clone(), workflow.id().clone(), run.id().clone())))
}
