//! A run as the server keeps it, and the rules by which it changes.

mod costs;
mod metadata;
mod outcome;
mod transition;
mod wire;

pub(crate) use costs::{Costs, FileCost};
pub(crate) use outcome::Outcome;
pub(crate) use wire::{RunView, Urls};

use comfyicu_model::json::Object;
use comfyicu_model::{RunId, RunRequest, RunStatus, Timestamp, WorkflowId};

/// A run. Its JSON on the wire is made by [`RunView`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunRecord {
    pub(crate) id: RunId,
    pub(crate) workflow_id: WorkflowId,
    pub(crate) status: RunStatus,
    /// How many executions were begun; the number of the current one, and its fencing token.
    pub(crate) attempt: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) accelerator: String,
    pub(crate) device: Option<String>,
    pub(crate) webhook: Option<String>,
    pub(crate) api_key_id: Option<String>,
    /// What was submitted: `prompt`, and `extra_data`, `accelerator`, `webhook` where they were given.
    pub(crate) data: Object,
    /// The `files` that were submitted.
    pub(crate) files: Object,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) costs: Costs,
}

impl RunRecord {
    /// A run that has just been accepted.
    pub(crate) fn accept(
        id: RunId,
        workflow_id: WorkflowId,
        request: &RunRequest,
        accelerator: String,
        api_key_id: Option<String>,
        now: Timestamp,
    ) -> Self {
        let mut data = request.to_object();
        data.remove("workflow_id");
        data.remove("files");
        Self {
            id,
            workflow_id,
            status: RunStatus::Queued,
            attempt: 0,
            created_at: now,
            updated_at: now,
            started_at: None,
            completed_at: None,
            accelerator,
            device: None,
            webhook: request.requested_webhook().map(ToString::to_string),
            api_key_id,
            data,
            files: request.requested_files().to_object(),
            outcome: None,
            costs: Costs::default(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use comfyicu_model::Prompt;

    use super::*;

    /// A run as it is when it was just accepted, at the beginning of time.
    pub(crate) fn accepted() -> RunRecord {
        let body = br#"{"prompt": {"1": {"class_type": "EmptyImage", "inputs": {"seed": 18446744073709551616}}},
                        "files": {"/input/a.png": "http://example.com/a.png"}, "webhook": "http://example.com/hook"}"#;
        let request = RunRequest::parse(body).unwrap();
        assert!(Prompt::from_value(request.prompt().clone().into()).is_ok());
        let (id, workflow_id) = (RunId::parse("r1").unwrap(), WorkflowId::parse("w1").unwrap());
        RunRecord::accept(id, workflow_id, &request, "CPU".to_owned(), None, Timestamp::from_unix_millis(0))
    }
}
