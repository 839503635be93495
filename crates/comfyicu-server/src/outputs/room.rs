//! How much the outputs of a run may take.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is left of the bytes that the outputs of a run may have together.
#[derive(Debug)]
pub(super) struct Room {
    limit: u64,
    left: AtomicU64,
}

impl Room {
    pub(super) const fn new(limit: u64) -> Self {
        Self { limit, left: AtomicU64::new(limit) }
    }

    /// Takes so many bytes, unless there are not so many left.
    pub(super) fn take(&self, bytes: u64) -> io::Result<()> {
        let less = |left: u64| left.checked_sub(bytes);
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.map(drop).map_err(|_| {
            let message = format!("the outputs of a run may have {} bytes together", self.limit);
            io::Error::new(io::ErrorKind::QuotaExceeded, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is() {
        let room = Room::new(10);
        assert!(
            room.take(6).is_ok() && room.take(5).is_err() && room.take(4).is_ok() && room.take(0).is_ok()
        );
        let error = room.take(1).unwrap_err();
        assert_eq!(error.to_string(), "the outputs of a run may have 10 bytes together");
    }
}
