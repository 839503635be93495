//! Fetching the files of runs while they wait, so that no executor waits for a download.

use super::attempt::costs_so_far;
use super::{STORE_RETRY, Worker};
use crate::clock::{self, after};
use crate::files::{NotPrepared, PrepareError, Prepared};
use crate::report::with_causes;
use crate::run::Outcome;
use crate::store::{StoreError, WaitingRun};

impl Worker {
    /// Fetches files, of one run after the other, until the server stops.
    pub(crate) async fn fetch(self) {
        while !self.shutdown.is_stopping() {
            let news = self.queue.unfetched();
            // What waits must not take more of the disk than the cache may have.
            if self.files.has_room()
                && let Some(waiting) = self.queue.next_to_fetch()
            {
                self.fetch_files(waiting).await;
                continue;
            }
            self.rest(news).await;
        }
    }

    async fn fetch_files(&self, waiting: WaitingRun) {
        let executing = self.running.enter(&waiting.key.run_id, &self.shutdown);
        let prepared = tokio::select! {
            // Cancelled meanwhile: it is out of the queue already.
            () = executing.token().cancelled() => return,
            // It waits on disk, and its files are fetched at the next start.
            () = self.shutdown.stopping() => return,
            prepared = self.prepare(&waiting) => prepared,
        };
        drop(executing);
        match prepared {
            Ok(Some(Ok(prepared))) => self.queue.fetched(&waiting, prepared),
            Ok(Some(Err(failed))) => match *failed {
                NotPrepared { error: PrepareError::Store(error), .. } => self.put_off(waiting, &error),
                NotPrepared { error, spent } => {
                    self.queue.remove(&waiting.key.run_id);
                    self.fail(waiting, &error, &spent).await;
                }
            },
            Err(error) => self.put_off(waiting, &error),
            Ok(None) => self.queue.remove(&waiting.key.run_id),
        }
    }

    /// The store failed: the run is looked at again in a moment.
    fn put_off(&self, waiting: WaitingRun, error: &StoreError) {
        tracing::error!(run_id = %waiting.key.run_id, error = with_causes(error), "no files can be fetched");
        self.queue.remove(&waiting.key.run_id);
        self.queue.push_later(waiting, after(clock::now(), STORE_RETRY));
    }

    async fn prepare(
        &self,
        waiting: &WaitingRun,
    ) -> Result<Option<Result<Prepared, Box<NotPrepared>>>, StoreError> {
        let Some(run) = self.find(waiting).await? else { return Ok(None) };
        Ok(Some(self.files.prepare(&run).await))
    }

    /// Ends a run whose files cannot be had. It is started for that: a run ends only after it has started.
    async fn fail(&self, waiting: WaitingRun, error: &PrepareError, spent: &Prepared) {
        let Some(run) = self.begin(waiting).await else { return };
        let costs = costs_so_far(&run, spent);
        let failed = run.finish(Outcome::of_files(&run.id, error), costs, clock::now());
        if let Some(failed) = failed {
            self.write_down(&run, &failed).await;
        }
    }
}
