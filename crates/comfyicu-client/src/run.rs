//! Runs: submit, get, wait.

mod schedule;
mod submit;
mod wait;
mod wait_error;

pub use schedule::PollSchedule;
pub use submit::SubmitRun;
pub use wait::{DEFAULT_MAX_WAIT, POLL_FAILURE_TOLERANCE, Wait};
pub use wait_error::{FailedRun, GaveUp, WaitError};

use std::path::PathBuf;

use comfyicu_model::{Run, RunId, WorkflowId};

use crate::client::Client;
use crate::download::Download;
use crate::endpoint::Call;
use crate::error::Error;

/// A run on the service, known by its ids alone. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RunHandle {
    client: Client,
    workflow_id: WorkflowId,
    id: RunId,
}

impl RunHandle {
    pub(crate) const fn new(client: Client, workflow_id: WorkflowId, id: RunId) -> Self {
        Self { client, workflow_id, id }
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

    /// Waits until the run has ended; see [`Wait`] for the bounds.
    pub fn wait(&self) -> Wait {
        Wait::new(self.clone())
    }

    /// Gets the run and saves its outputs below `folder`, sub-folders kept; see [`Download`].
    pub fn download(&self, folder: impl Into<PathBuf>) -> Download {
        Download::of_handle(self.clone(), folder.into())
    }
}
