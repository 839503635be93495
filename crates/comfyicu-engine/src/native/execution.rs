//! One run: its nodes one after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use comfyicu_model::NodeId;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::NativeExecutor;
use super::call::{Call, Failure, File, Yield};
use super::context::Context;
use super::definition::Effort;
use super::forecast;
use super::memory::Admission;
use super::plan::{Known, Plan};
use super::run::Results;
use super::signature::{Signature, signatures};
use super::steps::Step;
use super::value::Value;
use super::work::{Progress, Work};
use crate::{Event, EventSink, ExecutionError, Job, NodeFailure, Output, OutputSink};

/// Larger results of little effort are not kept for later runs: the next image is better off with their memory.
const LITTLE_BYTES: usize = 1 << 20;

/// A run that is ready to go.
#[derive(Debug)]
pub(super) struct Execution<'a> {
    plan: Plan,
    context: Arc<Context>,
    results: Results,
    signatures: HashMap<NodeId, Signature>,
    executor: &'a NativeExecutor,
    cancel: &'a CancellationToken,
    progress: watch::Receiver<Progress>,
    _admission: Option<Admission>,
}

impl<'a> Execution<'a> {
    /// Finds out what has to run, which reads through the input files and may take a while.
    pub(super) async fn prepare(
        job: Job,
        steps: Vec<Step>,
        executor: &'a NativeExecutor,
        cancel: &'a CancellationToken,
    ) -> Result<Self, ExecutionError> {
        let (sender, progress) = watch::channel(Progress::default());
        let work = Work::new(cancel.clone(), sender, executor.memory());
        let needed = forecast::check(&steps, work.memory());
        let needed = needed.map_err(|(step, failure)| failed(step, failure))?;
        let admission = tokio::select! {
            admission = executor.admissions.admit(needed) => admission,
            () = cancel.cancelled() => return Err(ExecutionError::Cancelled),
        };
        let signatures = signatures(&steps, &job.inputs);
        let gathering = spawn_blocking(move || (Arc::new(Context::new(job, &steps, work)), steps));
        let (context, steps) =
            gathering.await.map_err(|error| ExecutionError::Unavailable(error.to_string()))?;
        let known = Known { signatures: &signatures, cache: &executor.cache };
        let plan = Plan::new(steps, known);
        let mut results = Results::default();
        results.expect(plan.possible_links());
        Ok(Self { plan, context, results, signatures, executor, cancel, progress, _admission: admission })
    }

    /// Runs all nodes.
    pub(super) async fn run(
        &mut self,
        events: &dyn EventSink,
        outputs: &dyn OutputSink,
    ) -> Result<(), ExecutionError> {
        self.keep_cached(events);
        let mut done = 0;
        while let Some(step) = self.plan.next() {
            if self.cancel.is_cancelled() {
                return Err(ExecutionError::Cancelled);
            }
            if !step.lazy.is_empty() {
                self.choose(step, events);
                continue;
            }
            let class_type = step.definition.class_type.to_owned();
            let node_id = step.node_id.clone();
            let total = done + 1 + self.plan.len();
            events.emit(Event::NodeStarted { node_id, class_type, done, total });
            self.step(&step, events, outputs).await?;
            done += 1;
        }
        if self.cancel.is_cancelled() { Err(ExecutionError::Cancelled) } else { Ok(()) }
    }

    fn keep_cached(&mut self, events: &dyn EventSink) {
        for (node_id, results) in self.plan.take_cached() {
            events.emit(Event::NodeCached { node_id: node_id.clone() });
            self.results.keep(&node_id, results);
        }
    }

    /// Looks which way a switch stands, and lets the plan make only that.
    fn choose(&mut self, step: Step, events: &dyn EventSink) {
        let switch = step.definition.switch;
        let by = switch.and_then(|switch| step.sources.iter().find(|(name, _)| *name == switch.input));
        let values = by.map(|(_, source)| self.results.booleans(source)).unwrap_or_default();
        let chosen: Vec<&str> = switch
            .map(|switch| {
                values.iter().map(|on| if *on { switch.on_true } else { switch.on_false }).collect()
            })
            .unwrap_or_default();
        let known = Known { signatures: &self.signatures, cache: &self.executor.cache };
        self.plan.choose(step, &chosen, known);
        self.results.expect(self.plan.possible_links());
        self.keep_cached(events);
    }

    /// Runs one node: once, or for each value of a list.
    async fn step(
        &mut self,
        step: &Step,
        events: &dyn EventSink,
        outputs: &dyn OutputSink,
    ) -> Result<(), ExecutionError> {
        let mut values = vec![Vec::new(); step.definition.outputs.len()];
        let mut texts = Vec::new();
        for call in self.results.calls(step, &self.context) {
            let Yield { values: given, files, texts: shown } = self.call(step, call, events).await?;
            for File { kind, path, content_type, content } in files {
                let output = Output::new(step.node_id.clone(), kind, path, content_type, content);
                outputs.save(output).await?;
            }
            values.iter_mut().zip(given).for_each(|(all, given)| all.extend(given));
            texts.extend(shown);
        }
        if !texts.is_empty() {
            events.emit(Event::NodeTexts { node_id: step.node_id.clone(), texts });
        }
        // What nobody can ask for again is not kept, nor what takes no time to make.
        let signature = self.signatures.get(&step.node_id).filter(|_| !values.is_empty());
        let bytes = values.iter().flatten().map(Value::bytes).sum();
        let is_worth_it = step.definition.effort != Effort::Little || bytes <= LITTLE_BYTES;
        if let Some(signature) = signature.filter(|_| is_worth_it) {
            self.executor.cache.put(*signature, &values, bytes);
        }
        self.results.keep(&step.node_id, values);
        Ok(())
    }

    /// Calls a node's code, tells how far it is, and does not wait for it when the run is cancelled: the code
    /// breaks off by itself at its next row.
    async fn call(
        &mut self,
        step: &Step,
        call: Call,
        events: &dyn EventSink,
    ) -> Result<Yield, ExecutionError> {
        let run = step.definition.run;
        let started = Instant::now();
        let threads = self.executor.threads.clone();
        let mut running = spawn_blocking(move || match threads {
            Some(threads) => threads.install(|| run(call)),
            None => run(call),
        });
        self.progress.mark_unchanged();
        let given = loop {
            tokio::select! {
                given = &mut running => break given,
                () = self.cancel.cancelled() => return Err(ExecutionError::Cancelled),
                Ok(()) = self.progress.changed() => {
                    let Progress { done, total } = *self.progress.borrow_and_update();
                    let [value, max] = [done, total].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
                    events.emit(Event::Progress { node_id: step.node_id.clone(), value, max });
                }
            }
        };
        if self.cancel.is_cancelled() {
            return Err(ExecutionError::Cancelled);
        }
        // A bug in a node is that node's failure, and not the end of the process.
        let given = given.unwrap_or_else(|error| {
            Err(Failure::new("RuntimeError", format!("the node's code broke off: {error}")))
        });
        tracing::debug!(
            node_id = %step.node_id,
            class_type = step.definition.class_type,
            elapsed_ms = started.elapsed().as_millis(),
            "node ended"
        );
        given.map_err(|failure| failed(step, failure))
    }
}

fn failed(step: &Step, Failure { exception_type, message }: Failure) -> ExecutionError {
    let class_type = step.definition.class_type;
    ExecutionError::Node(Box::new(NodeFailure::new(
        step.node_id.clone(),
        class_type,
        exception_type,
        message,
    )))
}
