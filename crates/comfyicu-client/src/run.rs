//! Runs: submit, get, wait.

mod changes;
mod crowd;
mod event;
mod event_stream;
mod lengths;
mod list;
mod live;
mod schedule;
mod submit;
mod wait;
mod wait_error;
mod watcher;
mod workflow_events;

pub use changes::{ChangeStream, Changes};
pub(crate) use crowd::Crowds;
pub use event::{RunEvent, RunEventKind};
pub use event_stream::{EventStream, Events};
pub(crate) use lengths::Lengths;
pub use list::{ListRuns, RunStream};
pub use schedule::PollSchedule;
pub(crate) use submit::find_submitted;
pub use submit::{DEFAULT_SEARCH_TIME, IfUnknown, InvalidSubmitKey, SubmitKey, SubmitRun};
pub use wait::{DEFAULT_MAX_WAIT, POLL_FAILURE_TOLERANCE, Wait};
pub use wait_error::{FailedRun, GaveUp, WaitBound, WaitError};
pub use workflow_events::{WorkflowEvent, WorkflowEventStream, WorkflowEvents};

use std::path::PathBuf;

use comfyicu_model::{Run, RunId, WorkflowId};
use tokio::time::Instant;

use crate::capabilities::Extension;
use crate::client::Client;
use crate::download::Download;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};

/// A run on the service, known by its ids alone. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RunHandle {
    client: Client,
    workflow_id: WorkflowId,
    id: RunId,
    /// When it was submitted, where that was here.
    submitted_at: Option<Instant>,
}

impl RunHandle {
    pub(crate) const fn new(client: Client, workflow_id: WorkflowId, id: RunId) -> Self {
        Self { client, workflow_id, id, submitted_at: None }
    }

    /// A run that was submitted just now.
    pub(crate) fn submitted(client: Client, workflow_id: WorkflowId, id: RunId) -> Self {
        Self { submitted_at: Some(Instant::now()), ..Self::new(client, workflow_id, id) }
    }

    /// The run's id.
    pub const fn id(&self) -> &RunId {
        &self.id
    }

    /// The workflow that it belongs to.
    pub const fn workflow_id(&self) -> &WorkflowId {
        &self.workflow_id
    }

    /// The client that it is reached through.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Gets the run as it is now.
    ///
    /// # Errors
    /// When there is no such run ([`ErrorKind::NotFound`](crate::ErrorKind::NotFound)), the key is
    /// refused, or no run arrives.
    ///
    /// # Cancel safety
    /// Safe: nothing changes by asking.
    pub async fn get(&self) -> Result<Run, Error> {
        let call = Call::get_run(&self.client.inner.base, &self.workflow_id, &self.id);
        self.client.exchange(&call).await?.into_run()
    }

    /// Cancels the run: it ends as [`Cancelled`](comfyicu_model::RunStatus::Cancelled), unless it has ended before.
    /// An extension of the self-hosted server. It gives the run as it is then.
    ///
    /// # Errors
    /// - [`Unsupported`](ErrorKind::Unsupported): the service cannot cancel runs, as the hosted one cannot;
    /// - what any call may end in.
    ///
    /// # Cancel safety
    /// When the future is dropped, the run may have been cancelled. Again does no harm.
    pub async fn cancel(&self) -> Result<Run, Error> {
        if !self.client.capabilities().await?.has(Extension::Cancel) {
            let text = format!("the service at {} cannot cancel runs", self.client.inner.base);
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let call = Call::cancel_run(&self.client.inner.base, &self.workflow_id, &self.id);
        match self.client.exchange(&call).await?.into_run() {
            Ok(run) if run.status().is_some() => Ok(run),
            // Some answer less than the run.
            _ => self.get().await,
        }
    }

    /// Waits until the run has ended; see [`Wait`] for the bounds.
    pub fn wait(&self) -> Wait {
        Wait::new(self.clone())
    }

    /// What happens to the run, as it happens, until it has ended; see [`Events`].
    pub fn events(&self) -> Events {
        Events::new(self.clone())
    }

    /// Gets the run and saves its outputs below `folder`, sub-folders kept; see [`Download`].
    pub fn download(&self, folder: impl Into<PathBuf>) -> Download {
        Download::of_handle(self.clone(), folder.into())
    }
}
