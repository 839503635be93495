//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

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
