//! Workers: each takes the oldest waiting run, executes it and writes down how it ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comfyicu_engine::{ExecutionError, Executor, Job, NoEvents};
use comfyicu_model::json::Value;
use comfyicu_model::{Prompt, RunStatus};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::files::FileProvider;
use crate::outputs::{AttemptOutputs, OutputStore};
use crate::report::with_causes;
use crate::run::{Costs, Outcome, RunRecord, RunView};
use crate::store::{NewDelivery, RunStore, StoreError};
use crate::urls::PublicUrls;

/// How many waiting runs are looked at to find one that no other worker takes.
const CANDIDATES: u32 = 16;
/// How long a worker waits before it looks by itself; it is woken when a run comes in.
const IDLE: Duration = Duration::from_secs(5);
/// How long a worker waits after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// How often a run is begun; beyond it, a process that ends while the run is executed ends the run too.
pub(crate) const MAX_ATTEMPTS: u32 = 20;

/// What workers share.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) files: FileProvider,
    pub(crate) outputs: OutputStore,
    pub(crate) urls: PublicUrls,
    /// Woken when a run comes in.
    pub(crate) submitted: Arc<Notify>,
    /// Wakes the sender of messages.
    pub(crate) told: Arc<Notify>,
    pub(crate) shutdown: CancellationToken,
}

/// How an execution went.
enum Ended {
    /// To its end, good or bad.
    With(Outcome, Costs),
    /// The server is stopping; the run is taken up again at its next start.
    Interrupted,
}

impl Worker {
    /// Executes runs, one after the other, until the server stops.
    pub(crate) async fn work(self) {
        while !self.shutdown.is_cancelled() {
            match self.claim().await {
                Ok(Some(run)) => self.execute(run).await,
                Ok(None) => self.rest(IDLE).await,
                Err(error) => {
                    tracing::error!(error = with_causes(&error), "no run can be taken");
                    self.rest(STORE_RETRY).await;
                }
            }
        }
    }

    async fn rest(&self, most: Duration) {
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            () = self.submitted.notified() => {}
            () = tokio::time::sleep(most) => {}
        }
    }

    /// Puts back what an earlier process left running. Called once, before any worker works.
    ///
    /// A run that was begun too often is not begun again: it may be what ends the process.
    pub(crate) async fn recover(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let left = self.store.oldest(RunStatus::Started, CANDIDATES).await?;
            if left.is_empty() {
                return Ok(count);
            }
            for key in left {
                let Some(run) = self.store.get(&key.workflow_id, &key.run_id).await? else { continue };
                // First, so that a crash in between leaves nothing that nobody knows of.
                self.outputs.begin(&run.id, run.attempt).discard().await;
                let back = if run.attempt < MAX_ATTEMPTS {
                    run.requeue(clock::now())
                } else {
                    run.finish(Outcome::of_crashes(&run.id, run.attempt), run.costs.clone(), clock::now())
                };
                let Some(back) = back else { continue };
                count += usize::from(self.store.change(&run, &back, self.message(&back)).await?);
            }
        }
    }

    /// Takes the oldest waiting run, and makes it this worker's.
    async fn claim(&self) -> Result<Option<RunRecord>, StoreError> {
        for key in self.store.oldest(RunStatus::Queued, CANDIDATES).await? {
            let run = match self.store.get(&key.workflow_id, &key.run_id).await {
                Ok(Some(run)) => run,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(run_id = %key.run_id, error = with_causes(&error), "the run cannot be read");
                    continue;
                }
            };
            let Some(started) = run.start(&self.executor.device().name, clock::now()) else { continue };
            if self.store.change(&run, &started, self.message(&started)).await? {
                self.told.notify_one();
                // Two runs that came in while nobody waited left one wake-up: it is passed on.
                self.submitted.notify_one();
                return Ok(Some(started));
            }
        }
        Ok(None)
    }

    async fn execute(&self, run: RunRecord) {
        let outputs = Arc::new(self.outputs.begin(&run.id, run.attempt));
        tracing::info!(run_id = %run.id, attempt = run.attempt, "run started");
        let attempt = {
            let (worker, run, outputs) = (self.clone(), run.clone(), Arc::clone(&outputs));
            async move { worker.attempt(&run, &outputs).await }
        };
        // A task of its own, so that a panic ends the run and not the worker.
        let ended = tokio::spawn(attempt).await.unwrap_or_else(|panic| {
            tracing::error!(run_id = %run.id, %panic, "the execution broke off");
            let error =
                ExecutionError::Unavailable("the executor broke off; the server's log says where".to_owned());
            Ended::With(Outcome::of_error(&run.id, &error), queued_costs(&run))
        });
        let Ended::With(outcome, costs) = ended else {
            outputs.discard().await;
            return;
        };
        if matches!(outcome, Outcome::Failure(_)) {
            outputs.discard().await;
        }
        self.finish(&run, outcome, costs).await;
    }

    async fn attempt(&self, run: &RunRecord, outputs: &AttemptOutputs) -> Ended {
        let mut costs = queued_costs(run);
        let prepared = tokio::select! {
            () = self.shutdown.cancelled() => return Ended::Interrupted,
            prepared = self.files.prepare(run) => prepared,
        };
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Ended::With(Outcome::of_files(&run.id, &error), costs),
        };
        costs.download_ms = Some(prepared.millis);
        costs.files = prepared.costs;
        let job = match job(run) {
            Ok(job) => job.inputs(prepared.inputs),
            Err(error) => return Ended::With(Outcome::of_files(&run.id, &error), costs),
        };
        let begun = Instant::now();
        let result = self.executor.execute(job, &NoEvents, outputs, &self.shutdown).await;
        costs.execution_ms = Some(millis(begun.elapsed()));
        match result {
            Ok(()) => Ended::With(Outcome::Files(outputs.saved()), costs),
            Err(ExecutionError::Cancelled) => Ended::Interrupted,
            Err(error) => Ended::With(Outcome::of_error(&run.id, &error), costs),
        }
    }

    /// Writes down the end of a run, unless somebody else did. Where the store fails, it is tried again
    /// until the server stops; the run is then taken up again at its next start.
    async fn finish(&self, run: &RunRecord, outcome: Outcome, costs: Costs) {
        let Some(ended) = run.finish(outcome, costs, clock::now()) else { return };
        loop {
            match self.store.change(run, &ended, self.message(&ended)).await {
                Ok(true) => {
                    tracing::info!(run_id = %run.id, status = %ended.status, "run ended");
                    return self.told.notify_one();
                }
                Ok(false) => {
                    tracing::warn!(run_id = %run.id, attempt = run.attempt, "the run is another worker's by now");
                    return self.outputs.begin(&run.id, run.attempt).discard().await;
                }
                Err(error) => {
                    let error = with_causes(&error);
                    tracing::error!(run_id = %run.id, error, "the end of the run cannot be written down");
                }
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(STORE_RETRY) => {}
            }
        }
    }

    /// What the run's webhook is told of this change.
    fn message(&self, run: &RunRecord) -> Option<NewDelivery> {
        let url = run.webhook.clone().filter(|url| !url.is_empty() && run.is_told())?;
        Some(NewDelivery { url, body: Value::from(RunView(run).to_object(&self.urls)).to_json() })
    }
}

fn queued_costs(run: &RunRecord) -> Costs {
    let waited = run.started_at.map(|started| millis(started.since(run.created_at)));
    Costs { queue_ms: waited, ..Costs::default() }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn job(run: &RunRecord) -> Result<Job, comfyicu_model::ParsePromptError> {
    let prompt = Prompt::from_value(run.data.get("prompt").cloned().unwrap_or_default())?;
    let extra_pnginfo = run
        .data
        .get("extra_data")
        .and_then(Value::as_object)
        .and_then(|extra| extra.get("extra_pnginfo").and_then(Value::as_object).cloned());
    Ok(Job::new(run.id.clone(), prompt).extra_pnginfo(extra_pnginfo.unwrap_or_default()))
}
