//! A workflow of the service: what runs belong to.

use comfyicu_model::{Accelerator, Prompt, Run, WorkflowId, WorkflowInfo};

use crate::batch::{Batch, BatchItem};
use crate::client::Client;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind, Source};
use crate::run::{Changes, ListRuns, RunHandle, SubmitKey, SubmitRun, WorkflowEvents, find_submitted};

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

    /// Runs again what a run was made of: its prompt, files, accelerator, webhook and extra data. It is a new run,
    /// and costs like one.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) when the service does not say what the run was made of.
    pub fn run_again(&self, run: &Run) -> Result<SubmitRun, Error> {
        let text = format!(
            "the service does not say what the run {} was made of, so it cannot be run again",
            run.id()
        );
        let unknown = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Unsupported, text.clone()).with_source(Source::Other(source))
        };
        let prompt = run.prompt().map_err(|error| unknown(error.into()))?;
        let prompt = prompt.ok_or_else(|| Error::new(ErrorKind::Unsupported, text.clone()))?;
        let files = run.files().map_err(|error| unknown(error.into()))?;
        let mut submit = self.run(prompt).files(files);
        if let Some(accelerator) =
            run.data().and_then(|data| data.get_str("accelerator")).filter(|name| !name.is_empty())
        {
            submit = submit.accelerator(Accelerator::from(accelerator));
        }
        if let Some(webhook) = run.webhook() {
            submit = submit.webhook(webhook);
        }
        if let Some(extra_data) = run.data().and_then(|data| data.get("extra_data")?.as_object()) {
            submit = submit.extra_data(extra_data.clone());
        }
        Ok(submit)
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

    /// Its runs as they start and end, on any service; see [`Changes`].
    pub fn changes(&self) -> Changes {
        Changes::new(self.clone())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{self, json};

    #[tokio::test]
    async fn a_run_is_made_again_of_what_it_was_made_of() {
        let (client, seen) = fake::client(|_| json(200, r#"{"id": "new"}"#));
        let workflow = client.workflow(WorkflowId::parse("w").unwrap());
        let run = r#"{"id": "r", "files": {"/input/a.png": "https://h/a.png"}, "data": {"accelerator": "A10",
            "webhook": "https://h/hook", "extra_data": {"x": 1}, "prompt": {"9": {"class_type": "SaveImage", "inputs": {}}}}}"#;
        let run = Run::parse(run.as_bytes()).unwrap();
        workflow.run_again(&run).unwrap().without_marker().await.unwrap();
        insta::assert_snapshot!(seen.lines().last().unwrap(), @r#"POST http://server:8000/api/v1/workflows/w/runs [key] {"workflow_id":"w","prompt":{"9":{"class_type":"SaveImage","inputs":{}}},"files":{"/input/a.png":"https://h/a.png"},"accelerator":"A10","extra_data":{"x":1}}"#);
        let error = workflow.run_again(&Run::parse(br#"{"id": "r"}"#).unwrap()).unwrap_err();
        insta::assert_snapshot!(error, @"the service does not say what the run r was made of, so it cannot be run again");
        let broken = Run::parse(br#"{"id": "r", "data": {"prompt": [7]}}"#).unwrap();
        assert!(fake::chain(&workflow.run_again(&broken).unwrap_err()).len() > 80);
    }
}
