//! A run as the server keeps it, and the rules by which it changes.

mod costs;
mod event;
mod metadata;
mod outcome;
mod transition;
mod wire;

pub(crate) use costs::{Costs, FileCost};
pub(crate) use event::{EventKind, LifecycleEvent};
pub(crate) use outcome::Outcome;
pub(crate) use transition::Loss;
pub(crate) use wire::{RunView, Urls, told};

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{RunId, RunStatus, Timestamp, WorkflowId};

use crate::owner::Owner;
use crate::store::RunKey;

/// A run. Its JSON on the wire is made by [`RunView`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunRecord {
    pub(crate) id: RunId,
    pub(crate) owner: Owner,
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
    /// Until when the attempt is its worker's, unless the worker says that it still lives.
    pub(crate) lease_until: Option<Timestamp>,
    /// Before which moment the run is not begun again.
    pub(crate) not_before: Option<Timestamp>,
    /// What was submitted, as it was: `prompt`, `extra_data`, `accelerator`, `webhook` and what else there was.
    pub(crate) data: Object,
    /// The `files` that were submitted, as they were.
    pub(crate) files: Object,
    pub(crate) outcome: Option<Outcome>,
    /// When its outputs were removed, though the run is kept.
    pub(crate) outputs_removed_at: Option<Timestamp>,
    pub(crate) costs: Costs,
}

impl RunRecord {
    /// How it is found.
    pub(crate) fn key(&self) -> RunKey {
        RunKey { owner: self.owner.clone(), workflow_id: self.workflow_id.clone(), run_id: self.id.clone() }
    }

    /// A run that has just been accepted; `body` is what was submitted.
    pub(crate) fn accept(
        key: RunKey,
        body: Object,
        accelerator: String,
        api_key_id: Option<String>,
        now: Timestamp,
    ) -> Self {
        let mut data = body;
        data.remove("workflow_id");
        let files = data.remove("files").as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        Self {
            id: key.run_id,
            owner: key.owner,
            workflow_id: key.workflow_id,
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
            lease_until: None,
            not_before: None,
            data,
            files,
            outcome: None,
            outputs_removed_at: None,
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
        let (run_id, workflow_id) = (RunId::parse("r1").unwrap(), WorkflowId::parse("w1").unwrap());
        let key = RunKey { owner: Owner::local(), workflow_id, run_id };
        RunRecord::accept(key, body, "CPU".to_owned(), None, Timestamp::from_unix_millis(0))
    }
}
