//! The runs that are being executed, so that each can be told to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comfyicu_model::RunId;
use tokio_util::sync::CancellationToken;

use crate::shutdown::Shutdown;

/// The runs that are being executed. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running(Arc<Mutex<HashMap<RunId, CancellationToken>>>);

/// A run that is being executed. Dropped, it is none any more.
#[derive(Debug)]
pub(crate) struct Executing {
    running: Running,
    run_id: RunId,
    token: CancellationToken,
}

impl Running {
    /// Notes a run. Its execution is told to stop by [`cancel`](Self::cancel), and when the server ends.
    pub(crate) fn enter(&self, run_id: &RunId, shutdown: &Shutdown) -> Executing {
        let token = shutdown.abort_token();
        self.lock().insert(run_id.clone(), token.clone());
        Executing { running: self.clone(), run_id: run_id.clone(), token }
    }

    /// Tells the execution of a run to stop, if there is one.
    pub(crate) fn cancel(&self, run_id: &RunId) {
        if let Some(token) = self.lock().get(run_id) {
            token.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Executing {
    pub(crate) const fn token(&self) -> &CancellationToken {
        &self.token
    }
}

impl Drop for Executing {
    fn drop(&mut self) {
        self.running.lock().remove(&self.run_id);
    }
}
