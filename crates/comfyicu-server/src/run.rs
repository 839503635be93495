//! A run as the server keeps it, and the rules by which it changes.

mod costs;
mod metadata;
mod outcome;
mod transition;
mod wire;

pub(crate) use costs::{Costs, FileCost};
pub(crate) use outcome::Outcome;
pub(crate) use wire::{RunView, Urls};

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{RunId, RunStatus, Timestamp, WorkflowId};

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
    /// What was submitted, as it was: `prompt`, `extra_data`, `accelerator`, `webhook` and what else there was.
    pub(crate) data: Object,
    /// The `files` that were submitted, as they were.
    pub(crate) files: Object,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) costs: Costs,
}

impl RunRecord {
    /// A run that has just been accepted; `body` is what was submitted.
    pub(crate) fn accept(
        id: RunId,
        workflow_id: WorkflowId,
        body: Object,
        accelerator: String,
        api_key_id: Option<String>,
        now: Timestamp,
    ) -> Self {
        let mut data = body;
        data.remove("workflow_id");
        let files = data.remove("files").as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
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
            webhook: data.get_str("webhook").map(str::to_owned),
            api_key_id,
            data,
            files,
            outcome: None,
            costs: Costs::default(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use comfyicu_model::json::{Limits, read};

    use super::*;

    /// A run as it is when it was just accepted, at the beginning of time.
    pub(crate) fn accepted() -> RunRecord {
        let body = br#"{"prompt": {"1": {"class_type": "EmptyImage", "inputs": {"seed": 18446744073709551616}}},
                        "files": {"/input/a.png": "http://example.com/a.png"}, "webhook": "http://example.com/hook"}"#;
        let Ok(Value::Object(body)) = read(body, Limits::default()) else { panic!("an object") };
        let (id, workflow_id) = (RunId::parse("r1").unwrap(), WorkflowId::parse("w1").unwrap());
        RunRecord::accept(id, workflow_id, body, "CPU".to_owned(), None, Timestamp::from_unix_millis(0))
    }
}
