//! Workers: they take runs that are ready, execute them and write down how they ended.
//!
//! A run is a worker's for the time of a lease, which the worker prolongs for as long as it lives. Each
//! attempt has a number, and a change is written only over the attempt that it began from: whoever comes back
//! late changes nothing.

mod attempt;
mod fetch;
mod idle;
mod recover;
mod running;
#[cfg(test)]
mod tests;

pub(crate) use idle::IdleWorkers;
use idle::Submission;
pub(crate) use running::Running;

use std::sync::Arc;
use std::time::Duration;

use comfyicu_engine::{Executor, Ticket};
use tokio_util::sync::CancellationToken;

use crate::accelerators::Share;
use crate::clock::{self, after};
use crate::files::{FileProvider, Prepared};
use crate::live::Live;
use crate::outputs::OutputStore;
use crate::queue::Queue;
use crate::report::with_causes;
use crate::run::{RunRecord, told};
use crate::shutdown::Shutdown;
use crate::store::{Claimed, RunStore, StoreError, WaitingRun};
use crate::urls::PublicUrls;
use crate::vault::Vault;

/// The runs that wait, with their files once they are there.
pub(crate) type RunQueue = Queue<Prepared>;

/// How long a worker rests before it looks by itself: for runs that were delayed. It is woken for others.
const IDLE: Duration = Duration::from_secs(1);
/// How long a run is left alone after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// For how long a run is a worker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Without a sign of life.
    pub(crate) length: Duration,
    /// How often a worker gives one.
    pub(crate) heartbeat: Duration,
}

impl Default for Lease {
    /// Two signs of life may be lost.
    fn default() -> Self {
        Self { length: Duration::from_secs(30), heartbeat: Duration::from_secs(10) }
    }
}

/// A run that waits, and how it is once it has started.
#[derive(Debug)]
struct Start {
    run: RunRecord,
    started: RunRecord,
    waiting: WaitingRun,
}

/// What workers share.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) share: Share,
    pub(crate) files: FileProvider,
    pub(crate) outputs: OutputStore,
    pub(crate) urls: PublicUrls,
    pub(crate) queue: Arc<RunQueue>,
    pub(crate) idle: IdleWorkers,
    pub(crate) live: Live,
    pub(crate) vault: Vault,
    pub(crate) running: Running,
    pub(crate) shutdown: Shutdown,
    pub(crate) lease: Lease,
    /// How long a run may be executed.
    pub(crate) max_execution: Duration,
    /// How many bytes the outputs of a run may have together.
    pub(crate) max_output_bytes: u64,
}

impl Worker {
    /// Executes runs, one after the other, until the server stops.
    pub(crate) async fn work(self) {
        while !self.shutdown.is_stopping() {
            // A run waits in the queue, not with an executor that could not begin it.
            let ticket = tokio::select! {
                () = self.shutdown.stopping() => return,
                ticket = self.executor.ready() => ticket,
            };
            let news = self.queue.ready();
            if let Some((waiting, prepared)) = self.queue.take(|name| self.share.takes(name), clock::now()) {
                self.execute(waiting, prepared, ticket).await;
                continue;
            }
            if let Some(submission) = self.wait(news).await
                && !self.shutdown.is_stopping()
            {
                self.take_in(submission, ticket).await;
            }
        }
    }

    /// Waits with nothing to do: for a run that is submitted meanwhile, and no longer than it [rests](Self::rest).
    async fn wait(&self, news: impl Future<Output = ()>) -> Option<Submission> {
        let mut comes = self.idle.wait(&self.share);
        tokio::select! {
            submission = &mut comes => return submission.ok(),
            () = self.rest(news) => {}
        }
        // It may have come at the same moment.
        comes.close();
        comes.try_recv().ok()
    }

    /// Takes in a run and begins it, and then executes it. Where it is not to be begun at once, it is in the queue.
    async fn take_in(&self, Submission { run, claim, answer }: Submission, ticket: Ticket) {
        let Some(started) = self.started(&run) else { return };
        let executing = self.running.enter(&run.id, &self.shutdown);
        let inserted = self.store.insert_started((run, &started), told(&started, &self.urls), claim).await;
        let has_begun = matches!(inserted, Ok((Claimed::New, true)));
        if !matches!(inserted, Ok((Claimed::New, _))) {
            self.vault.forget(&started.id);
        }
        // Whoever submitted it may have gone away; that changes nothing.
        let _gone = answer.send(inserted.map(|(claimed, _)| claimed));
        if has_begun {
            log_start(&started);
            let begun = std::future::ready(Ok(true));
            // It is written down already, and cannot fail to be.
            self.attempt(&started, (Prepared::default(), ticket), &executing, begun).await.ok();
        }
    }

    /// Waits for news of the queue or until the server stops, and for a while at most.
    async fn rest(&self, news: impl Future<Output = ()>) {
        tokio::select! {
            () = self.shutdown.stopping() => {}
            () = news => {}
            () = tokio::time::sleep(IDLE) => {}
        }
    }

    /// Executes a run that was taken, unless it does not wait any more.
    async fn execute(&self, waiting: WaitingRun, prepared: Option<Prepared>, ticket: Ticket) {
        let executing = self.running.enter(&waiting.key.run_id, &self.shutdown);
        let Some(start) = self.claim(waiting).await else { return };
        let (given, begun) = ((prepared.unwrap_or_default(), ticket), self.write_start(&start));
        if let Err(error) = self.attempt(&start.started, given, &executing, begun).await {
            self.begin_later(start.waiting, &error);
        }
    }

    /// Makes a run this worker's. `None` when it does not wait any more, or the store failed; it is then
    /// back in the queue.
    async fn begin(&self, waiting: WaitingRun) -> Option<RunRecord> {
        let start = self.claim(waiting).await?;
        match self.write_start(&start).await {
            Ok(is_ours) => is_ours.then_some(start.started),
            Err(error) => {
                self.begin_later(start.waiting, &error);
                None
            }
        }
    }

    /// How a run is once it has started, where it still waits. It is this worker's only when that
    /// [is written](Self::write_start).
    async fn claim(&self, waiting: WaitingRun) -> Option<Start> {
        match self.find(&waiting).await {
            Ok(run) => {
                let run = run?;
                let started = self.started(&run)?;
                Some(Start { run, started, waiting })
            }
            Err(error) => {
                self.begin_later(waiting, &error);
                None
            }
        }
    }

    /// A run as this worker begins it now; `None` when it does not wait.
    fn started(&self, run: &RunRecord) -> Option<RunRecord> {
        run.start(&self.executor.device().name, clock::now(), self.lease.length)
    }

    /// A run that waits, as it was when it came to wait or as it is now. Where it has changed meanwhile, what is written
    /// down of it says so.
    async fn find(&self, waiting: &WaitingRun) -> Result<Option<RunRecord>, StoreError> {
        match &waiting.record {
            Some(record) => Ok(Some(RunRecord::clone(record))),
            None => self.store.get(&waiting.key).await,
        }
    }

    /// Writes down that a run has started, and says whether it is this worker's now.
    async fn write_start(&self, Start { run, started, .. }: &Start) -> Result<bool, StoreError> {
        let is_ours = self.store.change(run, started, told(started, &self.urls)).await?;
        if is_ours {
            log_start(started);
        }
        Ok(is_ours)
    }

    fn begin_later(&self, waiting: WaitingRun, error: &StoreError) {
        tracing::error!(run_id = %waiting.key.run_id, error = with_causes(error), "the run cannot be begun");
        self.queue.push_later(waiting, after(clock::now(), STORE_RETRY));
    }

    /// Writes down a change of a run that this worker has. Where the store fails, it is tried again until
    /// the server stops; the run is then taken up again at its next start. Gives false when the run is
    /// somebody else's by now.
    async fn write_down(&self, before: &RunRecord, after: &RunRecord) -> bool {
        loop {
            match self.store.change(before, after, told(after, &self.urls)).await {
                Ok(true) => {
                    tracing::info!(run_id = %after.id, attempt = after.attempt, status = %after.status, "run changed");
                    return true;
                }
                Ok(false) => {
                    tracing::info!(run_id = %after.id, attempt = before.attempt, "the run was ended or taken meanwhile");
                    return false;
                }
                Err(error) => {
                    let error = with_causes(&error);
                    tracing::error!(run_id = %after.id, error, "a change of the run cannot be written down");
                }
            }
            tokio::select! {
                () = self.shutdown.aborting() => return true,
                () = tokio::time::sleep(STORE_RETRY) => {}
            }
        }
    }

    /// Prolongs the lease of a run for as long as this is polled. When the run is not ours any more, its
    /// execution is told to end.
    async fn keep_lease(&self, run: &RunRecord, token: &CancellationToken) {
        loop {
            tokio::time::sleep(self.lease.heartbeat).await;
            match self.store.renew(&run.id, run.attempt, after(clock::now(), self.lease.length)).await {
                Ok(true) => {}
                Ok(false) => token.cancel(),
                Err(error) => {
                    tracing::warn!(run_id = %run.id, error = with_causes(&error), "the lease cannot be prolonged");
                }
            }
        }
    }
}

fn log_start(started: &RunRecord) {
    tracing::info!(run_id = %started.id, attempt = started.attempt, "run started");
}
