//! Runs prompts in Rust, node by node, with ComfyUI's own results.
//!
//! A prompt is checked as a whole before anything runs. Then its nodes run one after the other, only those
//! that a good output node needs, each once, on a thread where blocking is allowed; between nodes, files are
//! saved and events sent. An image is dropped when nobody needs it any more; small results are kept for later
//! runs, which leave out what would give the same.
//!
//! A node is its definition and its code, side by side in `nodes/`, with one line in `registry.rs`.

mod buffer;
mod cache;
mod call;
mod codec;
mod context;
mod convolve;
mod definition;
mod execution;
mod forecast;
mod image;
mod limit;
mod memory;
mod nodes;
mod number;
mod order;
mod pages;
mod palette;
mod plan;
mod pool;
mod prefix;
mod python;
mod random;
mod registry;
mod resize;
mod run;
mod signature;
mod steps;
mod sum;
mod thumbnail;
mod value;
mod work;

#[cfg(test)]
mod tests;

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use comfyicu_model::{Accelerator, Finding, ObjectInfo, Readiness, RunRequest};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio_util::sync::CancellationToken;

pub use thumbnail::{ThumbnailError, thumbnail};

use crate::{Device, EventSink, ExecutionError, Executor, Job, OutputSink};
use cache::Cache;
use execution::Execution;
use memory::{Admissions, Kept, Ledger, Memory};
use pool::Pool;

/// How much memory the images and masks of a [`NativeExecutor`] may take, in bytes.
///
/// A node that needs more fails before it allocates anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryLimits {
    /// What one run may hold at once: by default 4 GiB, twice the largest image.
    pub run_bytes: usize,
    /// What all runs together may hold at once: by default 8 GiB. A run waits until what it is known to need is
    /// left. For some seconds, up to a quarter of it is kept for the next images when theirs are gone, until an image
    /// of another size needs it.
    pub total_bytes: usize,
    /// What may be kept for later runs, as a part of the total: by default 256 MiB; 0 keeps nothing. It makes room for
    /// the images of runs where all together would be more than twice as much, and more than 512 MiB.
    pub cache_bytes: usize,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            run_bytes: limit::RUN_BYTES,
            total_bytes: limit::EXECUTOR_BYTES,
            cache_bytes: limit::CACHE_BYTES,
        }
    }
}

/// The memory of images that are gone is kept for the next ones, up to this part of what may be held.
const POOLED_PART: usize = 4;

/// Executes prompts in Rust, on the CPU. See the [crate] for an example.
///
/// Clones share what they keep for later runs.
#[derive(Clone, Debug)]
pub struct NativeExecutor {
    device: Device,
    object_info: Arc<ObjectInfo>,
    limits: MemoryLimits,
    total: Arc<Ledger>,
    admissions: Arc<Admissions>,
    cache: Arc<Cache>,
    pool: Arc<Pool>,
    /// The threads that nodes work on; without them, those that the whole process shares.
    threads: Option<Arc<ThreadPool>>,
}

impl NativeExecutor {
    /// Makes an executor with the default limits.
    pub fn new() -> Self {
        Self::with_limits(MemoryLimits::default())
    }

    /// Makes an executor that holds so much memory at most.
    pub fn with_limits(limits: MemoryLimits) -> Self {
        let total = Ledger::of_executor(limits.total_bytes);
        let pool = Pool::new(limits.total_bytes / POOLED_PART, pool::IDLE, Arc::clone(&total));
        Self {
            device: Device::new("CPU", Accelerator::Cpu),
            object_info: registry::object_info(),
            limits,
            total,
            admissions: Arc::new(Admissions::new(limits.total_bytes)),
            cache: Arc::new(Cache::new(limits.cache_bytes)),
            pool: Arc::new(pool),
            threads: None,
        }
    }

    /// Lets nodes work on so many threads of their own, and not on one for each processor, which the whole
    /// process shares. Results are the same on any number; 0 means one for each processor.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn threads(mut self, count: usize) -> io::Result<Self> {
        let threads = ThreadPoolBuilder::new().num_threads(count).build().map_err(io::Error::other)?;
        self.threads = Some(Arc::new(threads));
        Ok(self)
    }

    /// Forgets what was kept for later runs.
    pub fn clear_cache(&self) {
        self.cache.clear();
        self.pool.clear();
    }

    /// What one more run may hold.
    fn memory(&self) -> Memory {
        let kept = Kept { cache: Arc::clone(&self.cache), pool: Arc::clone(&self.pool) };
        Memory::new(self.limits.run_bytes, Arc::clone(&self.total), kept)
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

    async fn check(&self, request: &RunRequest) -> Result<Vec<Finding>, ExecutionError> {
        Ok(advised(request.readiness(&self.object_info)))
    }

    async fn execute(
        &self,
        job: Job,
        events: &dyn EventSink,
        outputs: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecutionError> {
        let files: Vec<_> = job.inputs.iter().map(|(destination, _)| destination).collect();
        let readiness = job.prompt.readiness(&self.object_info, &files);
        if !readiness.is_ready() {
            return Err(ExecutionError::Refused(advised(readiness)));
        }
        let steps = steps::steps(&job.prompt, readiness.outputs()).map_err(ExecutionError::Refused)?;
        let mut execution = Execution::prepare(job, steps, self, cancel).await?;
        execution.run(events, outputs).await
    }
}

/// What was found, with what this executor knows to do about a class that it does not have.
fn advised(readiness: Readiness) -> Vec<Finding> {
    let mut findings = readiness.into_findings();
    let unknown =
        |finding: &&mut Finding| finding.code == "missing_node_type" && finding.class_type.is_some();
    for finding in findings.iter_mut().filter(unknown) {
        let elsewhere = "other classes need a real ComfyUI: `comfyicu-server serve --comfyui URL`, where your version has it";
        let meant = finding.suggestion.take().filter(|suggestion| suggestion.ends_with("meant?"));
        finding.suggestion =
            Some(meant.map_or_else(|| elsewhere.to_owned(), |meant| format!("{meant} {elsewhere}")));
    }
    findings
}
