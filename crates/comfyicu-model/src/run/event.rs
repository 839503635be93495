//! What a server tells of a run as it happens. An extension of the self-hosted server.

use std::fmt;

use super::RunStatus;
use crate::field;
use crate::files::OutputPath;
use crate::ids::{NodeId, RunId, WorkflowId};
use crate::json::{self, JsonError, Limits, Object, Value};
use crate::timestamp::Timestamp;

/// Something that happened to a run, kept whole. An extension of the self-hosted server, which sends these as
/// Server-Sent Events.
///
/// ```
/// use comfyicu_model::{RunEvent, RunEventKind};
///
/// let event = RunEvent::parse("progress", br#"{"run_id": "r", "node_id": "3", "value": 5, "max": 20}"#)?;
/// assert_eq!(event.kind(), &RunEventKind::Progress);
/// assert_eq!(event.steps(), Some((5, 20)));
/// # Ok::<(), comfyicu_model::ParseRunEventError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvent {
    kind: RunEventKind,
    object: Object,
}

/// What happened. A kind that this version does not know is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunEventKind {
    /// It waits; see [`RunEvent::position`].
    Queued,
    /// Its execution began.
    Started,
    /// A node began to run.
    Node,
    /// A node went on; see [`RunEvent::steps`].
    Progress,
    /// A file was saved; see [`RunEvent::output_path`].
    Output,
    /// It ended, with outputs.
    Completed,
    /// It ended, without success.
    Error,
    /// It ended because it was asked to.
    Cancelled,
    /// Something that this version does not know.
    Other(Box<str>),
}

/// Why the data of an event cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseRunEventError {
    /// The data are not JSON.
    #[error("the event of a run is expected, but this is not JSON")]
    Json(#[source] JsonError),
    /// The data are JSON, but no object.
    #[error("the event of a run is expected, but this is no object")]
    NotAnObject,
}

impl RunEvent {
    /// Reads an event: its name, and its data.
    ///
    /// # Errors
    /// When the data are not a JSON object. A name that this version does not know is no error.
    pub fn parse(name: &str, data: &[u8]) -> Result<Self, ParseRunEventError> {
        match json::read(data, Limits::default()).map_err(ParseRunEventError::Json)? {
            Value::Object(object) => Ok(Self { kind: RunEventKind::from(name), object }),
            _ => Err(ParseRunEventError::NotAnObject),
        }
    }

    /// What happened.
    pub const fn kind(&self) -> &RunEventKind {
        &self.kind
    }

    /// Whether nothing comes after it.
    pub const fn is_terminal(&self) -> bool {
        matches!(self.kind, RunEventKind::Completed | RunEventKind::Error | RunEventKind::Cancelled)
    }

    /// The run that it happened to.
    pub fn run_id(&self) -> Option<RunId> {
        RunId::parse(self.object.get_str("run_id")?).ok()
    }

    /// The workflow that the run belongs to.
    pub fn workflow_id(&self) -> Option<WorkflowId> {
        WorkflowId::parse(self.object.get_str("workflow_id")?).ok()
    }

    /// The status of the run since then, where it changed.
    pub fn status(&self) -> Option<RunStatus> {
        field::text(&self.object, "status").map(RunStatus::from)
    }

    /// When it happened.
    pub fn at(&self) -> Option<Timestamp> {
        field::moment(&self.object, "at")
    }

    /// How many runs are before the one that waits.
    pub fn position(&self) -> Option<u64> {
        field::count(&self.object, "position")
    }

    /// The node that it is about.
    pub fn node_id(&self) -> Option<NodeId> {
        field::text(&self.object, "node_id").map(NodeId::from)
    }

    /// The class of the node that it is about.
    pub fn class_type(&self) -> Option<&str> {
        field::text(&self.object, "class_type")
    }

    /// How many nodes of the run have ended, and how many are executed in all.
    pub fn nodes(&self) -> Option<(u64, u64)> {
        Some((field::count(&self.object, "done")?, field::count(&self.object, "total")?))
    }

    /// How many of its steps the node has done, and how many there are.
    pub fn steps(&self) -> Option<(u64, u64)> {
        Some((field::count(&self.object, "value")?, field::count(&self.object, "max")?))
    }

    /// The file that was saved, below the run's output folder.
    pub fn output_path(&self) -> Option<OutputPath> {
        super::output::path_below_run(field::text(&self.object, "filename")?)
    }

    /// All that the server says.
    pub const fn as_object(&self) -> &Object {
        &self.object
    }
}

impl RunEventKind {
    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Node => "node",
            Self::Progress => "progress",
            Self::Output => "output",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for RunEventKind {
    fn from(name: &str) -> Self {
        match name {
            "queued" => Self::Queued,
            "started" => Self::Started,
            "node" => Self::Node,
            "progress" => Self::Progress,
            "output" => Self::Output,
            "completed" => Self::Completed,
            "error" => Self::Error,
            "cancelled" => Self::Cancelled,
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for RunEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_goes_through_and_says_whether_it_is_the_end() {
        let names =
            ["queued", "started", "node", "progress", "output", "completed", "error", "cancelled", "resync"];
        let parse = |name: &str| RunEvent::parse(name, b"{}").unwrap();
        assert!(names.iter().all(|name| parse(name).kind().as_str() == *name));
        let terminal: Vec<_> = names.iter().filter(|name| parse(name).is_terminal()).collect();
        assert_eq!(terminal, [&"completed", &"error", &"cancelled"]);
        assert_eq!(parse("resync").kind(), &RunEventKind::Other("resync".into()));
    }

    #[test]
    fn what_an_event_says_is_read() {
        let data = br#"{"run_id": "r", "workflow_id": "w", "status": "QUEUED", "at": "2025-05-23T15:08:18.297Z", "attempt": 1, "position": 2}"#;
        let event = RunEvent::parse("queued", data).unwrap();
        assert_eq!(
            (event.run_id(), event.workflow_id()),
            (RunId::parse("r").ok(), WorkflowId::parse("w").ok())
        );
        assert_eq!((event.status(), event.position()), (Some(RunStatus::Queued), Some(2)));
        assert_eq!(event.at().map(|at| at.to_string()).as_deref(), Some("2025-05-23T15:08:18.297Z"));
        assert!(event.as_object().contains_key("attempt"));
        let node = RunEvent::parse(
            "node",
            br#"{"node_id": "12:3", "class_type": "KSampler", "done": 1, "total": 7}"#,
        )
        .unwrap();
        assert_eq!(
            (node.node_id(), node.class_type(), node.nodes()),
            (Some("12:3".into()), Some("KSampler"), Some((1, 7)))
        );
        let output = RunEvent::parse("output", br#"{"filename": "/workflows/w/output/r/a/b.png"}"#).unwrap();
        assert_eq!(output.output_path().map(|path| path.to_string()).as_deref(), Some("a/b.png"));
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        assert!(matches!(RunEvent::parse("node", b"{"), Err(ParseRunEventError::Json(_))));
        assert_eq!(RunEvent::parse("node", b"[1]"), Err(ParseRunEventError::NotAnObject));
    }
}
