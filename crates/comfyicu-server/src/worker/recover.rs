//! Runs whose worker is gone: of an earlier process, or of this one.

use std::ops::RangeInclusive;
use std::time::Instant;

use comfyicu_model::Timestamp;

use super::Worker;
use crate::clock::{self, JumpWatch, after};
use crate::report::with_causes;
use crate::run::{Loss, told};
use crate::store::{RunKey, StoreError};

/// How many runs are looked at together.
const BATCH: u32 = 256;

impl Worker {
    /// Fills the queue, and puts back what an earlier process left running. Called once, before anything
    /// works. Gives how many runs were put back.
    ///
    /// A run that was begun too often is not begun again: it may be what ends the process.
    pub(crate) async fn recover(&self) -> Result<usize, StoreError> {
        let mut after = 0;
        loop {
            let waiting = self.store.waiting_runs(after, BATCH).await?;
            let Some(last) = waiting.last() else { break };
            after = last.seq;
            for run in waiting {
                self.queue.push(run);
            }
        }
        // One process has the data directory: whatever is running now is nobody's.
        self.put_back(None, Loss::Stopped).await
    }

    /// Puts back the runs whose worker gives no sign of life, until the server stops.
    pub(crate) async fn reap(self) {
        let mut clock_watch = JumpWatch::new(clock::now(), Instant::now());
        let mut patient_until = Instant::now();
        loop {
            tokio::select! {
                () = self.shutdown.stopping() => return,
                () = tokio::time::sleep(self.lease.heartbeat) => {}
            }
            let now = clock::now();
            if clock_watch.has_jumped(now, Instant::now(), self.lease.heartbeat / 2) {
                // All leases look old, or look new for long; whoever lives renews its own by the clock as it is now.
                tracing::warn!("the system's clock was set");
                patient_until = Instant::now() + self.lease.length;
            }
            if Instant::now() < patient_until {
                continue;
            }
            match self.put_back(Some(now..=after(now, self.lease.length * 2)), Loss::Gone).await {
                Ok(0) => {}
                Ok(runs) => tracing::warn!(runs, "workers gave no sign of life; their runs wait again"),
                Err(error) => tracing::error!(error = with_causes(&error), "no leases can be read"),
            }
        }
    }

    /// Puts back the runs whose leases are not good.
    async fn put_back(
        &self,
        good: Option<RangeInclusive<Timestamp>>,
        loss: Loss,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let expired = self.store.expired(good.clone(), BATCH).await?;
            let earlier = count;
            for key in &expired {
                count += usize::from(self.put_back_one(key, loss).await?);
            }
            // What cannot be put back, others change at this moment.
            if count == earlier {
                return Ok(count);
            }
        }
    }

    async fn put_back_one(&self, key: &RunKey, loss: Loss) -> Result<bool, StoreError> {
        let Some(run) = self.store.get(key).await? else { return Ok(false) };
        let Some(back) = run.lose(loss, clock::now()) else { return Ok(false) };
        // First, so that a crash in between leaves nothing that nobody knows of.
        self.outputs.discard(&run.id, run.attempt).await;
        self.store.change(&run, &back, told(&back, &self.urls)).await
    }
}
