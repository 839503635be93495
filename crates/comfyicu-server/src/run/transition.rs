//! The state machine: QUEUED → STARTED → COMPLETED | ERROR | CANCELLED, from QUEUED to CANCELLED, and from
//! STARTED back to QUEUED when an attempt was lost.
//!
//! Each transition is a pure function from a record to the next one, or to nothing where the machine has no
//! such step. The store writes it only over the very status and attempt that it began from.

use std::time::Duration;

use comfyicu_model::{RunStatus, Timestamp};

use super::{Costs, Outcome, RunRecord};
use crate::clock::after;

/// How often a run is begun; beyond it, an attempt that is lost ends the run.
pub(crate) const MAX_ATTEMPTS: u32 = 20;
/// How long a lost run waits at first before it is begun again; each time twice as long.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// The longest that a lost run waits.
const LONGEST_DELAY: Duration = Duration::from_mins(5);

/// How an attempt was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The server stopped, or was started again: nobody's fault, the run goes on at once.
    Stopped,
    /// The worker or its executor is gone while the server runs: the run waits a little.
    Gone,
}

impl RunRecord {
    /// The run as a worker begins to execute it, with a lease. `None` when it is not waiting.
    pub(crate) fn start(&self, device: &str, now: Timestamp, lease: Duration) -> Option<Self> {
        (self.status == RunStatus::Queued).then(|| Self {
            status: RunStatus::Started,
            attempt: self.attempt + 1,
            updated_at: now,
            started_at: Some(now),
            device: Some(device.to_owned()),
            lease_until: Some(after(now, lease)),
            not_before: None,
            ..self.clone()
        })
    }

    /// The run at its end. `None` when it is not being executed.
    pub(crate) fn finish(&self, outcome: Outcome, costs: Costs, now: Timestamp) -> Option<Self> {
        (self.status == RunStatus::Started).then(|| Self {
            status: outcome.status(),
            updated_at: now,
            completed_at: Some(now),
            outcome: Some(outcome),
            costs,
            lease_until: None,
            ..self.clone()
        })
    }

    /// The run as somebody ended it. `None` when it has ended.
    pub(crate) fn cancel(&self, now: Timestamp) -> Option<Self> {
        matches!(self.status, RunStatus::Queued | RunStatus::Started).then(|| Self {
            status: RunStatus::Cancelled,
            updated_at: now,
            completed_at: Some(now),
            lease_until: None,
            not_before: None,
            ..self.clone()
        })
    }

    /// The run after its attempt was lost: it waits again, or ends when it was begun too often. `None` when
    /// it is not being executed.
    pub(crate) fn lose(&self, loss: Loss, now: Timestamp) -> Option<Self> {
        if self.attempt >= MAX_ATTEMPTS {
            return self.finish(Outcome::of_losses(&self.id, self.attempt), self.costs.clone(), now);
        }
        (self.status == RunStatus::Started).then(|| Self {
            status: RunStatus::Queued,
            updated_at: now,
            started_at: None,
            device: None,
            lease_until: None,
            not_before: match loss {
                Loss::Stopped => None,
                Loss::Gone => Some(after(now, delay(self.attempt))),
            },
            ..self.clone()
        })
    }

    /// Whether this change of the run is told to its webhook: its start, once, and its end.
    pub(crate) fn is_told(&self) -> bool {
        match self.status {
            RunStatus::Started => self.attempt == 1,
            _ => self.status.is_terminal(),
        }
    }
}

/// How long a run waits after so many attempts.
fn delay(attempt: u32) -> Duration {
    FIRST_DELAY.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests;
