//! Waiting for the end of a run.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use comfyicu_model::{Run, RunStatus};
use sync_wrapper::SyncWrapper;

use super::watcher::{Bounds, Step, Watcher, ended};
use crate::error::Error;
use crate::run::{PollSchedule, RunEvent, RunEventKind, RunHandle, WaitError};
use crate::webhook::WebhookHub;

/// How long a wait may take unless it is told otherwise: longer than any run seen.
pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(60 * 60);
/// How long the service may be out of reach before a wait gives up: a restart, a lost network.
pub const POLL_FAILURE_TOLERANCE: Duration = Duration::from_secs(60);

/// Hears of each look at the run.
type Observer = Box<dyn FnMut(Result<&Run, &Error>) + Send>;
/// Hears of each event.
type EventObserver = Box<dyn FnMut(&RunEvent) + Send>;

/// A wait for the end of a run; it begins when this is awaited, and gives the completed [`Run`].
///
/// Where the service tells of changes (an extension), the wait listens, and looks at the run when it has ended.
/// Elsewhere, and whenever that stream breaks, it looks as the [`PollSchedule`] says. A webhook that arrives at
/// a [`WebhookHub`](Self::webhooks) ends the wait at once. A status that this version does not know is no end.
///
/// A look that fails for want of a connection, or because the service is having problems or is busy, is
/// repeated for [`POLL_FAILURE_TOLERANCE`]. All of it takes at most [`max_wait`](Self::max_wait).
///
/// Many waits of one workflow look together: clones of the client ask for the list of its runs, once a second at
/// most, in place of a look at each, where that is fewer bytes. What the list lacks is looked at by itself, and so is
/// everything under a schedule of one's own. Nothing is spawned for it: dropping one wait does not hurt the others.
///
/// # Errors
/// [`WaitError`]: the run failed (and is kept), the wait took too long, or the run could not be got.
///
/// # Cancel safety
/// Safe: dropping the future stops the asking, the run goes on.
#[must_use = "nothing is sent until this is awaited"]
pub struct Wait {
    run: RunHandle,
    bounds: Bounds,
    observer: SyncWrapper<Observer>,
    event_observer: SyncWrapper<EventObserver>,
}

impl Bounds {
    pub(super) fn new() -> Self {
        Self {
            total: DEFAULT_MAX_WAIT,
            in_status: Vec::new(),
            tolerance: POLL_FAILURE_TOLERANCE,
            schedule: PollSchedule::default(),
            hub: None,
            may_stream: true,
            looks_first: true,
        }
    }
}

impl Wait {
    pub(super) fn new(run: RunHandle) -> Self {
        let (observer, event_observer): (Observer, EventObserver) = (Box::new(|_| {}), Box::new(|_| {}));
        Self {
            run,
            bounds: Bounds::new(),
            observer: SyncWrapper::new(observer),
            event_observer: SyncWrapper::new(event_observer),
        }
    }

    /// Sets how long the wait may take in all; the default is [`DEFAULT_MAX_WAIT`].
    pub const fn max_wait(mut self, max_wait: Duration) -> Self {
        self.bounds.total = max_wait;
        self
    }

    /// Sets how long the run may stay in a status, such as [`Queued`](RunStatus::Queued) while no worker is free,
    /// or [`Started`](RunStatus::Started) when it is stuck. By default only the whole wait is bounded.
    pub fn max_in_status(mut self, status: RunStatus, limit: Duration) -> Self {
        self.bounds.in_status.retain(|(known, _)| *known != status);
        self.bounds.in_status.push((status, limit));
        self
    }

    /// Sets how long looks may fail before the wait gives up; the default is [`POLL_FAILURE_TOLERANCE`].
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.bounds.tolerance = tolerance;
        self
    }

    /// Sets when to look, where nothing is told.
    pub const fn schedule(mut self, schedule: PollSchedule) -> Self {
        self.bounds.schedule = schedule;
        self
    }

    /// Looks as the schedule says even where the service tells of changes.
    pub const fn poll_only(mut self) -> Self {
        self.bounds.may_stream = false;
        self
    }

    /// Looks at once when a webhook of the run arrives at the hub.
    pub fn webhooks(mut self, hub: &WebhookHub) -> Self {
        self.bounds.hub = Some(hub.clone());
        self
    }

    /// Calls `observer` after each look: with the run as it is then, or with the failure that is
    /// tolerated.
    pub fn observe(mut self, observer: impl FnMut(Result<&Run, &Error>) + Send + 'static) -> Self {
        self.observer = SyncWrapper::new(Box::new(observer));
        self
    }

    /// Calls `observer` with each event that the service tells of while this waits: nodes, progress, places in the
    /// queue. Where it tells of none, it is not called; the looks are seen with [`observe`](Self::observe).
    pub fn observe_events(mut self, observer: impl FnMut(&RunEvent) + Send + 'static) -> Self {
        self.event_observer = SyncWrapper::new(Box::new(observer));
        self
    }

    async fn watch(self) -> Result<Run, WaitError> {
        let Self { run, bounds, observer, event_observer } = self;
        let (mut observer, mut event_observer) = (observer.into_inner(), event_observer.into_inner());
        let mut watcher = Watcher::new(run, bounds);
        loop {
            match watcher.next().await? {
                Step::Looked(run) => {
                    observer(Ok(&run));
                    if run.status().as_ref().is_some_and(RunStatus::is_terminal) {
                        // It is nobody else's then.
                        drop(watcher);
                        return ended(Arc::unwrap_or_clone(run));
                    }
                }
                Step::Tolerated(error) => observer(Err(&error)),
                Step::Told(told) => {
                    let (at, kind) = (told.at(), RunEventKind::of(&told));
                    event_observer(&RunEvent { elapsed: watcher.elapsed(), at, kind, told: Some(told) });
                }
            }
        }
    }
}

impl IntoFuture for Wait {
    type Output = Result<Run, WaitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.watch())
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Wait");
        debug.field("run", &self.run).field("bounds", &self.bounds);
        debug.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
