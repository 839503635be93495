//! How slowly a source may send: one that trickles would hold a place for hours.

use std::time::{Duration, Instant};

/// How often it is looked at what came.
const WINDOW: Duration = Duration::from_mins(1);
/// How many bytes have to come in that time: 17 KiB a second, less than any line that models are fetched over.
const LEAST: u64 = 1024 * 1024;

/// Watches how fast the bytes of a file come.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    bytes: u64,
}

impl Pace {
    /// Begins to watch.
    pub(super) const fn begin(now: Instant) -> Self {
        Self { began: now, bytes: 0 }
    }

    /// Counts bytes that came, unless there were too few for too long.
    pub(super) fn pass(&mut self, bytes: u64, now: Instant) -> Result<(), Trickle> {
        self.bytes += bytes;
        let elapsed = now.saturating_duration_since(self.began);
        if elapsed < WINDOW {
            return Ok(());
        }
        if self.bytes < LEAST {
            return Err(Trickle { bytes: self.bytes, seconds: elapsed.as_secs() });
        }
        *self = Self::begin(now);
        Ok(())
    }
}

/// How little came in how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trickle {
    pub(super) bytes: u64,
    pub(super) seconds: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many seconds a source ends that sends so many bytes a second.
    fn ends_after(size: u64) -> Option<u64> {
        let begun = Instant::now();
        let mut pace = Pace::begin(begun);
        (1..600).find(|second| pace.pass(size, begun + Duration::from_secs(*second)).is_err())
    }

    #[test]
    fn a_trickle_ends_and_a_stream_does_not() {
        assert_eq!((ends_after(1_000), ends_after(20_000)), (Some(60), None));
    }

    #[test]
    fn a_small_file_may_come_late() {
        let begun = Instant::now();
        let whole = Pace::begin(begun).pass(5, begun + Duration::from_secs(59));
        assert!(whole.is_ok());
    }
}
