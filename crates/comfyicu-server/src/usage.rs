//! What was used: runs, seconds of executors, bytes that were fetched.

use comfyicu_model::{RunStatus, Timestamp, WorkflowId};

use crate::clock;
use crate::owner::Owner;
use crate::run::RunRecord;

/// How many milliseconds a day has.
const DAY_MS: i64 = 86_400_000;

/// A day, counted from 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) i64);

impl Day {
    pub(crate) fn of(moment: Timestamp) -> Self {
        Self(moment.as_unix_millis().div_euclid(DAY_MS))
    }

    /// The first day of the month that a moment is in.
    pub(crate) fn first_of_month(moment: Timestamp) -> Self {
        let date = jiff::Timestamp::from_millisecond(moment.as_unix_millis()).unwrap_or_default();
        let day = i64::from(jiff::tz::Offset::UTC.to_datetime(date).day());
        Self(Self::of(moment).0 - (day - 1))
    }
}

/// What one run used, once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunUsage {
    pub(crate) day: Day,
    /// For how long it had an executor, to whatever end.
    pub(crate) gpu_ms: u64,
    /// What was fetched for it, and was not there already.
    pub(crate) fetched_bytes: u64,
}

impl RunUsage {
    /// `None` of a run that has not ended.
    pub(crate) fn of(run: &RunRecord) -> Option<Self> {
        let ended = run.completed_at?;
        let held = run.started_at.map(|started| ended.since(started)).unwrap_or_default();
        let fetched = run.costs.files.iter().filter(|(_, cost)| !cost.cache_hit);
        Some(Self {
            day: Day::of(ended),
            gpu_ms: clock::millis(held),
            fetched_bytes: fetched.map(|(_, cost)| cost.bytes).fold(0, u64::saturating_add),
        })
    }
}

/// What was used with one key in one workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageRow {
    pub(crate) owner: Owner,
    /// The key's id; `None` where no key was asked for.
    pub(crate) key_id: Option<String>,
    pub(crate) key_name: Option<String>,
    pub(crate) workflow_id: WorkflowId,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) gpu_ms: u64,
    pub(crate) fetched_bytes: u64,
}

/// Which days, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageQuery {
    pub(crate) from: Day,
    /// The last day; it counts too.
    pub(crate) to: Day,
    pub(crate) owner: Option<Owner>,
}

/// Which of the three counts a run that ended this way is one more of.
pub(crate) fn counts(status: &RunStatus) -> [u8; 3] {
    [RunStatus::Completed, RunStatus::Error, RunStatus::Cancelled].map(|end| u8::from(*status == end))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::run::tests::accepted;
    use crate::run::{Costs, FileCost, Outcome};

    #[test]
    fn a_run_uses_an_executor_from_its_start_to_its_end() {
        let at = Timestamp::from_unix_millis;
        assert_eq!(RunUsage::of(&accepted()), None);
        let started = accepted().start("CPU", at(DAY_MS - 1_000), Duration::ZERO).unwrap();
        let file = |bytes, cache_hit| (String::new(), FileCost { bytes, ms: None, cache_hit });
        let costs = Costs { files: vec![file(5, false), file(7, true)], ..Costs::default() };
        let ended = started.finish(Outcome::Files(Vec::new()), costs, at(DAY_MS + 500)).unwrap();
        let usage = RunUsage { day: Day(1), gpu_ms: 1_500, fetched_bytes: 5 };
        assert_eq!(RunUsage::of(&ended), Some(usage));
        let waiting = accepted().cancel(at(9)).unwrap();
        assert_eq!(RunUsage::of(&waiting).map(|usage| usage.gpu_ms), Some(0), "it had no executor");
        assert_eq!(Day::of(at(-1)), Day(-1));
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = Day::of(moment("2028-02-01T00:00:00Z"));
        for day in ["2028-02-01T00:00:00Z", "2028-02-29T23:59:59Z"] {
            assert_eq!(Day::first_of_month(moment(day)), first, "{day}");
        }
    }
}
