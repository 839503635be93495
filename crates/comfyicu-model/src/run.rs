//! Runs: what the service says of one execution of a prompt.

mod failure;
mod output;
mod readiness;
mod request;
mod status;

pub use failure::RunFailure;
pub use output::{OutputFile, RunOutput};
pub use request::{InvalidRunRequest, RunRequest};
pub use status::RunStatus;

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::accelerator::Accelerator;
use crate::ids::{InvalidId, RunId, WorkflowId};
use crate::json::{self, JsonError, Limits, Object, Value};
use crate::timestamp::Timestamp;

/// A run as the service answered it, kept whole: fields that this version does not know included.
///
/// Every field but `id` may be missing or null, on the hosted service too (creating a run answers only
/// `{"id": …}`), so each accessor gives an `Option`.
///
/// ```
/// use comfyicu_model::{Run, RunStatus};
///
/// let run = Run::parse(br#"{"id": "CNCr5a_lu6g9Nz3gqKC9P", "status": "COMPLETED", "output": []}"#)?;
/// assert!(run.status().is_some_and(|status| status.is_terminal()));
/// # Ok::<(), comfyicu_model::ParseRunError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    id: RunId,
    object: Object,
}

/// Why an answer is not a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseRunError {
    /// The answer is not JSON.
    #[error("a run is expected, but this is not JSON")]
    Json(#[source] JsonError),
    /// The answer has no `id`.
    #[error("a run is expected, but there is no `id`")]
    NoId,
    /// The `id` is not one.
    #[error("a run is expected, but its `id` is not one")]
    Id(#[source] InvalidId),
}

impl Run {
    /// Reads a run.
    ///
    /// # Errors
    /// When the bytes are not a JSON object with an `id`.
    pub fn parse(json: &[u8]) -> Result<Self, ParseRunError> {
        Self::from_value(json::read(json, Limits::default()).map_err(ParseRunError::Json)?)
    }

    /// Takes JSON data as a run.
    ///
    /// # Errors
    /// When the data is not an object with an `id`.
    pub fn from_value(value: Value) -> Result<Self, ParseRunError> {
        let Value::Object(object) = value else { return Err(ParseRunError::NoId) };
        let id = object.get_str("id").ok_or(ParseRunError::NoId)?;
        Ok(Self { id: RunId::parse(id).map_err(ParseRunError::Id)?, object })
    }

    /// The run's id.
    pub const fn id(&self) -> &RunId {
        &self.id
    }

    /// The workflow that it belongs to.
    pub fn workflow_id(&self) -> Option<WorkflowId> {
        WorkflowId::parse(self.object.get_str("workflow_id")?).ok()
    }

    /// How far it is.
    pub fn status(&self) -> Option<RunStatus> {
        self.object.get_str("status").map(RunStatus::from)
    }

    /// When it was accepted.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.timestamp("created_at")
    }

    /// When its execution began.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.timestamp("started_at")
    }

    /// When it ended.
    pub fn completed_at(&self) -> Option<Timestamp> {
        self.timestamp("completed_at")
    }

    /// How long it waited, from the timestamps.
    pub fn queue_time(&self) -> Option<Duration> {
        Some(self.started_at()?.since(self.created_at()?))
    }

    /// How long it ran, from the timestamps: the unit of `run_time` differs between samples.
    pub fn execution_time(&self) -> Option<Duration> {
        Some(self.completed_at()?.since(self.started_at()?))
    }

    /// The accelerator that it asked for, or was given.
    pub fn accelerator(&self) -> Option<Accelerator> {
        self.object.get_str("accelerator").map(Accelerator::from)
    }

    /// The device that it ran on, such as `NVIDIA L4`.
    pub fn device(&self) -> Option<&str> {
        self.object.get_str("device")
    }

    /// What came out of it.
    pub fn output(&self) -> RunOutput {
        RunOutput::of(self.object.get("output").unwrap_or(&Value::Null))
    }

    /// Why it failed: from `output`, where the hosted service puts it, or from `error`.
    pub fn failure(&self) -> Option<RunFailure> {
        if let RunOutput::Failure(failure) = self.output() {
            return Some(failure);
        }
        RunFailure::of(self.object.get("error")?)
    }

    /// The whole run as it was answered.
    pub const fn as_object(&self) -> &Object {
        &self.object
    }

    /// Gives the run back as JSON data.
    pub fn into_object(self) -> Object {
        self.object
    }

    fn timestamp(&self, key: &str) -> Option<Timestamp> {
        self.object.get_str(key)?.parse().ok()
    }
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize(serializer)
    }
}

/// Works with `serde_json` only, see [`Value`].
impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
