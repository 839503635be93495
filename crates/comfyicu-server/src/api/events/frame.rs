//! One event as it is sent.

use axum::response::sse::Event;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfyicu_model::json::{Object, Value};

use crate::live::{Progress, Step};
use crate::positions::{PlaceOf, Positions};
use crate::run::LifecycleEvent;
use crate::store::RunKey;

/// One event as it is sent. Only what is written down has an id to resume from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) id: Option<i64>,
    pub(super) name: &'static str,
    pub(super) data: Object,
}

impl Frame {
    /// A change of a run; `position` is how many runs are before it, when it waits.
    pub(super) fn of_lifecycle(event: &LifecycleEvent, position: Option<usize>) -> Self {
        let mut data = run_of(&event.run);
        data.insert("status", event.kind.status().as_str());
        data.insert("at", event.at.to_string());
        data.insert("attempt", u64::from(event.attempt));
        if let Some(position) = position {
            data.insert("position", position as u64);
        }
        Self { id: Some(event.seq), name: event.kind.as_str(), data }
    }

    /// A run that waits has moved up.
    pub(super) fn of_position(key: &RunKey, position: usize) -> Self {
        let mut data = run_of(key);
        data.insert("status", "QUEUED");
        data.insert("position", position as u64);
        Self { id: None, name: "queued", data }
    }

    /// How an execution goes on.
    pub(super) fn of_progress(progress: &Progress) -> Option<Self> {
        let RunKey { workflow_id, run_id, .. } = &progress.key;
        let mut data = run_of(&progress.key);
        let name = match &progress.step {
            Step::Node { node_id, class_type, done, total } => {
                data.insert("node_id", node_id.as_str());
                data.insert("class_type", class_type.as_str());
                data.insert("done", *done as u64);
                data.insert("total", *total as u64);
                "node"
            }
            Step::Progress { node_id, value, max } => {
                data.insert("node_id", node_id.as_str());
                data.insert("value", *value);
                data.insert("max", *max);
                "progress"
            }
            Step::Overall { percent } => {
                data.insert("percent", u64::from(*percent));
                "overall"
            }
            Step::Cached { node_id } => {
                data.insert("node_id", node_id.as_str());
                "cached"
            }
            Step::Texts { node_id, texts } => {
                data.insert("node_id", node_id.as_str());
                data.insert("texts", texts.clone());
                "text"
            }
            Step::Preview(latest) => {
                let preview = latest.get()?;
                data.insert("node_id", preview.node_id.as_str());
                data.insert("content_type", preview.content_type);
                data.insert("image", STANDARD.encode(&preview.image));
                "preview"
            }
            Step::Warning { code, findings } => {
                data.insert("code", *code);
                data.insert("findings", findings.clone());
                "warning"
            }
            Step::Output { node_id, path } => {
                data.insert("node_id", node_id.as_str());
                data.insert("filename", format!("/workflows/{workflow_id}/output/{run_id}/{path}"));
                "output"
            }
        };
        Some(Self { id: None, name, data })
    }

    /// Whether the next one says all that it says: of the same run, and the same node.
    pub(super) fn is_outdated_by(&self, next: &Self) -> bool {
        let is_a_state = matches!(self.name, "queued" | "node" | "progress" | "overall" | "preview");
        let is_same = |key: &str| self.data.get(key) == next.data.get(key);
        is_a_state && self.name == next.name && is_same("run_id") && is_same("node_id")
    }

    /// The reader was too slow for what is not written down; it should look at the runs again.
    pub(super) fn resync() -> Self {
        Self { id: None, name: "resync", data: Object::new() }
    }

    pub(super) fn into_event(self, positions: &Positions) -> Event {
        let event = Event::default().event(self.name).data(Value::from(self.data).to_json());
        match self.id {
            Some(id) => event.id(positions.seal(PlaceOf::Event, id)),
            None => event,
        }
    }
}

fn run_of(run: &RunKey) -> Object {
    Object::from_iter([("run_id", run.run_id.as_str()), ("workflow_id", run.workflow_id.as_str())])
}
