//! What happens to a run.

use std::time::Duration;

use comfyicu_model::json::{self, Limits, Number, Object, Value};
use comfyicu_model::{Run, RunStatus, Timestamp};

use crate::sse::SseEvent;

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunEvent {
    /// How long after the watching began it was heard of.
    pub elapsed: Duration,
    /// When the service says that it happened.
    pub at: Option<Timestamp>,
    /// What it is.
    pub kind: RunEventKind,
}

/// What happened to a run. Without an event stream (an extension) only the statuses are seen, and the end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunEventKind {
    /// It has this status now.
    Status {
        /// The status.
        status: RunStatus,
        /// How many runs are before it, where it waits and the service says so.
        position: Option<u64>,
    },
    /// A node began.
    Node {
        /// Its id in the prompt.
        node_id: String,
        /// Its class.
        class_type: String,
        /// How many nodes are done, and how many there are.
        done: u64,
        /// How many nodes there are.
        total: u64,
    },
    /// A node is this far.
    Progress {
        /// Its id in the prompt.
        node_id: String,
        /// How far.
        value: u64,
        /// Of how much.
        max: u64,
    },
    /// A file was saved. It can be fetched once the run is complete.
    Output {
        /// The service's name for it.
        filename: String,
    },
    /// It has ended, and this is the run. Nothing comes after.
    Ended(Box<Run>),
    /// Something that this version does not know.
    Other {
        /// What the service calls it.
        name: String,
        /// What it says of it.
        data: Object,
    },
}

/// An event of a stream, in our terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) at: Option<Timestamp>,
    pub(super) kind: RunEventKind,
}

impl Told {
    /// Reads an event; `None` when its data is no object.
    pub(super) fn read(event: &SseEvent) -> Option<Self> {
        let Ok(Value::Object(data)) = json::read(event.data.as_bytes(), Limits::default()) else {
            return None;
        };
        let at = data.get_str("at").and_then(|at| at.parse().ok());
        Some(Self { at, kind: kind(&event.name, &data).unwrap_or_else(|| other(&event.name, data)) })
    }

    /// Whether the run should be looked at now: it has ended, or the stream was too fast.
    pub(super) fn wants_a_look(&self) -> bool {
        match &self.kind {
            RunEventKind::Status { status, .. } => status.is_terminal(),
            RunEventKind::Other { name, .. } => name == "resync",
            _ => false,
        }
    }
}

fn other(name: &str, data: Object) -> RunEventKind {
    RunEventKind::Other { name: name.to_owned(), data }
}

fn kind(name: &str, data: &Object) -> Option<RunEventKind> {
    let text = |key| data.get_str(key).map(str::to_owned);
    let number = |key| data.get(key).and_then(Value::as_number).and_then(Number::as_u64);
    Some(match name {
        "queued" | "started" | "completed" | "error" | "cancelled" => RunEventKind::Status {
            status: RunStatus::from(data.get_str("status").unwrap_or(&name.to_ascii_uppercase())),
            position: number("position"),
        },
        "node" => RunEventKind::Node {
            node_id: text("node_id")?,
            class_type: text("class_type").unwrap_or_default(),
            done: number("done").unwrap_or_default(),
            total: number("total").unwrap_or_default(),
        },
        "progress" => {
            RunEventKind::Progress { node_id: text("node_id")?, value: number("value")?, max: number("max")? }
        }
        "output" => RunEventKind::Output { filename: text("filename")? },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, data: &str) -> Option<RunEventKind> {
        let event = SseEvent { id: None, name: name.to_owned(), data: data.to_owned() };
        Told::read(&event).map(|told| told.kind)
    }

    #[test]
    fn events_are_read_in_their_kinds_and_others_are_kept() {
        let events = [
            ("queued", r#"{"status": "QUEUED", "position": 2, "at": "2026-01-01T00:00:00.000Z"}"#),
            ("started", "{}"),
            ("error", r#"{"status": "ERROR"}"#),
            ("node", r#"{"node_id": "3", "class_type": "KSampler", "done": 1, "total": 4}"#),
            ("progress", r#"{"node_id": "3", "value": 5, "max": 20}"#),
            ("output", r#"{"filename": "/workflows/w/output/r/a.png"}"#),
            ("progress", r#"{"value": -1}"#),
            ("weather", r#"{"sun": true}"#),
        ];
        let kinds: Vec<_> =
            events.iter().map(|(name, data)| format!("{:?}", read(name, data).unwrap())).collect();
        insta::assert_snapshot!(kinds.join("\n"), @r#"
        Status { status: Queued, position: Some(2) }
        Status { status: Started, position: None }
        Status { status: Error, position: None }
        Node { node_id: "3", class_type: "KSampler", done: 1, total: 4 }
        Progress { node_id: "3", value: 5, max: 20 }
        Output { filename: "/workflows/w/output/r/a.png" }
        Other { name: "progress", data: {"value": -1} }
        Other { name: "weather", data: {"sun": true} }
        "#);
        assert_eq!(read("queued", "no JSON"), None);
        assert_eq!(read("queued", "[]"), None);
    }
}
