//! How often a fault strikes: which of the requests, runs or webhooks that it is about.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what comes, and says which of it is struck.
#[derive(Debug)]
pub(super) struct Count {
    /// So many go well first.
    skip: u64,
    /// Then one in so many is struck, beginning with the first.
    every: NonZeroU64,
    /// So many are struck in all; without it, there is no end.
    times: Option<u64>,
    seen: AtomicU64,
}

impl Count {
    pub(super) const fn new(skip: u64, every: NonZeroU64, times: Option<u64>) -> Self {
        Self { skip, every, times, seen: AtomicU64::new(0) }
    }

    /// Takes in the next one, and says whether it is struck.
    pub(super) fn strikes(&self) -> bool {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        let Some(behind) = seen.checked_sub(self.skip) else { return false };
        let is_turn = behind.is_multiple_of(self.every.get());
        is_turn && self.times.is_none_or(|times| behind / self.every < times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(skip: u64, every: u64, times: Option<u64>) -> Vec<u32> {
        let count = Count::new(skip, NonZeroU64::new(every).unwrap(), times);
        (0..12).filter(|_| count.strikes()).collect()
    }

    #[test]
    fn some_go_well_first_and_then_one_in_so_many_is_struck() {
        assert_eq!(struck(0, 1, None).len(), 12);
        assert_eq!(struck(0, 1, Some(3)), [0, 1, 2]);
        assert_eq!(struck(2, 1, Some(2)), [2, 3]);
        assert_eq!(struck(1, 4, None), [1, 5, 9]);
        assert_eq!(struck(1, 4, Some(2)), [1, 5]);
        assert!(struck(u64::MAX, 1, None).is_empty());
        assert_eq!(struck(0, u64::MAX, None), [0]);
    }
}
