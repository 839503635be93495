//! Why an execution did not end well.

use std::borrow::Cow;

use comfyicu_model::{Finding, NodeId};

use crate::SaveError;

/// Why an execution did not end well. Each variant says what can be done about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutionError {
    /// The prompt would not run at all. Fix the prompt.
    #[error("the prompt is refused: {}", .0.iter().map(Finding::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Finding>),
    /// A node failed. Fix its inputs, or the files it reads; again would fail again.
    #[error("node {} ({}) failed", .0.node_id, .0.class_type)]
    Node(#[source] Box<NodeFailure>),
    /// An output could not be saved. Look at the disk, then run it again.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The run was asked to stop.
    #[error("the run was cancelled")]
    Cancelled,
    /// The executor is gone; another one, or this one later, may do it.
    #[error("the executor is not available: {0}")]
    Unavailable(String),
}

/// The failure of one node, in ComfyUI's terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct NodeFailure {
    /// The node.
    pub node_id: NodeId,
    /// Its class.
    pub class_type: String,
    /// The kind of failure, as ComfyUI names exceptions: `FileNotFoundError`, `ValueError`.
    pub exception_type: Cow<'static, str>,
    /// What went wrong, and what to do about it.
    pub message: String,
    /// The lines of the traceback, where the executor has one.
    pub traceback: Vec<String>,
}

impl NodeFailure {
    /// Describes the failure of a node.
    pub fn new(
        node_id: NodeId,
        class_type: impl Into<String>,
        exception_type: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        let (exception_type, message) = (exception_type.into(), message.into());
        Self { node_id, class_type: class_type.into(), exception_type, message, traceback: Vec::new() }
    }

    /// Adds the traceback.
    #[must_use]
    pub fn traceback(mut self, lines: Vec<String>) -> Self {
        self.traceback = lines;
        self
    }
}
