//! Where news of committed changes go: to the queue of waiting runs, to those who watch, to the sender of
//! webhooks.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::live::Live;
use crate::store::{Committed, Observer};
use crate::worker::RunQueue;

/// Brings news to whoever waits for them. Clones share the receivers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bus {
    pub(crate) queue: Arc<RunQueue>,
    pub(crate) live: Live,
    /// Wakes the sender of messages.
    pub(crate) told: Arc<Notify>,
}

impl Observer for Bus {
    fn committed(&self, change: Committed) {
        self.live.tell(&change.event);
        if let Some(run) = change.waiting {
            self.queue.push(run);
        }
        self.told.notify_one();
    }
}
