//! What the service says of a workflow.

use crate::accelerator::Accelerator;
use crate::field;
use crate::ids::{InvalidId, WorkflowId};
use crate::json::{self, JsonError, Limits, Object, Value};
use crate::timestamp::Timestamp;

/// A workflow as the service answered it, kept whole: the named thing that runs belong to. Seen in answers of
/// the hosted service, not documented.
///
/// ```
/// use comfyicu_model::WorkflowInfo;
///
/// let workflow = WorkflowInfo::parse(br#"{"id": "46AnCzsekAoAXLZqVQUXH", "name": "foxes", "tags": ["red"]}"#)?;
/// assert_eq!(workflow.name(), Some("foxes"));
/// # Ok::<(), comfyicu_model::ParseWorkflowInfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowInfo {
    id: WorkflowId,
    object: Object,
}

/// Why an answer is not a workflow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseWorkflowInfoError {
    /// The answer is not JSON.
    #[error("a workflow is expected, but this is not JSON")]
    Json(#[source] JsonError),
    /// The answer has no `id`.
    #[error("a workflow is expected, but there is no `id`")]
    NoId,
    /// The `id` is not one.
    #[error("a workflow is expected, but its `id` is not one")]
    Id(#[source] InvalidId),
}

impl WorkflowInfo {
    /// Reads a workflow.
    ///
    /// # Errors
    /// When the bytes are not a JSON object with an `id`.
    pub fn parse(json: &[u8]) -> Result<Self, ParseWorkflowInfoError> {
        Self::from_value(json::read(json, Limits::default()).map_err(ParseWorkflowInfoError::Json)?)
    }

    /// Takes JSON data as a workflow.
    ///
    /// # Errors
    /// When the data are not an object with an `id`.
    pub fn from_value(value: Value) -> Result<Self, ParseWorkflowInfoError> {
        let Value::Object(object) = value else { return Err(ParseWorkflowInfoError::NoId) };
        let id = object.get_str("id").ok_or(ParseWorkflowInfoError::NoId)?;
        Ok(Self { id: WorkflowId::parse(id).map_err(ParseWorkflowInfoError::Id)?, object })
    }

    /// Its id.
    pub const fn id(&self) -> &WorkflowId {
        &self.id
    }

    /// Its name.
    pub fn name(&self) -> Option<&str> {
        field::text(&self.object, "name")
    }

    /// What it is about.
    pub fn description(&self) -> Option<&str> {
        field::text(&self.object, "description")
    }

    /// When it came into being.
    pub fn created_at(&self) -> Option<Timestamp> {
        field::moment(&self.object, "created_at")
    }

    /// When it last changed.
    pub fn updated_at(&self) -> Option<Timestamp> {
        field::moment(&self.object, "updated_at")
    }

    /// Its tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        field::texts(&self.object, "tags")
    }

    /// Whether what comes out of it is not for everybody.
    pub fn is_nsfw(&self) -> Option<bool> {
        field::flag(&self.object, "is_nsfw")
    }

    /// Who may see it, such as `PUBLIC`.
    pub fn visibility(&self) -> Option<&str> {
        field::text(&self.object, "visibility")
    }

    /// What its runs are executed on when they do not ask for something else.
    pub fn accelerator(&self) -> Option<Accelerator> {
        field::text(&self.object, "accelerator").map(Accelerator::from)
    }

    /// All that the service says.
    pub const fn as_object(&self) -> &Object {
        &self.object
    }

    /// Gives the workflow back as JSON data.
    pub fn into_object(self) -> Object {
        self.object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_typed_and_the_rest_is_kept() {
        let json = r#"{"id":"w","name":"foxes","description":null,"created_at":"2025-05-23T15:08:18.297Z","updated_at":"2025-05-24T00:00:00.000Z","tags":["red",1],"is_nsfw":false,"visibility":"PUBLIC","accelerator":"L40S","stars":12}"#;
        let workflow = WorkflowInfo::parse(json.as_bytes()).unwrap();
        assert_eq!(
            (workflow.name(), workflow.description(), workflow.visibility()),
            (Some("foxes"), None, Some("PUBLIC"))
        );
        assert_eq!(workflow.tags().collect::<Vec<_>>(), ["red"]);
        assert_eq!((workflow.is_nsfw(), workflow.accelerator()), (Some(false), Some(Accelerator::L40s)));
        assert!(workflow.created_at() < workflow.updated_at());
        assert_eq!(Value::from(workflow.into_object()).to_json(), json);
    }

    #[test]
    fn what_is_no_workflow_is_an_error() {
        let error = |json: &[u8]| WorkflowInfo::parse(json).unwrap_err();
        assert!(matches!(error(b"{"), ParseWorkflowInfoError::Json(_)));
        assert_eq!(error(b"[]"), ParseWorkflowInfoError::NoId);
        assert!(matches!(error(br#"{"id": "a/b"}"#), ParseWorkflowInfoError::Id(_)));
    }
}
