//! The time of day, and spans of it in milliseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

fn signed_millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
