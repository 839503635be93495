//! Waiting for the end of a run, by asking for it again and again.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use comfyicu_model::{Run, RunStatus};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::run::{FailedRun, GaveUp, PollSchedule, RunHandle, WaitError};

/// How long a wait may take unless it is told otherwise: longer than any run seen.
pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(60 * 60);
/// How long the service may be out of reach before a wait gives up: a restart, a lost network.
pub const POLL_FAILURE_TOLERANCE: Duration = Duration::from_secs(60);
/// The longest that a service which wants to be left alone is obeyed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Hears of each look at the run.
type Observer = Box<dyn FnMut(Result<&Run, &Error>) + Send>;

/// A wait for the end of a run; it begins when this is awaited, and gives the completed [`Run`].
///
/// It looks at the run as the [`PollSchedule`] says, for at most [`max_wait`](Self::max_wait). A look that
/// fails for want of a connection, or because the service is having problems or is busy, is repeated for
/// [`POLL_FAILURE_TOLERANCE`]. A status that this version does not know is no end.
///
/// # Errors
/// [`WaitError`]: the run failed (and is kept), the wait took too long, or the run could not be got.
///
/// # Cancel safety
/// Safe: dropping the future stops the asking, the run goes on.
#[must_use = "nothing is sent until this is awaited"]
pub struct Wait {
    run: RunHandle,
    limit: Duration,
    schedule: PollSchedule,
    observer: Observer,
}

impl Wait {
    pub(super) fn new(run: RunHandle) -> Self {
        let schedule = PollSchedule::default();
        Self { run, limit: DEFAULT_MAX_WAIT, schedule, observer: Box::new(|_| {}) }
    }

    /// Sets how long the wait may take in all; the default is [`DEFAULT_MAX_WAIT`].
    pub const fn max_wait(mut self, max_wait: Duration) -> Self {
        self.limit = max_wait;
        self
    }

    /// Sets when to look.
    pub const fn schedule(mut self, schedule: PollSchedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Calls `observer` after each look: with the run as it is then, or with the failure that is
    /// tolerated.
    pub fn observe(mut self, observer: impl FnMut(Result<&Run, &Error>) + Send + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    async fn poll(self) -> Result<Run, WaitError> {
        let Self { run, limit, schedule, mut observer } = self;
        let begin = Instant::now();
        let deadline = begin.checked_add(limit);
        let mut state = State { last: None, polls: 0, last_good: begin };
        let mut delays = schedule.start();
        loop {
            state.polls = state.polls.saturating_add(1);
            let Some(look) = before(deadline, run.get()).await else { break };
            let delay = match look {
                Ok(seen) => {
                    observer(Ok(&seen));
                    let status = seen.status();
                    if status.as_ref().is_some_and(RunStatus::is_terminal) {
                        return ended(seen);
                    }
                    state.last_good = Instant::now();
                    state.last = Some(seen);
                    delays.after(status)
                }
                Err(error) if is_tolerated(&error, state.last_good.elapsed()) => {
                    observer(Err(&error));
                    let asked = error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER);
                    delays.after(None).max(asked)
                }
                Err(error) => return Err(WaitError::Request(error)),
            };
            if before(deadline, tokio::time::sleep(delay)).await.is_none() {
                break;
            }
        }
        let (elapsed, polls, last) = (begin.elapsed(), state.polls, state.last);
        Err(WaitError::GaveUp(Box::new(GaveUp { id: run.id().clone(), elapsed, polls, last })))
    }
}

struct State {
    last: Option<Run>,
    polls: u32,
    last_good: Instant,
}

/// Awaits a future until a deadline, if there is one.
async fn before<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

fn ended(run: Run) -> Result<Run, WaitError> {
    match run.status() {
        Some(RunStatus::Completed) => Ok(run),
        _ => Err(WaitError::Failed(Box::new(FailedRun { run }))),
    }
}

fn is_tolerated(error: &Error, since_last_good: Duration) -> bool {
    let passes = matches!(error.kind(), ErrorKind::Transport | ErrorKind::Server | ErrorKind::RateLimited);
    passes && since_last_good < POLL_FAILURE_TOLERANCE
}

impl IntoFuture for Wait {
    type Output = Result<Run, WaitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.poll())
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Wait");
        debug.field("run", &self.run).field("max_wait", &self.limit).field("schedule", &self.schedule);
        debug.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
