//! Waiting for what another process does.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take: far longer than it does, so that only a fault runs into it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none within [`PATIENCE`].
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        thread::sleep(TICK);
    }
}
