//! The store of repeated attempts: what keeps a dead server from being hammered.

use std::sync::atomic::{AtomicU32, Ordering};

/// How finely an attempt is counted.
const PARTS: u32 = 10;

/// So many repeated attempts, over all requests of a transport. Each takes one; an answer gives back what its
/// request took, and one at the first attempt a tenth.
#[derive(Debug)]
pub(super) struct Tokens {
    most: u32,
    left: AtomicU32,
}

impl Tokens {
    pub(super) const fn full(tokens: u32) -> Self {
        let most = tokens.saturating_mul(PARTS);
        Self { most, left: AtomicU32::new(most) }
    }

    /// Takes a token, where there is one.
    pub(super) fn take(&self) -> bool {
        let taken = |left: u32| left.checked_sub(PARTS);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// Gives back for an answer that came with this many attempts.
    pub(super) fn give_back(&self, attempts: usize) {
        let repeated = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let back = repeated.saturating_mul(PARTS).max(1);
        let given = |left: u32| Some(left.saturating_add(back).min(self.most));
        // It never fails: `given` is always some.
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, given).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_empty_the_store_and_answers_fill_it() {
        let tokens = Tokens::full(2);
        assert_eq!([tokens.take(), tokens.take(), tokens.take()], [true, true, false]);
        tokens.give_back(2);
        assert_eq!([tokens.take(), tokens.take()], [true, false]);
        for _ in 0..10 {
            tokens.give_back(1);
        }
        assert_eq!([tokens.take(), tokens.take()], [true, false]);
        tokens.give_back(99);
        assert_eq!(
            [tokens.take(), tokens.take(), tokens.take()],
            [true, true, false],
            "never more than full"
        );
    }
}
