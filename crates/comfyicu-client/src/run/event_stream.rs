//! What happens to a run, as a stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use comfyicu_model::RunStatus;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use sync_wrapper::SyncStream;

use super::event::wants_a_look;
use super::watcher::{Bounds, Step, Watcher};
use crate::run::{PollSchedule, RunEvent, RunEventKind, RunHandle, WaitError};
use crate::webhook::WebhookHub;

/// What happens to a run, as it happens: what is wanted is set here, and asked for as the
/// [`stream`](Self::stream) is read.
///
/// Where the service tells of changes (an extension), nodes, progress and outputs are among them. Elsewhere the
/// run is looked at, and its statuses and its end are seen. The bounds are those of a [`Wait`](crate::Wait).
#[derive(Clone, Debug)]
#[must_use = "nothing is asked for until the stream is read"]
pub struct Events {
    run: RunHandle,
    bounds: Bounds,
}

impl Events {
    pub(super) fn new(run: RunHandle) -> Self {
        // The events tell from the beginning how it came about.
        Self { run, bounds: Bounds { looks_first: false, ..Bounds::new() } }
    }

    /// Sets how long is watched in all; the default is [`DEFAULT_MAX_WAIT`](crate::DEFAULT_MAX_WAIT).
    pub const fn max_wait(mut self, max_wait: Duration) -> Self {
        self.bounds.total = max_wait;
        self
    }

    /// Sets when to look, where nothing is told.
    pub const fn schedule(mut self, schedule: PollSchedule) -> Self {
        self.bounds.schedule = schedule;
        self
    }

    /// Looks at once when a webhook of the run arrives at the hub.
    pub fn webhooks(mut self, hub: &WebhookHub) -> Self {
        self.bounds.hub = Some(hub.clone());
        self
    }

    /// The events as a stream. It ends after [`Ended`](RunEventKind::Ended), or after an error.
    pub fn stream(self) -> EventStream {
        let watch = Watch { watcher: Watcher::new(self.run, self.bounds), status: None, is_over: false };
        EventStream(SyncStream::new(Box::pin(stream::try_unfold(watch, |mut watch| async move {
            let event = watch.next().await?;
            Ok(event.map(|event| (event, watch)))
        }))))
    }
}

/// What happens to a run; a [`Stream`] with what most need of one.
#[must_use = "nothing is asked for until it is read"]
pub struct EventStream(SyncStream<BoxStream<'static, Result<RunEvent, WaitError>>>);

impl EventStream {
    /// The next event; `None` after the end.
    ///
    /// # Errors
    /// [`WaitError`]: the bound is reached, or the run cannot be got. A run that fails is no error here: it is an
    /// event.
    ///
    /// # Cancel safety
    /// Safe: no event is lost.
    pub async fn try_next(&mut self) -> Result<Option<RunEvent>, WaitError> {
        self.0.try_next().await
    }
}

impl Stream for EventStream {
    type Item = Result<RunEvent, WaitError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream(..)")
    }
}

struct Watch {
    watcher: Watcher,
    /// The status that was last told.
    status: Option<RunStatus>,
    is_over: bool,
}

impl Watch {
    async fn next(&mut self) -> Result<Option<RunEvent>, WaitError> {
        while !self.is_over {
            let step = self.watcher.next().await?;
            let elapsed = self.watcher.elapsed();
            match step {
                Step::Looked(run) => {
                    let (status, at) = (run.status(), None);
                    if status.as_ref().is_some_and(RunStatus::is_terminal) {
                        self.is_over = true;
                        let at = run.completed_at();
                        let kind = RunEventKind::Ended(Box::new(Arc::unwrap_or_clone(run)));
                        return Ok(Some(RunEvent { elapsed, at, kind, told: None }));
                    }
                    if let Some(status) = status.filter(|status| self.status.as_ref() != Some(status)) {
                        self.status = Some(status.clone());
                        let kind = RunEventKind::Status { status, position: None };
                        return Ok(Some(RunEvent { elapsed, at, kind, told: None }));
                    }
                }
                // The run itself follows.
                Step::Told(told) if wants_a_look(&told) => {}
                Step::Told(told) => {
                    let kind = RunEventKind::of(&told);
                    if let RunEventKind::Status { status, .. } = &kind {
                        self.status = Some(status.clone());
                    }
                    return Ok(Some(RunEvent { elapsed, at: told.at(), kind, told: Some(told) }));
                }
                Step::Tolerated(_) => {}
            }
        }
        Ok(None)
    }
}
