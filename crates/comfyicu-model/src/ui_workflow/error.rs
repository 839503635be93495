//! Why a file is not a UI workflow, and why a UI workflow has no prompt.

use crate::ids::NodeId;
use crate::json::{JsonError, Kind};

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
    #[error("node {node_id}, input `{input}`: the link leads in a circle")]
    Circle {
        /// The node whose link it is.
        node_id: NodeId,
        /// The input that it stands at.
        input: String,
    },
    /// A subgraph is inside of itself.
    #[error("node {node_id} is an instance of a subgraph that it is in itself")]
    ContainsItself {
        /// The inner instance.
        node_id: NodeId,
    },
    /// The workflow is larger than anything that people make.
    #[error("the workflow has more than {limit} {what}")]
    TooLarge {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
}
