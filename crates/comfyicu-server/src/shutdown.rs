//! How the server stops: first nothing new is begun, then what is being done is told to end.

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// The two steps to a stop. Clones take them together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    stopping: CancellationToken,
    aborting: CancellationToken,
}

impl Shutdown {
    /// From now on nothing new is begun.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    /// Executions end at their next node, and give their runs back.
    pub(crate) fn abort(&self) {
        self.stopping.cancel();
        self.aborting.cancel();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    pub(crate) fn is_aborting(&self) -> bool {
        self.aborting.is_cancelled()
    }

    /// Ends when nothing new is to be begun.
    pub(crate) fn stopping(&self) -> WaitForCancellationFuture<'_> {
        self.stopping.cancelled()
    }

    /// Ends when executions are told to end.
    pub(crate) fn aborting(&self) -> WaitForCancellationFuture<'_> {
        self.aborting.cancelled()
    }

    /// A token of its own that is cancelled when executions are told to end.
    pub(crate) fn abort_token(&self) -> CancellationToken {
        self.aborting.child_token()
    }
}
