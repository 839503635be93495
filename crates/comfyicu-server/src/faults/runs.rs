//! Faults of runs: an executor around each executor.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use comfyicu_engine::{
    Device, Event, EventSink, ExecutionError, Executor, Job, NodeFailure, OutputSink, Ticket,
};
use comfyicu_model::{Finding, NodeId, ObjectInfo, RunRequest};
use tokio_util::sync::CancellationToken;

use super::Faults;
use super::plan::RunAct;

/// Executes what no fault strikes.
#[derive(Debug)]
pub(super) struct FaultyExecutor {
    inner: Arc<dyn Executor>,
    faults: Faults,
}

impl FaultyExecutor {
    pub(super) const fn new(inner: Arc<dyn Executor>, faults: Faults) -> Self {
        Self { inner, faults }
    }

    /// Lets the faults of a run happen, in the order of the file.
    async fn strike(
        &self,
        job: &Job,
        events: &dyn EventSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecutionError> {
        for fault in &self.faults.0.runs {
            let Some((node_id, class_type)) = fault.what.node.find(&job.prompt) else { continue };
            if !fault.count.strikes() {
                continue;
            }
            tracing::info!(fault = fault.place, run_id = %job.run_id, act = ?fault.what.act, "a fault on purpose");
            match &fault.what.act {
                RunAct::Delay(time) => rest(*time, cancel).await?,
                RunAct::Hang => {
                    cancel.cancelled().await;
                    return Err(ExecutionError::Cancelled);
                }
                RunAct::Fail { exception_type, message } => {
                    let node_id = NodeId::from(node_id.as_str());
                    events.emit(Event::NodeStarted {
                        node_id: node_id.clone(),
                        class_type: class_type.clone(),
                        done: 0,
                        total: job.prompt.nodes().count(),
                    });
                    let failure =
                        NodeFailure::new(node_id, class_type, exception_type.clone(), message.clone());
                    return Err(ExecutionError::Node(Box::new(failure)));
                }
            }
        }
        Ok(())
    }
}

async fn rest(time: Duration, cancel: &CancellationToken) -> Result<(), ExecutionError> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        () = cancel.cancelled() => Err(ExecutionError::Cancelled),
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Executor for FaultyExecutor {
    fn device(&self) -> &Device {
        self.inner.device()
    }

    fn parallel_runs(&self) -> NonZeroUsize {
        self.inner.parallel_runs()
    }

    async fn ready(&self) -> Ticket {
        self.inner.ready().await
    }

    async fn object_info(&self) -> Result<Arc<ObjectInfo>, ExecutionError> {
        self.inner.object_info().await
    }

    async fn check(&self, request: &RunRequest) -> Result<Vec<Finding>, ExecutionError> {
        self.inner.check(request).await
    }

    async fn execute(
        &self,
        job: Job,
        events: &dyn EventSink,
        outputs: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecutionError> {
        self.strike(&job, events, cancel).await?;
        self.inner.execute(job, events, outputs, cancel).await
    }
}
