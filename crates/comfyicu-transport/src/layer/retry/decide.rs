//! Whether another attempt is worth it, and when. Pure: chance comes in as a number.

use std::time::Duration;

/// How often, how long and at what intervals a request is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until a layer is made of it"]
pub struct RetryPolicy {
    attempts: usize,
    total: Duration,
    first_delay: Duration,
    longest_delay: Duration,
    longest_retry_after: Duration,
    pub(super) retry_tokens: u32,
}

/// What a request has cost so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// How often it was sent.
    pub attempts: usize,
    /// How long ago it was sent first.
    pub elapsed: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// The budget is spent: give what there is.
    GiveUp,
    /// Send again, after this long.
    After(Duration),
}

impl Default for RetryPolicy {
    /// Four attempts within 30 s; delays of up to 0.25 s, 0.5 s and 1 s; a `Retry-After` of up to 30 s.
    fn default() -> Self {
        Self {
            attempts: 4,
            total: Duration::from_secs(30),
            first_delay: Duration::from_millis(250),
            longest_delay: Duration::from_secs(10),
            longest_retry_after: Duration::from_secs(30),
            retry_tokens: 20,
        }
    }
}

impl RetryPolicy {
    /// One attempt, whatever comes of it.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// Sets how often a request is sent at most, the first time included; the default is 4.
    pub const fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets within which time after the first attempt the last one begins; the default is 30 s.
    pub const fn total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// Sets the delays: before the second attempt at most `first`, then twice as long each time, up to
    /// `longest`; the default is 0.25 s and 10 s. Each delay is drawn evenly between nothing and that (full
    /// jitter), so that those who failed together do not come back together.
    pub const fn delays(mut self, first: Duration, longest: Duration) -> Self {
        self.first_delay = first;
        self.longest_delay = longest;
        self
    }

    /// Sets how long a server that asks for it (`Retry-After`) is left alone at most; the default is 30 s. When
    /// it asks for longer, its answer is given to the caller at once.
    pub const fn longest_retry_after(mut self, longest: Duration) -> Self {
        self.longest_retry_after = longest;
        self
    }

    /// Sets how many repeated attempts a transport has in store, over all of its requests; the default is 20.
    /// Each takes one, and an answer gives some back, so a server that is dead is asked once a request.
    pub const fn retry_tokens(mut self, tokens: u32) -> Self {
        self.retry_tokens = tokens;
        self
    }
}

/// Decides about an attempt whose verdict is [`Again`](super::Verdict::Again). `retry_after` is what the server
/// asks for, `random` is drawn evenly from 0 to 1.
pub fn decide(policy: &RetryPolicy, spent: Spent, retry_after: Option<Duration>, random: f64) -> Next {
    if spent.attempts >= policy.attempts {
        return Next::GiveUp;
    }
    let doublings = u32::try_from(spent.attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    let most = policy.first_delay.saturating_mul(factor).min(policy.longest_delay);
    let mut delay = most.mul_f64(random.clamp(0.0, 1.0));
    if let Some(asked) = retry_after {
        if asked > policy.longest_retry_after {
            return Next::GiveUp;
        }
        delay = delay.max(asked);
    }
    if spent.elapsed.saturating_add(delay) > policy.total { Next::GiveUp } else { Next::After(delay) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(attempts: usize, elapsed: u64, retry_after: Option<u64>, random: f64) -> Option<u128> {
        let spent = Spent { attempts, elapsed: Duration::from_secs(elapsed) };
        let policy = RetryPolicy::default().attempts(9);
        match decide(&policy, spent, retry_after.map(Duration::from_secs), random) {
            Next::After(delay) => Some(delay.as_millis()),
            Next::GiveUp => None,
        }
    }

    #[test]
    fn delays_double_up_to_their_bound_and_are_drawn_from_nothing() {
        let longest: Vec<_> = (1..9).map(|attempts| after(attempts, 0, None, 1.0)).collect();
        let expected = [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000].map(Some);
        assert_eq!(longest, expected);
        assert_eq!(after(5, 0, None, 0.5), Some(2000));
        assert_eq!(after(5, 0, None, 0.0), Some(0));
    }

    #[test]
    fn the_budget_ends() {
        assert_eq!(after(9, 0, None, 0.0), None, "attempts");
        assert_eq!(after(1, 31, None, 0.0), None, "time");
        assert_eq!(after(1, 29, Some(2), 0.0), None, "the time that the server asks for");
        assert_eq!(
            decide(&RetryPolicy::never(), Spent { attempts: 1, elapsed: Duration::ZERO }, None, 0.0),
            Next::GiveUp
        );
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it_within_bounds() {
        assert_eq!(after(1, 0, Some(7), 1.0), Some(7000));
        assert_eq!(after(6, 0, Some(1), 1.0), Some(8000), "never sooner than by itself");
        assert_eq!(after(1, 0, Some(31), 0.0), None);
    }
}
