//! The time of day, and spans of it in milliseconds.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use comfyicu_model::Timestamp;

/// Now, to the millisecond.
pub(crate) fn now() -> Timestamp {
    at(SystemTime::now())
}

/// A moment of the system's clock, to the millisecond.
pub(crate) fn at(moment: SystemTime) -> Timestamp {
    let since_epoch = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// The moment that lies so long after another one.
pub(crate) fn after(moment: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_unix_millis(moment.as_unix_millis().saturating_add(signed_millis(span)))
}

/// The moment that lies so long before another one.
pub(crate) fn before(moment: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_unix_millis(moment.as_unix_millis().saturating_sub(signed_millis(span)))
}

/// A span in whole milliseconds.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Sees when the system's clock is set, by how it goes beside one that is never set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JumpWatch {
    wall: Timestamp,
    steady: Instant,
}

impl JumpWatch {
    /// Begins to watch.
    pub(crate) const fn new(wall: Timestamp, steady: Instant) -> Self {
        Self { wall, steady }
    }

    /// Whether the clock was set by more than `most` since the last look.
    pub(crate) fn has_jumped(&mut self, wall: Timestamp, steady: Instant, most: Duration) -> bool {
        let expected = after(self.wall, steady.saturating_duration_since(self.steady));
        *self = Self { wall, steady };
        wall.since(expected).max(expected.since(wall)) > most
    }
}

fn signed_millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_seen_once_and_one_that_goes_is_not() {
        let (wall, steady) = (Timestamp::from_unix_millis(1_000_000), Instant::now());
        let mut watch = JumpWatch::new(wall, steady);
        let (second, most) = (Duration::from_secs(1), Duration::from_secs(5));
        let mut look = |wall_seconds: i64, steady_seconds: u32| {
            let wall = Timestamp::from_unix_millis(wall.as_unix_millis() + wall_seconds * 1000);
            watch.has_jumped(wall, steady + second * steady_seconds, most)
        };
        assert!(!look(10, 10), "it goes");
        assert!(!look(24, 20), "it is put right");
        assert!(look(3_630, 30), "an hour on");
        assert!(!look(3_640, 40), "and goes from there");
        assert!(look(50, 50), "and back");
    }
}
