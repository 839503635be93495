//! An executor, and how long its nodes take.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use comfyicu_engine::{Device, Event, EventSink, ExecutionError, Executor, Job, OutputSink, Ticket};
use comfyicu_model::{Finding, ObjectInfo, RunRequest};
use tokio_util::sync::CancellationToken;

use super::Metrics;

/// An executor whose nodes are timed: each from its start to that of the next one, or to the end.
#[derive(Debug)]
pub(crate) struct MeasuredExecutor {
    executor: Arc<dyn Executor>,
    metrics: Metrics,
}

impl MeasuredExecutor {
    pub(crate) const fn new(executor: Arc<dyn Executor>, metrics: Metrics) -> Self {
        Self { executor, metrics }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Executor for MeasuredExecutor {
    fn device(&self) -> &Device {
        self.executor.device()
    }

    fn parallel_runs(&self) -> NonZeroUsize {
        self.executor.parallel_runs()
    }

    async fn ready(&self) -> Ticket {
        self.executor.ready().await
    }

    async fn object_info(&self) -> Result<Arc<ObjectInfo>, ExecutionError> {
        self.executor.object_info().await
    }

    async fn check(&self, request: &RunRequest) -> Result<Vec<Finding>, ExecutionError> {
        self.executor.check(request).await
    }

    async fn execute(
        &self,
        job: Job,
        events: &dyn EventSink,
        outputs: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecutionError> {
        let accelerator = self.device().accelerator.to_string();
        let timed = Timed { events, metrics: &self.metrics, accelerator, node: Mutex::default() };
        let ended = self.executor.execute(job, &timed, outputs, cancel).await;
        timed.next_node(None);
        ended
    }
}

/// Times the nodes that are told of.
#[derive(Debug)]
struct Timed<'a> {
    events: &'a dyn EventSink,
    metrics: &'a Metrics,
    accelerator: String,
    node: Mutex<Option<(String, Instant)>>,
}

impl Timed<'_> {
    fn next_node(&self, class_type: Option<&str>) {
        let next = class_type.map(|class_type| (class_type.to_owned(), Instant::now()));
        let ended = std::mem::replace(&mut *self.node.lock().unwrap_or_else(PoisonError::into_inner), next);
        if let Some((class_type, begun)) = ended {
            self.metrics.node_ended(&class_type, &self.accelerator, begun.elapsed());
        }
    }
}

impl EventSink for Timed<'_> {
    fn emit(&self, event: Event) {
        if let Event::NodeStarted { class_type, .. } = &event {
            self.next_node(Some(class_type));
        }
        self.events.emit(event);
    }
}
