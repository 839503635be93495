//! Runs: what the service says of one execution of a prompt.

mod costs;
mod details;
mod event;
mod failure;
mod metadata;
mod output;
mod output_kind;
mod readiness;
mod request;
mod status;
mod times;

pub use costs::{FileCost, RunCosts};
pub use details::RunUser;
pub use event::{ParseRunEventError, RunEvent, RunEventKind};
pub use failure::{Refusal, RunFailure};
pub use metadata::RunMetadata;
pub use output::{OutputFile, RunOutput};
pub use output_kind::OutputKind;
pub use request::{InvalidRunRequest, RunRequest};
pub use status::RunStatus;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::accelerator::Accelerator;
use crate::field;
use crate::ids::{InvalidId, NodeId, RunId, WorkflowId};
use crate::json::{self, JsonError, Limits, Object, Value};
use crate::prompt::Node;

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

/// The node that made a run fail, with what the run's prompt says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailingNode {
    /// Its id.
    pub id: NodeId,
    /// Its class.
    pub class_type: Option<String>,
    /// The title that somebody gave it.
    pub title: Option<String>,
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

    /// The accelerator that it asked for, or was given.
    pub fn accelerator(&self) -> Option<Accelerator> {
        self.object.get_str("accelerator").map(Accelerator::from)
    }

    /// The device that it ran on, such as `NVIDIA L4`.
    pub fn device(&self) -> Option<&str> {
        field::text(&self.object, "device")
    }

    /// What came out of it.
    pub fn output(&self) -> RunOutput {
        RunOutput::of(self.object.get("output").unwrap_or(&Value::Null))
    }

    /// The files of one kind that came out of it, in their order.
    ///
    /// ```
    /// use comfyicu_model::{OutputKind, Run};
    ///
    /// let run = Run::parse(br#"{"id": "r", "output": [
    ///     {"filename": "/workflows/w/output/r/fox_00001_.png", "url": "https://x/1"},
    ///     {"filename": "/workflows/w/output/r/fox_00001_.mp4", "url": "https://x/2"}]}"#)?;
    /// let videos = run.outputs_of(OutputKind::Video);
    /// assert_eq!(videos.len(), 1);
    /// # Ok::<(), comfyicu_model::ParseRunError>(())
    /// ```
    pub fn outputs_of(&self, kind: OutputKind) -> Vec<OutputFile> {
        let RunOutput::Files(files) = self.output() else { return Vec::new() };
        files.into_iter().filter(|file| file.kind() == kind).collect()
    }

    /// Why it failed: from `output`, where the hosted service puts it, or from `error`.
    pub fn failure(&self) -> Option<RunFailure> {
        if let RunOutput::Failure(failure) = self.output() {
            return Some(failure);
        }
        let error = self.object.get("error")?;
        RunFailure::of(error).or_else(|| RunFailure::of_account(error))
    }

    /// The node that made it fail. Its class and title come from the prompt where the failure does not tell
    /// them.
    pub fn failing_node(&self) -> Option<FailingNode> {
        let failure = self.failure()?;
        let id = failure.node_id()?;
        let prompt = self.prompt().ok().flatten();
        let node = prompt.as_ref().and_then(|prompt| prompt.node(id));
        let class_type = failure.node_type().or_else(|| node.as_ref()?.class_type());
        let title = node.as_ref().and_then(Node::title);
        Some(FailingNode {
            id: NodeId::from(id),
            class_type: class_type.map(str::to_owned),
            title: title.map(str::to_owned),
        })
    }

    /// The whole run as it was answered.
    pub const fn as_object(&self) -> &Object {
        &self.object
    }

    /// Gives the run back as JSON data.
    pub fn into_object(self) -> Object {
        self.object
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

#[cfg(test)]
mod tests;
