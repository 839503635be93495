//! How often a source that breaks off is asked again, and after what pause.

use std::time::Duration;

/// How many attempts in a row may bring nothing.
const WITHOUT_PROGRESS: u32 = 5;
/// How many in a row may bring little.
const WITH_LITTLE: u32 = 20;
/// How many bytes are more than little.
const LITTLE: u64 = 1024 * 1024;
/// How often a file may be begun again from its start.
const RESTARTS: u32 = 5;
/// The longest pause, also where a source asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The attempts so far.
#[derive(Debug)]
pub(super) struct Retries {
    first_pause: Duration,
    without_progress: u32,
    with_little: u32,
    restarts: u32,
}

impl Retries {
    pub(super) const fn new(first_pause: Duration) -> Self {
        Self { first_pause, without_progress: 0, with_little: 0, restarts: 0 }
    }

    /// Counts an attempt that broke off after so many new bytes, or began again from the start. Gives how long to
    /// pause before the next one; `None` when there is to be none.
    pub(super) fn after(
        &mut self,
        new_bytes: u64,
        restarted: bool,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        self.restarts += u32::from(restarted);
        self.without_progress = if new_bytes == 0 { self.without_progress + 1 } else { 0 };
        self.with_little = if new_bytes < LITTLE { self.with_little + 1 } else { 0 };
        let again = self.without_progress < WITHOUT_PROGRESS
            && self.with_little < WITH_LITTLE
            && self.restarts < RESTARTS;
        let doubled = self.first_pause.saturating_mul(1 << self.with_little.saturating_sub(1).min(16));
        again.then(|| asked.unwrap_or(doubled).min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    fn attempts(new_bytes: u64, restarted: bool) -> usize {
        let mut retries = Retries::new(PAUSE);
        1 + std::iter::from_fn(|| retries.after(new_bytes, restarted, None)).take(1000).count()
    }

    #[test]
    fn attempts_are_bounded_by_what_they_bring() {
        assert_eq!(attempts(0, false), 5);
        assert_eq!(attempts(10, false), 20);
        assert_eq!(attempts(LITTLE, false), 1001, "as long as it goes on, it goes on");
        assert_eq!(attempts(LITTLE, true), 5);
    }

    #[test]
    fn pauses_double_and_end_at_a_minute() {
        let mut retries = Retries::new(PAUSE);
        let pauses: Vec<_> =
            (0..8).filter_map(|_| retries.after(1, false, None)).map(|p| p.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(retries.after(1, false, Some(Duration::from_hours(5))), Some(LONGEST_PAUSE));
        assert_eq!(retries.after(1, false, Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(retries.after(LITTLE, false, None), Some(PAUSE));
    }
}
