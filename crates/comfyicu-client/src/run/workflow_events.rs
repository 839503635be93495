//! What happens to the runs of a workflow, as a stream: an extension.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use comfyicu_model::RunEvent;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use sync_wrapper::SyncStream;
use tokio::time::{Instant, timeout_at};

use super::POLL_FAILURE_TOLERANCE;
use super::live::{Heard, Live};
use crate::capabilities::Extension;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};
use crate::workflow::Workflow;

/// What happens to the runs of a workflow, as it happens: what is wanted is set here, and asked for as the
/// [`stream`](Self::stream) is read. An extension of the self-hosted server.
///
/// One connection tells of all runs, those of other clients included. It begins now, or
/// [`after`](Self::after) an event, and does not end by itself. A connection that breaks is opened again after the
/// last event that had an id, so that no change of a run is missed; progress may be.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked for until the stream is read"]
pub struct WorkflowEvents {
    workflow: Workflow,
    after: Option<String>,
    tolerance: Duration,
}

/// Something that happened to a run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkflowEvent {
    /// What happened, and to which run.
    pub event: RunEvent,
    /// What [`WorkflowEvents::after`] takes to go on behind this event; none before the first change of a run.
    pub id: Option<String>,
}

impl WorkflowEvents {
    pub(crate) const fn new(workflow: Workflow) -> Self {
        Self { workflow, after: None, tolerance: POLL_FAILURE_TOLERANCE }
    }

    /// Begins after an event that was seen before: with the [`id`](WorkflowEvent::id) of it.
    pub fn after(mut self, id: impl Into<String>) -> Self {
        self.after = Some(id.into());
        self
    }

    /// Sets how long the service may be out of reach before the stream ends in an error; the default is
    /// [`POLL_FAILURE_TOLERANCE`].
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The events as a stream. It ends after the first error only:
    /// [`Unsupported`](ErrorKind::Unsupported) where the service does not tell, as the hosted one does not;
    /// what any call may end in; and [`Transport`](ErrorKind::Transport) or [`Server`](ErrorKind::Server) when the
    /// service is out of reach for longer than is tolerated.
    pub fn stream(self) -> WorkflowEventStream {
        let start = Reading { events: self, live: None, deadline: None, is_over: false, broken: None };
        let stream = stream::unfold(start, |mut reading| async move {
            if reading.is_over {
                return None;
            }
            let event = reading.next().await;
            reading.is_over = event.is_err();
            Some((event, reading))
        });
        WorkflowEventStream(SyncStream::new(Box::pin(stream)))
    }
}

/// What happens to the runs of a workflow; a [`Stream`] with what most need of one.
#[must_use = "nothing is asked for until it is read"]
pub struct WorkflowEventStream(SyncStream<BoxStream<'static, Result<WorkflowEvent, Error>>>);

impl WorkflowEventStream {
    /// The next event; `None` after an error.
    ///
    /// # Errors
    /// As [`WorkflowEvents::stream`].
    ///
    /// # Cancel safety
    /// Safe: no event is lost.
    pub async fn try_next(&mut self) -> Result<Option<WorkflowEvent>, Error> {
        self.0.try_next().await
    }
}

impl Stream for WorkflowEventStream {
    type Item = Result<WorkflowEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for WorkflowEventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkflowEventStream(..)")
    }
}

struct Reading {
    events: WorkflowEvents,
    live: Option<Live>,
    /// Until when the service has to be back; none while it is there.
    deadline: Option<Instant>,
    /// What kept it away, as far as is known.
    broken: Option<Error>,
    is_over: bool,
}

impl Reading {
    async fn next(&mut self) -> Result<WorkflowEvent, Error> {
        if self.live.is_none() {
            self.live = Some(begin(&self.events).await?);
            self.deadline = Instant::now().checked_add(self.events.tolerance);
        }
        loop {
            let Some(live) = &mut self.live else { return Err(self.gave_up()) };
            let heard = match self.deadline {
                Some(deadline) => timeout_at(deadline, live.next()).await,
                None => Ok(live.next().await),
            };
            match heard {
                Ok(Heard::Told(event, id)) => return Ok(WorkflowEvent { event, id }),
                Ok(Heard::Connected) => (self.deadline, self.broken) = (None, None),
                Ok(Heard::Lost(error)) => {
                    self.deadline =
                        self.deadline.or_else(|| Instant::now().checked_add(self.events.tolerance));
                    self.broken = error.or_else(|| self.broken.take());
                }
                Ok(Heard::Off(error)) => return Err(error),
                Err(_) => return Err(self.gave_up()),
            }
        }
    }

    fn gave_up(&mut self) -> Error {
        let WorkflowEvents { workflow, tolerance, .. } = &self.events;
        let text = format!(
            "the events of the workflow {} have stayed away for {:.0} s",
            workflow.id(),
            tolerance.as_secs_f64()
        );
        match self.broken.take() {
            Some(error) => {
                let kind = error.kind();
                error.become_kind(kind, text)
            }
            None => Error::new(ErrorKind::Transport, text),
        }
    }
}

/// The stream of the service, where it has one.
async fn begin(events: &WorkflowEvents) -> Result<Live, Error> {
    let WorkflowEvents { workflow, after, .. } = events;
    let client = workflow.client();
    if !client.capabilities().await?.has(Extension::Events) {
        let base = &client.inner.base;
        let text = format!(
            "the service at {base} does not tell what happens: look at the list of runs now and then"
        );
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let (id, base) = (workflow.id().clone(), client.inner.base.clone());
    Ok(Live::new(client.clone(), after.clone(), move |last| Call::workflow_events(&base, &id, last)))
}

#[cfg(test)]
mod tests;
