//! The state machine: QUEUED → STARTED → COMPLETED | ERROR, and back to QUEUED when a worker died.

use comfyicu_model::{RunStatus, Timestamp};

use super::{Costs, Outcome, RunRecord};

impl RunRecord {
    /// The run as a worker begins to execute it. `None` when it is not waiting.
    pub(crate) fn start(&self, device: &str, now: Timestamp) -> Option<Self> {
        (self.status == RunStatus::Queued).then(|| Self {
            status: RunStatus::Started,
            attempt: self.attempt + 1,
            updated_at: now,
            started_at: Some(now),
            device: Some(device.to_owned()),
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
            ..self.clone()
        })
    }

    /// The run as it waits again after the process that executed it ended. `None` when it is not being
    /// executed.
    pub(crate) fn requeue(&self, now: Timestamp) -> Option<Self> {
        (self.status == RunStatus::Started).then(|| Self {
            status: RunStatus::Queued,
            updated_at: now,
            started_at: None,
            device: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::accepted;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    #[test]
    fn a_run_goes_its_way_and_ends_once() {
        let queued = accepted();
        assert!(queued.finish(Outcome::Files(Vec::new()), Costs::default(), at(1)).is_none());
        let started = queued.start("CPU", at(2)).unwrap();
        assert!(started.start("CPU", at(3)).is_none());
        let ended = started.finish(Outcome::Files(Vec::new()), Costs::default(), at(4)).unwrap();
        assert_eq!((ended.status.as_str(), ended.completed_at), ("COMPLETED", Some(at(4))));
        assert!(ended.start("CPU", at(5)).is_none() && ended.requeue(at(5)).is_none());
        assert!(ended.finish(Outcome::Files(Vec::new()), Costs::default(), at(6)).is_none());
    }

    #[test]
    fn a_second_attempt_has_another_token_and_its_start_is_not_told_again() {
        let first = accepted().start("CPU", at(1)).unwrap();
        let second = first.requeue(at(2)).unwrap().start("CPU", at(3)).unwrap();
        assert_eq!((first.attempt, second.attempt), (1, 2));
        assert!(first.is_told() && !second.is_told());
        assert!(second.finish(Outcome::Files(Vec::new()), Costs::default(), at(4)).unwrap().is_told());
    }
}
