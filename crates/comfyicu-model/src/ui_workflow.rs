//! UI workflows: the editor's own file, and the way from it to a prompt.

mod assemble;
mod frontend_only;
mod graph;
mod group;
mod load;
mod promoted;
mod renumber;
mod resolve;
mod scope;
mod unknown_class;
mod view;
mod widgets;

use crate::finding::Finding;
use crate::ids::NodeId;
use crate::json::{self, JsonError, Kind, Limits, Object, Value};
use crate::object_info::ObjectInfo;
use crate::prompt::Prompt;

/// Whether a document is a UI workflow: it lists its nodes, where a prompt has them by id.
pub(crate) fn is_ui_workflow(object: &Object) -> bool {
    let is_list = |key| object.get(key).is_some_and(|value| value.as_array().is_some());
    is_list("nodes")
        && (is_list("links") || object.contains_key("last_node_id") || object.contains_key("version"))
}

/// A UI workflow, kept exactly as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UiWorkflow(Object);

/// How a UI workflow becomes a prompt.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ConvertOptions {}

/// A prompt, and what could not be known when it was made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Conversion {
    /// The prompt.
    pub prompt: Prompt,
    /// What could not be known.
    pub findings: Vec<Finding>,
}

/// Why a file is not a UI workflow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseUiWorkflowError {
    /// The file is not JSON. The source names the place.
    #[error("the workflow is not valid JSON")]
    Json(#[source] JsonError),
    /// The document is not an object.
    #[error("a UI workflow is an object, but this is {found}")]
    NotAnObject {
        /// What it is.
        found: Kind,
    },
    /// The object is not what the editor saves.
    #[error("this is not a UI workflow: it has no list of nodes")]
    NotAWorkflow,
}

/// Why a UI workflow has no prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// Links lead in a circle through nodes that pass on what they get.
    #[error("node {node_id}: its link leads in a circle")]
    Circle {
        /// The node whose link it is.
        node_id: NodeId,
    },
    /// A subgraph is inside of itself.
    #[error("node {node_id} is an instance of a subgraph that it is in itself")]
    ContainsItself {
        /// The inner instance.
        node_id: NodeId,
    },
    /// Unfolded, the workflow would have too many nodes.
    #[error(
        "the workflow has more than {limit} nodes, those in its subgraphs counted as often as they are used"
    )]
    TooManyNodes {
        /// The most that it may have.
        limit: usize,
    },
}

/// The most nodes that a prompt may get: a hundred times the largest workflow seen.
const MAX_NODES: usize = 100_000;

impl UiWorkflow {
    /// Reads a UI workflow.
    ///
    /// # Errors
    /// When the bytes are not JSON, or not a UI workflow.
    pub fn parse(json: &[u8]) -> Result<Self, ParseUiWorkflowError> {
        let value = json::read(json, Limits::default()).map_err(ParseUiWorkflowError::Json)?;
        let Value::Object(object) = value else {
            return Err(ParseUiWorkflowError::NotAnObject { found: value.kind() });
        };
        Self::try_from(object)
    }

    /// The whole workflow as it was read.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }

    /// Gives the workflow back as JSON data.
    pub fn into_object(self) -> Object {
        self.0
    }

    /// Writes the workflow as JSON on one line.
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_json()
    }

    /// Writes the workflow as JSON for people to read.
    pub fn to_json_pretty(&self) -> String {
        Value::Object(self.0.clone()).to_json_pretty()
    }

    /// Converts it to the prompt that the editor would send.
    ///
    /// # Errors
    /// When there is none.
    pub fn to_prompt(
        &self,
        object_info: &ObjectInfo,
        options: &ConvertOptions,
    ) -> Result<Conversion, ConvertError> {
        let graphs = load::load(&self.0, object_info);
        let scopes = scope::Scopes::unfold(graphs, MAX_NODES)?;
        let object = assemble::assemble(&scopes, options)?;
        Ok(Conversion { prompt: Prompt::of_nodes(object), findings: Vec::new() })
    }
}

impl TryFrom<Object> for UiWorkflow {
    type Error = ParseUiWorkflowError;

    fn try_from(object: Object) -> Result<Self, Self::Error> {
        if is_ui_workflow(&object) { Ok(Self(object)) } else { Err(ParseUiWorkflowError::NotAWorkflow) }
    }
}

#[cfg(test)]
mod tests;
