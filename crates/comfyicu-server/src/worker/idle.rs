//! Workers that have nothing to do: a run that comes then need not wait in the queue. It is taken in and begun at once,
//! with one change on disk instead of two.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::accelerators::Share;
use crate::run::RunRecord;
use crate::store::{Claimed, IdempotencyClaim, StoreError};

/// A run that was not taken in yet.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) run: Arc<RunRecord>,
    pub(crate) claim: Option<IdempotencyClaim>,
    /// Who submitted it waits for what becomes of it.
    pub(crate) answer: oneshot::Sender<Result<Claimed, StoreError>>,
}

/// Workers that have nothing to do. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdleWorkers(Arc<Mutex<Vec<Idle>>>);

#[derive(Debug)]
struct Idle {
    share: Share,
    wants: oneshot::Sender<Submission>,
}

impl IdleWorkers {
    /// Waits for a run of this share. Whoever stops waiting looks once more whether one came.
    pub(crate) fn wait(&self, share: &Share) -> oneshot::Receiver<Submission> {
        let (wants, comes) = oneshot::channel();
        let mut idle = self.lock();
        idle.retain(|worker| !worker.wants.is_closed());
        idle.push(Idle { share: share.clone(), wants });
        comes
    }

    /// Gives a run to a worker that takes it and has nothing to do, and says what becomes of it; `None` when there is
    /// no such worker. The answer does not come where the worker stops before it began.
    pub(crate) fn offer(
        &self,
        run: &Arc<RunRecord>,
        claim: Option<&IdempotencyClaim>,
    ) -> Option<oneshot::Receiver<Result<Claimed, StoreError>>> {
        let (answer, answered) = oneshot::channel();
        let mut submission = Submission { run: Arc::clone(run), claim: claim.cloned(), answer };
        let mut idle = self.lock();
        while let Some(index) = idle.iter().position(|worker| worker.share.takes(&run.accelerator)) {
            match idle.swap_remove(index).wants.send(submission) {
                Ok(()) => return Some(answered),
                // It has found something else to do.
                Err(back) => submission = back,
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use comfyicu_model::Accelerator;

    use super::*;
    use crate::accelerators::Accelerators;

    #[tokio::test]
    async fn a_run_goes_to_an_idle_worker_that_takes_it() {
        let accelerators = Accelerators::new(None, &[Accelerator::Cpu, Accelerator::L4]);
        let [cpu, l4] = [Accelerator::Cpu, Accelerator::L4].map(|own| accelerators.share(Some(&own)));
        let idle = IdleWorkers::default();
        let run = Arc::new(RunRecord { accelerator: "CPU".to_owned(), ..crate::run::tests::accepted() });
        let other = idle.wait(&l4);
        assert!(idle.offer(&run, None).is_none(), "nobody takes it");
        drop(idle.wait(&cpu));
        assert!(idle.offer(&run, None).is_none(), "whoever waited has gone");
        let waiting = idle.wait(&cpu);
        let answered = idle.offer(&run, None).unwrap();
        assert!(idle.offer(&run, None).is_none(), "one worker takes one run");
        let submission = waiting.await.unwrap();
        assert_eq!(submission.run.id, run.id);
        submission.answer.send(Ok(Claimed::New)).unwrap();
        assert_eq!(answered.await.unwrap().unwrap(), Claimed::New);
        drop(other);
    }
}
