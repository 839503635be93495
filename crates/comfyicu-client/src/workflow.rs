//! A workflow of the service: what runs belong to.

use comfyicu_model::{Prompt, WorkflowId};

use crate::client::Client;
use crate::run::SubmitRun;

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

    /// Runs a prompt: sets up what is sent, and sends it when awaited; see [`SubmitRun`].
    pub fn run(&self, prompt: Prompt) -> SubmitRun {
        SubmitRun::new(self.client.clone(), self.id.clone(), prompt)
    }
}
