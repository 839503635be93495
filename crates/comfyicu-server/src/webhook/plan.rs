//! When a message is tried again.

use std::time::Duration;

use http::StatusCode;

/// How long after an attempt that failed the next one is made; the first one is made at once. The schedule
/// of Standard Webhooks, which gives a receiver the better part of a day to come back.
const DELAYS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
];

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The receiver has it.
    Delivered,
    /// Another attempt after this time.
    Again(Duration),
    /// No further attempt.
    GaveUp,
}

/// What comes after an attempt: `step` is how many were made before it, `jitter` a random number from 0 to 1
/// which keeps messages that failed together from coming back together.
pub(super) fn after_attempt(status: Option<StatusCode>, step: u32, jitter: f64) -> Next {
    match status {
        Some(status) if status.is_success() => Next::Delivered,
        // The receiver says that it will never want it.
        Some(StatusCode::GONE) => Next::GaveUp,
        _ => DELAYS
            .get(usize::try_from(step).unwrap_or(usize::MAX))
            .map_or(Next::GaveUp, |delay| Next::Again(delay.mul_f64(0.9 + 0.2 * jitter.clamp(0.0, 1.0)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_has_seven_attempts() {
        let failed = Some(StatusCode::INTERNAL_SERVER_ERROR);
        let delays: Vec<u64> = (0..)
            .map_while(|step| match after_attempt(failed, step, 0.5) {
                Next::Again(delay) => Some(delay.as_secs()),
                _ => None,
            })
            .collect();
        assert_eq!(delays, [5, 300, 1_800, 7_200, 18_000, 36_000]);
        assert_eq!(after_attempt(failed, 6, 0.5), Next::GaveUp);
    }

    #[test]
    fn the_answer_decides() {
        let next = |status: u16| after_attempt(StatusCode::from_u16(status).ok(), 0, 0.5);
        for status in [200, 202, 204, 299] {
            assert_eq!(next(status), Next::Delivered, "{status}");
        }
        assert_eq!(next(410), Next::GaveUp);
        for status in [301, 307, 400, 401, 404, 429, 500, 503] {
            assert_eq!(next(status), Next::Again(Duration::from_secs(5)), "{status}");
        }
        assert_eq!(after_attempt(None, 0, 0.5), Next::Again(Duration::from_secs(5)), "no answer at all");
    }

    #[test]
    fn attempts_are_spread_a_tenth_to_either_side() {
        let at = |jitter| match after_attempt(None, 1, jitter) {
            Next::Again(delay) => delay.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!((at(0.0), at(1.0), at(7.0)), (270, 330, 330));
    }
}
