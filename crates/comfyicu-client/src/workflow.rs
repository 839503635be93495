//! A workflow of the service: what runs belong to.

use comfyicu_model::{Prompt, WorkflowId, WorkflowInfo};

use crate::batch::{Batch, BatchItem};
use crate::client::Client;
use crate::endpoint::Call;
use crate::error::Error;
use crate::run::{ListRuns, RunHandle, SubmitKey, SubmitRun, WorkflowEvents, find_submitted};

/// A workflow of the service, to run prompts in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workflow {
    client: Client,
    id: WorkflowId,
}

impl Workflow {
    pub(crate) const fn new(client: Client, id: WorkflowId) -> Self {
        Self { client, id }
    }

    /// Its id.
    pub const fn id(&self) -> &WorkflowId {
        &self.id
    }

    /// The client that it is reached through.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a prompt: sets up what is sent, and sends it when awaited; see [`SubmitRun`].
    pub fn run(&self, prompt: Prompt) -> SubmitRun {
        SubmitRun::new(self.client.clone(), self.id.clone(), prompt)
    }

    /// Runs many prompts, a bounded number at once; see [`Batch`].
    pub fn batch(&self, items: impl IntoIterator<Item = BatchItem>) -> Batch {
        Batch::new(self.clone(), items.into_iter().collect())
    }

    /// Its runs, newest first; see [`ListRuns`].
    pub fn runs(&self) -> ListRuns {
        ListRuns::new(self.clone())
    }

    /// What happens to its runs, as it happens; see [`WorkflowEvents`]. An extension of the self-hosted server.
    pub fn events(&self) -> WorkflowEvents {
        WorkflowEvents::new(self.clone())
    }

    /// What the service says of it. An endpoint that is not documented, but used.
    ///
    /// # Errors
    /// When there is no such workflow, the key is refused, or no workflow arrives.
    ///
    /// # Cancel safety
    /// Safe: nothing changes by asking.
    pub async fn get(&self) -> Result<WorkflowInfo, Error> {
        let answer = self.client.exchange(&Call::get_workflow(&self.client.inner.base, &self.id)).await?;
        let unexpected = answer.unexpected("a workflow");
        WorkflowInfo::from_value(answer.into_object()?.into()).map_err(|_| unexpected.at_path("$.id"))
    }

    /// Looks once for the run that a submit with this key made: by the marker that it carries, in the newest
    /// runs of the workflow. `None` does not say that there is none: a submit has taken 45 s to appear.
    ///
    /// # Errors
    /// When the runs cannot be listed.
    ///
    /// # Cancel safety
    /// Safe: nothing changes by asking.
    pub async fn find_submitted(&self, key: &SubmitKey) -> Result<Option<RunHandle>, Error> {
        find_submitted(self, key).await
    }
}
