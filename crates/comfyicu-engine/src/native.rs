//! Runs prompts in Rust, node by node, with ComfyUI's own results.
//!
//! A prompt is checked as a whole before anything runs. Then its nodes run one after the other, only those
//! that an output node needs, each once, on a thread where blocking is allowed; between nodes, files are
//! saved, events sent and cancellation is looked at. An image is dropped when nobody needs it any more.
//!
//! A node is its definition and its code, side by side in `nodes/`, with one line in `registry.rs`.

mod call;
mod check;
mod codec;
mod context;
mod convolve;
mod definition;
mod image;
mod limit;
mod nodes;
mod number;
mod order;
mod palette;
mod prefix;
mod python;
mod registry;
mod resize;
mod run;
mod sum;
mod value;
mod work;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use comfyicu_model::{Accelerator, Finding, ObjectInfo, Prompt};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::{Device, Event, EventSink, ExecutionError, Executor, Job, NodeFailure, Output, OutputSink};
use call::{Call, Failure, File, Yield};
use check::Step;
use context::Context;
use run::Results;
use work::Work;

/// Executes prompts in Rust, on the CPU. See the [crate] for an example.
#[derive(Clone, Debug)]
pub struct NativeExecutor {
    device: Device,
    object_info: Arc<ObjectInfo>,
}

impl NativeExecutor {
    /// Makes an executor; it holds nothing but its node definitions.
    pub fn new() -> Self {
        let object_info = registry::object_info();
        Self { device: Device::new("CPU", Accelerator::Cpu), object_info }
    }
}

impl Default for NativeExecutor {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Executor for NativeExecutor {
    fn device(&self) -> &Device {
        &self.device
    }

    /// As many as the machine has processors.
    fn parallel_runs(&self) -> NonZeroUsize {
        std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    }

    async fn object_info(&self) -> Result<Arc<ObjectInfo>, ExecutionError> {
        Ok(Arc::clone(&self.object_info))
    }

    async fn check(&self, prompt: &Prompt) -> Result<Vec<Finding>, ExecutionError> {
        Ok(check::check(prompt).err().unwrap_or_default())
    }

    async fn execute(
        &self,
        job: Job,
        events: &dyn EventSink,
        outputs: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecutionError> {
        let steps = check::check(&job.prompt).map_err(ExecutionError::Refused)?;
        let mut results = Results::new(&steps);
        let (context, steps) = gather(job, steps, cancel.clone()).await?;
        let total = steps.len();
        for (done, step) in steps.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(ExecutionError::Cancelled);
            }
            let class_type = step.definition.class_type.to_owned();
            events.emit(Event::NodeStarted { node_id: step.node_id.clone(), class_type, done, total });
            for call in results.calls(step, &context) {
                let given = match run_node(step, call).await {
                    Err(_) if cancel.is_cancelled() => return Err(ExecutionError::Cancelled),
                    given => given?,
                };
                for File { kind, path, content_type, content } in given.files {
                    outputs
                        .save(Output::new(step.node_id.clone(), kind, path, content_type, content))
                        .await?;
                }
                results.keep(&step.node_id, given.values).map_err(|failure| failed(step, failure))?;
            }
        }
        if cancel.is_cancelled() { Err(ExecutionError::Cancelled) } else { Ok(()) }
    }
}

/// Reads and hashes the input files, which may take a while, before the first node.
async fn gather(
    job: Job,
    steps: Vec<Step>,
    cancel: CancellationToken,
) -> Result<(Arc<Context>, Vec<Step>), ExecutionError> {
    let work = Work::new(cancel);
    let gathering = spawn_blocking(move || (Arc::new(Context::new(job, &steps, work)), steps));
    gathering.await.map_err(|error| ExecutionError::Unavailable(error.to_string()))
}

async fn run_node(step: &Step, call: Call) -> Result<Yield, ExecutionError> {
    let run = step.definition.run;
    let started = std::time::Instant::now();
    let given = match spawn_blocking(move || run(call)).await {
        Ok(given) => given,
        // A bug in a node is that node's failure, and not the end of the process.
        Err(error) => Err(Failure::new("RuntimeError", format!("the node's code broke off: {error}"))),
    };
    tracing::debug!(
        node_id = %step.node_id,
        class_type = step.definition.class_type,
        elapsed_ms = started.elapsed().as_millis(),
        "node ended"
    );
    given.map_err(|failure| failed(step, failure))
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
