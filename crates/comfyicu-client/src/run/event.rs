//! What happens to a run.

use std::time::Duration;

use comfyicu_model::json::Object;
use comfyicu_model::{Run, RunEvent as Told, RunEventKind as ToldKind, RunStatus, Timestamp};

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
    /// The same as the service told it, whole; none where the run was looked at.
    pub told: Option<Told>,
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

impl RunEventKind {
    /// What an event of the service says. One that lacks what belongs to its kind is [`Other`](Self::Other).
    pub(super) fn of(told: &Told) -> Self {
        let known = match told.kind() {
            ToldKind::Node => Self::node(told),
            ToldKind::Progress => Self::progress(told),
            ToldKind::Output => {
                told.as_object().get_str("filename").map(|name| Self::Output { filename: name.to_owned() })
            }
            kind => status(kind).map(|usual| Self::Status {
                status: told.status().unwrap_or(usual),
                position: told.position(),
            }),
        };
        known.unwrap_or_else(|| Self::Other {
            name: told.kind().as_str().to_owned(),
            data: told.as_object().clone(),
        })
    }

    fn node(told: &Told) -> Option<Self> {
        let (done, total) = told.nodes().unwrap_or_default();
        let class_type = told.class_type().unwrap_or_default().to_owned();
        Some(Self::Node { node_id: told.node_id()?.to_string(), class_type, done, total })
    }

    fn progress(told: &Told) -> Option<Self> {
        let (value, max) = told.steps()?;
        Some(Self::Progress { node_id: told.node_id()?.to_string(), value, max })
    }
}

/// The status that a run has after an event, where the event changes it and does not say it itself.
const fn status(kind: &ToldKind) -> Option<RunStatus> {
    Some(match kind {
        ToldKind::Queued => RunStatus::Queued,
        ToldKind::Started => RunStatus::Started,
        ToldKind::Completed => RunStatus::Completed,
        ToldKind::Error => RunStatus::Error,
        ToldKind::Cancelled => RunStatus::Cancelled,
        _ => return None,
    })
}

/// Whether the run should be looked at now: it has ended, or the stream was too fast.
pub(super) fn wants_a_look(told: &Told) -> bool {
    told.is_terminal()
        || told.status().is_some_and(|status| status.is_terminal())
        || *told.kind() == ToldKind::Other("resync".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, data: &str) -> RunEventKind {
        RunEventKind::of(&Told::parse(name, data.as_bytes()).unwrap())
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
        let kinds: Vec<_> = events.iter().map(|(name, data)| format!("{:?}", read(name, data))).collect();
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
    }

    #[test]
    fn the_end_and_what_was_missed_are_reasons_to_look() {
        let wants = |name| wants_a_look(&Told::parse(name, b"{}").unwrap());
        assert!(["completed", "error", "cancelled", "resync"].into_iter().all(wants));
        assert!(!["queued", "started", "node", "progress", "output", "weather"].into_iter().any(wants));
        assert!(wants_a_look(&Told::parse("weather", br#"{"status": "COMPLETED"}"#).unwrap()));
    }
}
