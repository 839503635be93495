//! When to ask next. Pure: no clock, no chance.

use std::time::Duration;

use comfyicu_model::RunStatus;

/// The first delay: a short run on a server close by is over in less than a second.
const FIRST: Duration = Duration::from_millis(100);
/// The longest delay: what a long run may be seen late by.
const LONGEST: Duration = Duration::from_secs(5);
/// By how much each delay is longer than the one before, in percent.
const GROWTH_PERCENT: u32 = 150;

/// How long to wait between two looks at a run.
///
/// By default the delays grow from 0.1 s by half each time, up to 5 s, and start anew when the status
/// changes: a run that waited long may still be over soon after it has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollSchedule {
    first: Duration,
    longest: Duration,
}

impl PollSchedule {
    /// The same delay each time.
    pub const fn fixed(interval: Duration) -> Self {
        Self { first: interval, longest: interval }
    }

    /// Delays that grow by half each time, from `first` up to `longest`.
    pub const fn growing(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    pub(super) const fn start(&self) -> Delays<'_> {
        Delays { schedule: self, next: self.first, status: None }
    }
}

impl Default for PollSchedule {
    fn default() -> Self {
        Self::growing(FIRST, LONGEST)
    }
}

/// The delays of one wait.
#[derive(Debug)]
pub(super) struct Delays<'s> {
    schedule: &'s PollSchedule,
    next: Duration,
    status: Option<RunStatus>,
}

impl Delays<'_> {
    /// The delay after a look that showed a status, or failed.
    pub(super) fn after(&mut self, seen: Option<RunStatus>) -> Duration {
        if seen.is_some() && seen != self.status {
            self.next = self.schedule.first;
            self.status = seen;
        }
        let delay = self.next.min(self.schedule.longest);
        self.next = delay.saturating_mul(GROWTH_PERCENT) / 100;
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(delays: &mut Delays<'_>, status: &str, count: usize) -> Vec<u128> {
        (0..count).map(|_| delays.after(Some(RunStatus::from(status))).as_millis()).collect()
    }

    #[test]
    fn delays_grow_and_start_anew_with_each_status() {
        let schedule = PollSchedule::default();
        let mut delays = schedule.start();
        assert_eq!(
            millis(&mut delays, "QUEUED", 12),
            [100, 150, 225, 337, 506, 759, 1139, 1708, 2562, 3844, 5000, 5000]
        );
        assert_eq!(millis(&mut delays, "STARTED", 2), [100, 150]);
        assert_eq!(delays.after(None), Duration::from_millis(225), "a failed look changes nothing");
        assert_eq!(millis(&mut delays, "STARTED", 1), [337]);
    }

    #[test]
    fn a_fixed_interval_stays() {
        let schedule = PollSchedule::fixed(Duration::from_secs(10));
        assert_eq!(millis(&mut schedule.start(), "QUEUED", 3), [10_000, 10_000, 10_000]);
        let forever = PollSchedule::fixed(Duration::MAX);
        assert_eq!(forever.start().after(None), Duration::MAX);
    }
}
