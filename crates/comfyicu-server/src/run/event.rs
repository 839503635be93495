//! What happens to a run, as far as it is written down.

use comfyicu_model::{RunStatus, Timestamp};

use super::RunRecord;
use crate::store::RunKey;

/// The kinds of lifecycle events, one for each status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum EventKind {
    Queued,
    Started,
    Completed,
    Error,
    Cancelled,
}

impl EventKind {
    /// Its name on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Queued, Self::Started, Self::Completed, Self::Error, Self::Cancelled]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }

    /// Whether nothing comes after it.
    pub(crate) const fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Error | Self::Cancelled)
    }

    /// The status that a run has after it.
    pub(crate) const fn status(self) -> RunStatus {
        match self {
            Self::Queued => RunStatus::Queued,
            Self::Started => RunStatus::Started,
            Self::Completed => RunStatus::Completed,
            Self::Error => RunStatus::Error,
            Self::Cancelled => RunStatus::Cancelled,
        }
    }
}

/// A change of a run that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LifecycleEvent {
    /// Its place in the order of all commits.
    pub(crate) seq: i64,
    pub(crate) run: RunKey,
    pub(crate) kind: EventKind,
    pub(crate) attempt: u32,
    pub(crate) at: Timestamp,
}

impl RunRecord {
    /// The kind of event that brought the run to its status.
    pub(crate) const fn last_event(&self) -> EventKind {
        match self.status {
            RunStatus::Queued => EventKind::Queued,
            RunStatus::Completed => EventKind::Completed,
            RunStatus::Error => EventKind::Error,
            RunStatus::Cancelled => EventKind::Cancelled,
            // The server gives no other status.
            _ => EventKind::Started,
        }
    }
}
