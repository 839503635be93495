//! How often lists may be asked for. Pure: the moment comes in.

use std::time::Duration;

use tokio::time::Instant;

/// One list in this time, on average.
const INTERVAL: Duration = Duration::from_secs(1);
/// How much of the time in which nobody asked is made up for: where the end of runs is known, they are looked at
/// seldom before, and often about then.
const SAVED: Duration = Duration::from_secs(4);

/// One list a second, of which a few can be saved up.
#[derive(Debug)]
pub(super) struct Pace {
    /// When the lists that were asked for are paid off.
    paid: Instant,
}

impl Pace {
    /// Begins with nothing saved.
    pub(super) fn starting_at(now: Instant) -> Self {
        Self { paid: now + SAVED }
    }

    /// Asks for a list now; or else says when there may be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if let Some(earliest) = self.paid.checked_sub(SAVED).filter(|earliest| now < *earliest) {
            return Err(earliest);
        }
        self.paid = self.paid.max(now) + INTERVAL;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_list_a_second_and_a_few_are_saved_up() {
        let begin = Instant::now();
        let mut pace = Pace::starting_at(begin);
        let mut lists = Vec::new();
        for tenth in 0..200_u32 {
            let now = begin + Duration::from_millis(100) * tenth;
            if pace.take(now).is_ok() {
                lists.push(tenth);
            }
        }
        assert_eq!(lists[..3], [0, 10, 20]);
        assert_eq!(lists.len(), 20);
        let late = begin + Duration::from_secs(100);
        assert!((0..5).all(|_| pace.take(late).is_ok()));
        assert_eq!(pace.take(late), Err(late + Duration::from_secs(1)));
    }
}
