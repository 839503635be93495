//! How many requests a key may send.

use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// Lets as many requests through in a minute as its limit says: all of them at once, or evenly.
#[derive(Debug)]
pub(crate) struct Rate {
    limit: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
}

/// What is left of a limit after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLeft {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// In how many seconds everything is left again.
    pub(crate) reset_seconds: u64,
}

/// A request was one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooFast {
    pub(crate) left: RateLeft,
    /// In how many seconds there is room for one more.
    pub(crate) retry_seconds: u64,
}

impl Rate {
    pub(crate) fn per_minute(limit: NonZeroU32) -> Self {
        let limiter = RateLimiter::direct(Quota::per_minute(limit));
        Self { limit, limiter: limiter.with_middleware::<StateInformationMiddleware>() }
    }

    pub(crate) const fn limit(&self) -> u32 {
        self.limit.get()
    }

    /// Takes one request from what is left.
    pub(crate) fn take(&self) -> Result<RateLeft, TooFast> {
        match self.limiter.check() {
            Ok(state) => Ok(self.left(state.remaining_burst_capacity())),
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                // A second more than none is left of it.
                let retry_seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Err(TooFast { left: self.left(0), retry_seconds: retry_seconds.max(1) })
            }
        }
    }

    fn left(&self, remaining: u32) -> RateLeft {
        let limit = self.limit.get();
        let missing = u64::from(limit.saturating_sub(remaining));
        RateLeft { limit, remaining, reset_seconds: (missing * 60).div_ceil(u64::from(limit)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_requests_pass_and_the_next_one_is_told_when() {
        let rate = Rate::per_minute(NonZeroU32::new(3).unwrap());
        let left: Vec<_> = (0..3).map(|_| rate.take().unwrap().remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = rate.take().unwrap_err();
        assert!((1..=20).contains(&refused.retry_seconds), "{refused:?}");
        assert_eq!((refused.left.limit, refused.left.reset_seconds), (3, 60));
    }
}
