//! The runs that are being executed, so that each can be told to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comfyicu_model::RunId;
use tokio_util::sync::CancellationToken;

use crate::shutdown::Shutdown;

/// The runs that are being executed. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    /// By run, the last that entered, and its number.
    tokens: HashMap<RunId, (u64, CancellationToken)>,
    entered: u64,
}

/// A run that is being executed. Dropped, it is none any more.
#[derive(Debug)]
pub(crate) struct Executing {
    running: Running,
    run_id: RunId,
    number: u64,
    token: CancellationToken,
}

impl Running {
    /// Notes a run. Its execution is told to stop by [`cancel`](Self::cancel), and when the server ends.
    pub(crate) fn enter(&self, run_id: &RunId, shutdown: &Shutdown) -> Executing {
        let token = shutdown.abort_token();
        let mut entries = self.lock();
        entries.entered += 1;
        let number = entries.entered;
        entries.tokens.insert(run_id.clone(), (number, token.clone()));
        Executing { running: self.clone(), run_id: run_id.clone(), number, token }
    }

    /// Tells the execution of a run to stop, if there is one.
    pub(crate) fn cancel(&self, run_id: &RunId) {
        if let Some((_, token)) = self.lock().tokens.get(run_id) {
            token.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
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
        let mut entries = self.running.lock();
        // Another worker may have taken the run since.
        if entries.tokens.get(&self.run_id).is_some_and(|(number, _)| *number == self.number) {
            entries.tokens.remove(&self.run_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_late_takes_nobody_else_along() {
        let (running, shutdown) = (Running::default(), Shutdown::default());
        let run_id = RunId::parse("r1").unwrap();
        let first = running.enter(&run_id, &shutdown);
        let second = running.enter(&run_id, &shutdown);
        drop(first);
        running.cancel(&run_id);
        assert!(second.token().is_cancelled());
        drop(second);
        assert!(running.lock().tokens.is_empty());
    }
}
