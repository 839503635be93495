//! When what happened to a run, and how long it took.

use std::time::Duration;

use super::Run;
use crate::field;
use crate::json::{Number, Value};
use crate::timestamp::Timestamp;

impl Run {
    /// When it was accepted.
    pub fn created_at(&self) -> Option<Timestamp> {
        field::moment(&self.object, "created_at")
    }

    /// When it last changed.
    pub fn updated_at(&self) -> Option<Timestamp> {
        field::moment(&self.object, "updated_at")
    }

    /// When its execution began.
    pub fn started_at(&self) -> Option<Timestamp> {
        field::moment(&self.object, "started_at")
    }

    /// When it ended.
    pub fn completed_at(&self) -> Option<Timestamp> {
        field::moment(&self.object, "completed_at")
    }

    /// When it was deleted.
    pub fn deleted_at(&self) -> Option<Timestamp> {
        field::moment(&self.object, "deleted_at")
    }

    /// How long it waited, from the timestamps: until its execution began, or until it ended when it never
    /// began. Zero where the clocks of the service disagree so far that it began before it was accepted.
    ///
    /// `None` while it waits; see [`queue_time_at`](Self::queue_time_at).
    pub fn queue_time(&self) -> Option<Duration> {
        let until = self.started_at().or_else(|| self.completed_at())?;
        Some(until.since(self.created_at()?))
    }

    /// How long it has waited at a moment, or waited before it began.
    pub fn queue_time_at(&self, now: Timestamp) -> Option<Duration> {
        self.queue_time().or_else(|| Some(now.since(self.created_at()?)))
    }

    /// How long it ran, from the timestamps: the unit of `run_time` differs between samples. Zero where the
    /// clocks of the service disagree so far that it ended before it began.
    ///
    /// `None` before it has ended, and when it never began; see [`execution_time_at`](Self::execution_time_at).
    pub fn execution_time(&self) -> Option<Duration> {
        Some(self.completed_at()?.since(self.started_at()?))
    }

    /// How long it has run at a moment, or ran until it ended.
    pub fn execution_time_at(&self, now: Timestamp) -> Option<Duration> {
        self.execution_time().or_else(|| Some(now.since(self.started_at()?)))
    }

    /// How long it took from being accepted to its end, from the timestamps.
    pub fn total_time(&self) -> Option<Duration> {
        Some(self.completed_at()?.since(self.created_at()?))
    }

    /// `run_time` as the service states it. Its unit is not the same in all samples of the hosted service; it
    /// is milliseconds of execution on the self-hosted server. Take durations from the timestamps.
    pub fn run_time(&self) -> Option<&Number> {
        self.object.get("run_time").and_then(Value::as_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(times: &str) -> Run {
        Run::parse(format!(r#"{{"id": "r", {times}}}"#).as_bytes()).unwrap()
    }

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn durations_come_from_the_timestamps() {
        let run = run(
            r#""created_at": "2025-05-23T15:08:18.297Z", "started_at": "2025-05-23T15:08:19.760Z", "completed_at": "2025-05-23T15:08:27.384Z", "run_time": 6357"#,
        );
        assert_eq!(run.queue_time(), Some(Duration::from_millis(1_463)));
        assert_eq!(run.execution_time(), Some(Duration::from_millis(7_624)));
        assert_eq!(run.total_time(), Some(Duration::from_millis(9_087)));
        assert_eq!(run.run_time().and_then(Number::as_u64), Some(6_357));
        let later = moment("2030-01-01T00:00:00Z");
        assert_eq!(run.execution_time_at(later), run.execution_time());
    }

    #[test]
    fn a_run_that_waits_or_runs_has_a_time_so_far() {
        let now = moment("2025-01-01T00:00:10Z");
        let waiting = run(r#""created_at": "2025-01-01T00:00:00.000Z", "started_at": null"#);
        assert_eq!((waiting.queue_time(), waiting.execution_time_at(now)), (None, None));
        assert_eq!(waiting.queue_time_at(now), Some(Duration::from_secs(10)));
        let running =
            run(r#""created_at": "2025-01-01T00:00:00.000Z", "started_at": "2025-01-01T00:00:04.000Z""#);
        assert_eq!(running.execution_time(), None);
        assert_eq!(running.execution_time_at(now), Some(Duration::from_secs(6)));
        assert_eq!(running.queue_time_at(now), Some(Duration::from_secs(4)));
        let never_began =
            run(r#""created_at": "2025-01-01T00:00:00.000Z", "completed_at": "2025-01-01T00:00:03.000Z""#);
        assert_eq!(never_began.queue_time(), Some(Duration::from_secs(3)));
        assert_eq!(never_began.execution_time(), None);
    }

    #[test]
    fn clocks_that_disagree_and_odd_times_give_no_nonsense() {
        let skewed = run(
            r#""created_at": "2025-01-01T00:00:05.000Z", "started_at": "2025-01-01T00:00:04.000Z", "completed_at": "2025-01-01T00:00:03.000Z""#,
        );
        assert_eq!(skewed.queue_time(), Some(Duration::ZERO));
        assert_eq!(skewed.execution_time(), Some(Duration::ZERO));
        let odd =
            run(r#""created_at": "yesterday", "started_at": 5, "completed_at": "2025-01-01T00:00:03.000Z""#);
        assert_eq!((odd.created_at(), odd.started_at(), odd.queue_time()), (None, None, None));
        assert_eq!(odd.execution_time(), None);
    }
}
