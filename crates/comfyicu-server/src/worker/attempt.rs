//! One attempt at a run: its execution, and what becomes of the run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comfyicu_engine::{ExecutionError, Job, Ticket};
use comfyicu_model::Prompt;
use comfyicu_model::json::Value;
use tokio_util::sync::CancellationToken;

use super::Worker;
use super::running::Executing;
use crate::clock::{self, millis};
use crate::files::Prepared;
use crate::live::RunProgress;
use crate::outputs::AttemptOutputs;
use crate::run::{Costs, Loss, Outcome, RunRecord};
use crate::store::StoreError;
use crate::vault::lost_tokens;

/// How long an execution that took too long may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How an execution went.
enum Ended {
    /// To its end, good or bad.
    With(Outcome, Costs),
    /// It was told to stop: the run was cancelled, or the server stops.
    Stopped,
    /// The executor is gone; another attempt may do better.
    Lost,
}

impl Worker {
    /// Executes a run that has started, and writes down what became of it. That it has started may be written down
    /// meanwhile, which `begun` says: nothing is told of it, and nothing becomes of it, before that is on disk. Gives
    /// the error when it could not be written down, once nothing is left of the attempt: the next one at it may have
    /// the same number, and the same folder.
    pub(super) async fn attempt(
        &self,
        run: &RunRecord,
        given: (Prepared, Ticket),
        executing: &Executing,
        begun: impl Future<Output = Result<bool, StoreError>>,
    ) -> Result<(), StoreError> {
        let progress = self.live.of_run_to_come(run.key());
        let outputs = Arc::new(self.outputs.begin(
            (&run.id, run.attempt),
            self.max_output_bytes,
            Arc::clone(&progress),
        ));
        let execution = {
            let (worker, run, told) =
                (self.clone(), run.clone(), (Arc::clone(&outputs), Arc::clone(&progress)));
            let token = executing.token().clone();
            async move {
                // In one task: a worker that hangs gives no sign of life.
                tokio::select! {
                    ended = worker.execution(&run, given, (&told.0, &told.1), &token) => ended,
                    () = worker.keep_lease(&run, &token) => Ended::Lost,
                }
            }
        };
        // A task of its own, so that a panic ends the run and not the worker.
        let execution = tokio::spawn(execution);
        let begun = begun.await;
        let is_ours = matches!(begun, Ok(true));
        if is_ours {
            progress.begin();
        } else {
            executing.token().cancel();
        }
        let ended = execution.await.unwrap_or_else(|panic| {
            tracing::error!(run_id = %run.id, %panic, "the execution broke off");
            let error =
                ExecutionError::Unavailable("the executor broke off; the server's log says where".to_owned());
            Ended::With(Outcome::of_error(&run.id, &error), costs_so_far(run, &Prepared::default()))
        });
        let kept = is_ours && self.conclude(run, ended).await;
        if !kept {
            outputs.discard().await;
        }
        begun.map(drop)
    }

    /// Writes down what became of a run, and says whether its outputs are kept.
    async fn conclude(&self, run: &RunRecord, ended: Ended) -> bool {
        match ended {
            Ended::With(outcome, costs) => {
                let keep = matches!(outcome, Outcome::Files(_));
                let ended = run.finish(outcome, costs, clock::now());
                self.settle(run, ended).await && keep
            }
            Ended::Lost => self.hand_back(run, Loss::Gone).await,
            Ended::Stopped if self.shutdown.is_aborting() => self.hand_back(run, Loss::Stopped).await,
            Ended::Stopped => false,
        }
    }

    /// Gives a run back to the queue. Nothing of the attempt is kept.
    async fn hand_back(&self, run: &RunRecord, loss: Loss) -> bool {
        self.settle(run, run.lose(loss, clock::now())).await;
        false
    }

    async fn settle(&self, run: &RunRecord, after: Option<RunRecord>) -> bool {
        match after {
            Some(after) => self.write_down(run, &after).await,
            None => false,
        }
    }

    async fn execution(
        &self,
        run: &RunRecord,
        (mut prepared, ticket): (Prepared, Ticket),
        (outputs, progress): (&AttemptOutputs, &RunProgress),
        token: &CancellationToken,
    ) -> Ended {
        let mut costs = costs_so_far(run, &prepared);
        let secrets = self.vault.of(&run.id);
        let lost = lost_tokens(&run.data, &secrets);
        if !lost.is_empty() {
            return Ended::With(Outcome::of_lost_tokens(&run.id, &lost), costs);
        }
        let job = match job(run) {
            Ok(job) => job.inputs(std::mem::take(&mut prepared.inputs)).secrets(secrets).ticket(ticket),
            Err(error) => return Ended::With(Outcome::of_files(&run.id, &error), costs),
        };
        let begun = Instant::now();
        let mut executing = std::pin::pin!(self.executor.execute(job, progress, outputs, token));
        let in_time = tokio::time::timeout(self.max_execution, &mut executing).await;
        costs.warnings = progress.warnings();
        let Ok(result) = in_time else {
            token.cancel();
            // It has what it needs to end; one that does not is left behind.
            let _late = tokio::time::timeout(STOP_PATIENCE, executing).await;
            costs.execution_ms = Some(millis(begun.elapsed()));
            return Ended::With(Outcome::of_timeout(&run.id, self.max_execution), costs);
        };
        costs.execution_ms = Some(millis(begun.elapsed()));
        // Until here its files stay in the cache.
        drop(prepared);
        match result {
            Ok(()) => {
                let saved = outputs.saved();
                costs.output_bytes = Some(saved.bytes);
                Ended::With(Outcome::Files(saved.paths), costs)
            }
            Err(ExecutionError::Cancelled) => Ended::Stopped,
            Err(ExecutionError::Unavailable(reason)) => {
                tracing::warn!(run_id = %run.id, attempt = run.attempt, reason, "the executor is gone");
                Ended::Lost
            }
            Err(error) => Ended::With(Outcome::of_error(&run.id, &error), costs),
        }
    }
}

/// What a run cost before its execution.
pub(super) fn costs_so_far(run: &RunRecord, prepared: &Prepared) -> Costs {
    let waited = run.started_at.map(|started| millis(started.since(run.created_at)));
    Costs {
        queue_ms: waited.map(|waited| waited.saturating_sub(prepared.millis)),
        download_ms: Some(prepared.millis),
        execution_ms: None,
        output_bytes: None,
        files: prepared.costs.clone(),
        warnings: Vec::new(),
    }
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
