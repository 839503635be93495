//! When to ask next. Pure: no clock, and chance comes in as a number.

use std::time::Duration;

use comfyicu_model::RunStatus;

use super::lengths::Window;

/// By how much each delay of a growing schedule is longer than the one before, in percent.
const GROWTH_PERCENT: u32 = 150;
/// The adaptive schedule: the first look after a submit.
const FIRST_LOOK: Duration = Duration::from_millis(500);
/// The adaptive schedule: the usual delay, of half of which an end is seen late on average.
const USUAL: Duration = Duration::from_secs(1);
/// The adaptive schedule: beyond a minute, an end may be seen late by this part of the run's age.
const AGE_PART: u32 = 60;
/// The adaptive schedule: the longest delay.
const LONGEST: Duration = Duration::from_secs(5);
/// The documented loop.
const DOCUMENTED: (u32, Duration) = (30, Duration::from_secs(10));

/// How long to wait between two looks at a run.
///
/// The default is [`adaptive`](Self::adaptive). Where the service tells of changes by itself (an extension), no
/// schedule is needed: it is looked at then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollSchedule {
    kind: Kind,
    most_polls: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Growing { first: Duration, longest: Duration },
    Adaptive,
}

impl PollSchedule {
    /// The same delay each time.
    pub const fn fixed(interval: Duration) -> Self {
        Self::growing(interval, interval)
    }

    /// Delays that grow by half each time, from `first` up to `longest`, and start anew when the status changes.
    pub const fn growing(first: Duration, longest: Duration) -> Self {
        Self { kind: Kind::Growing { first, longest }, most_polls: None }
    }

    /// About once a second; after a minute, a sixtieth of the run's age, up to 5 s. Once earlier runs of the
    /// workflow say how long they take, seldom before a run can have ended, and more often about then. Each delay
    /// varies by a tenth, so that many waits do not ask all at once.
    pub const fn adaptive() -> Self {
        Self { kind: Kind::Adaptive, most_polls: None }
    }

    /// What the service's documentation shows: 30 looks, 10 s apart.
    pub const fn documented() -> Self {
        Self::fixed(DOCUMENTED.1).most_polls(DOCUMENTED.0)
    }

    /// Sets how often is looked at most; the wait gives up then. By default there is no such bound.
    #[must_use]
    pub const fn most_polls(mut self, polls: u32) -> Self {
        self.most_polls = Some(polls);
        self
    }

    /// Whether the client may look at a list in place of the run, which is a matter of bytes.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self.kind, Kind::Adaptive) && self.most_polls.is_none()
    }

    pub(super) const fn poll_limit(&self) -> Option<u32> {
        self.most_polls
    }

    pub(super) const fn start(&self) -> Delays {
        let next = match self.kind {
            Kind::Growing { first, .. } => first,
            Kind::Adaptive => USUAL,
        };
        Delays { kind: self.kind, next, status: None }
    }
}

impl Default for PollSchedule {
    fn default() -> Self {
        Self::adaptive()
    }
}

/// What is known when the next delay is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Situation {
    /// How old the run is, as far as is known here.
    pub(super) age: Duration,
    /// When runs of the workflow end.
    pub(super) window: Option<Window>,
    /// Drawn evenly from 0 to 1.
    pub(super) random: f64,
}

/// The delays of one wait.
#[derive(Debug)]
pub(super) struct Delays {
    kind: Kind,
    next: Duration,
    status: Option<RunStatus>,
}

impl Delays {
    /// The delay before the first look at a run that was submitted just now.
    pub(super) fn first(&self, situation: Situation) -> Duration {
        match self.kind {
            Kind::Growing { first, .. } => first,
            Kind::Adaptive => adaptive(situation),
        }
    }

    /// The delay after a look that showed a status, or failed.
    pub(super) fn after(&mut self, seen: Option<RunStatus>, situation: Situation) -> Duration {
        let Kind::Growing { first, longest } = self.kind else { return adaptive(situation) };
        if seen.is_some() && seen != self.status {
            self.next = first;
            self.status = seen;
        }
        let delay = self.next.min(longest);
        self.next = delay.saturating_mul(GROWTH_PERCENT) / 100;
        delay
    }
}

fn adaptive(situation: Situation) -> Duration {
    let Situation { age, window, random } = situation;
    let spread = 0.9 + 0.2 * random.clamp(0.0, 1.0);
    let usual = match age.checked_sub(FIRST_LOOK) {
        None => FIRST_LOOK.saturating_sub(age),
        Some(_) => (age / AGE_PART).clamp(USUAL, LONGEST).mul_f64(spread),
    };
    let Some(window) = window else { return usual };
    if age < window.start {
        // Half of the way at a time: a run that ends early is not seen much later than it took.
        let left = window.start.saturating_sub(age);
        return (left / 2).max(usual).min(left);
    }
    if age < window.end { window.interval.mul_f64(spread) } else { usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(delays: &mut Delays, status: &str, count: usize) -> Vec<u128> {
        let mut next = || delays.after(Some(RunStatus::from(status)), Situation::default()).as_millis();
        (0..count).map(|_| next()).collect()
    }

    /// The ages at which a run is looked at up to a moment, in milliseconds.
    fn ages(until: u64, window: Option<Window>) -> Vec<u128> {
        let mut delays = PollSchedule::adaptive().start();
        let mut age = Duration::ZERO;
        let situation = |age| Situation { age, window, random: 0.5 };
        age += delays.first(situation(age));
        let mut ages = Vec::new();
        while age <= Duration::from_secs(until) {
            ages.push(age.as_millis());
            age += delays.after(None, situation(age));
        }
        ages
    }

    #[test]
    fn delays_grow_and_start_anew_with_each_status() {
        let schedule = PollSchedule::growing(Duration::from_millis(100), Duration::from_secs(5));
        let mut delays = schedule.start();
        assert_eq!(
            millis(&mut delays, "QUEUED", 12),
            [100, 150, 225, 337, 506, 759, 1139, 1708, 2562, 3844, 5000, 5000]
        );
        assert_eq!(millis(&mut delays, "STARTED", 2), [100, 150]);
        let failed = delays.after(None, Situation::default());
        assert_eq!(failed, Duration::from_millis(225), "a failed look changes nothing");
        assert_eq!(millis(&mut delays, "STARTED", 1), [337]);
    }

    #[test]
    fn a_fixed_interval_stays() {
        let schedule = PollSchedule::fixed(Duration::from_secs(10));
        assert_eq!(millis(&mut schedule.start(), "QUEUED", 3), [10_000, 10_000, 10_000]);
        let forever = PollSchedule::fixed(Duration::MAX);
        assert_eq!(forever.start().after(None, Situation::default()), Duration::MAX);
        assert_eq!(PollSchedule::documented().poll_limit(), Some(30));
    }

    #[test]
    fn by_itself_it_looks_once_a_second_and_less_often_with_age() {
        let ages = ages(600, None);
        assert_eq!(ages[..4], [500, 1500, 2500, 3500]);
        assert!(ages.iter().filter(|age| **age <= 30_000).count() <= 30);
        let last = ages.windows(2).last().map(|pair| pair[1] - pair[0]);
        assert_eq!(last, Some(5000));
    }

    #[test]
    fn once_lengths_are_known_it_looks_when_runs_end() {
        let window = Window {
            start: Duration::from_secs(18),
            end: Duration::from_secs(22),
            interval: Duration::from_millis(400),
        };
        let ages = ages(25, Some(window));
        assert_eq!(ages.iter().filter(|age| **age < 18_000).count(), 5, "{ages:?}");
        assert!(ages.contains(&18_000) && ages.contains(&18_400) && ages.len() <= 20, "{ages:?}");
    }
}
