//! How slowly a source may send: one that trickles would hold a place for hours.

use std::time::{Duration, Instant};

use bytes::Bytes;
use comfyicu_transport::{TransportError, TransportErrorKind};

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

    /// Passes a part on, unless too little came for too long.
    pub(super) fn pass(&mut self, part: Bytes, now: Instant) -> Result<Bytes, TransportError> {
        self.bytes += part.len() as u64;
        let elapsed = now.saturating_duration_since(self.began);
        if elapsed < WINDOW {
            return Ok(part);
        }
        if self.bytes < LEAST {
            let message =
                format!("the source is too slow: {} bytes in {} seconds", self.bytes, elapsed.as_secs());
            return Err(TransportError::new(TransportErrorKind::Timeout, message));
        }
        *self = Self::begin(now);
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many seconds a source ends that sends so many bytes a second.
    fn ends_after(size: usize) -> Option<u64> {
        let begun = Instant::now();
        let mut pace = Pace::begin(begun);
        (1..600).find(|second| {
            let passed = pace.pass(Bytes::from(vec![0; size]), begun + Duration::from_secs(*second));
            passed.is_err_and(|error| error.kind() == TransportErrorKind::Timeout)
        })
    }

    #[test]
    fn a_trickle_ends_and_a_stream_does_not() {
        assert_eq!((ends_after(1_000), ends_after(20_000)), (Some(60), None));
    }

    #[test]
    fn a_small_file_may_come_late() {
        let begun = Instant::now();
        let whole = Pace::begin(begun).pass(Bytes::from_static(b"whole"), begun + Duration::from_secs(59));
        assert!(whole.is_ok());
    }
}
