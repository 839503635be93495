//! Where news of committed changes go: to the queue of waiting runs, to those who watch, to the sender of
//! webhooks.

use std::sync::Arc;

use crate::live::Live;
use crate::store::{Committed, Observer};
use crate::vault::Vault;
use crate::webhook::Outgoing;
use crate::worker::RunQueue;

/// Brings news to whoever waits for them. Clones share the receivers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bus {
    pub(crate) queue: Arc<RunQueue>,
    pub(crate) live: Live,
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) vault: Vault,
}

impl Observer for Bus {
    fn committed(&self, change: Committed) {
        self.live.tell(&change.event);
        if change.event.kind.is_end() {
            self.vault.forget(&change.event.run.run_id);
        }
        if let Some(run) = change.waiting {
            self.queue.push(run);
        }
        if let Some(delivery) = change.delivery {
            self.outgoing.push(delivery);
        }
    }
}
