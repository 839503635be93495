//! What every executor is.

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use comfyicu_model::{Accelerator, Finding, ObjectInfo, RunRequest};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::{EventSink, ExecutionError, Job, OutputSink};

/// What an executor runs on, as it stands on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// What it is, such as `NVIDIA L4` or `CPU`.
    pub name: String,
    /// The accelerator that a run asks for to be executed here.
    pub accelerator: Accelerator,
}

impl Device {
    /// Names a device.
    pub fn new(name: impl Into<String>, accelerator: Accelerator) -> Self {
        Self { name: name.into(), accelerator }
    }
}

/// The right to begin one run. It is given back when the last clone is dropped: an executor that is done with a prompt
/// drops it before it saves the outputs, so that the next run begins meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Ticket(#[expect(dead_code, reason = "held, not read")] Option<Arc<OwnedSemaphorePermit>>);

impl Ticket {
    /// One of so many.
    pub(crate) fn of(permit: OwnedSemaphorePermit) -> Self {
        Self(Some(Arc::new(permit)))
    }
}

/// Executes prompts, one [`execute`](Self::execute) call a run; several may go on at once.
#[async_trait]
pub trait Executor: Debug + Send + Sync {
    /// What it runs on.
    fn device(&self) -> &Device;

    /// How many runs it has in hand at once to good effect, those included that only save what they made; more
    /// would wait for each other. One, unless it says otherwise.
    fn parallel_runs(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    /// Waits until it can take a run, and gives the right to begin one, which goes with the [`Job`]. At once, unless
    /// it depends on something that can be gone or busy.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    async fn ready(&self) -> Ticket {
        Ticket::default()
    }

    /// The node definitions, in ComfyUI's form.
    ///
    /// # Errors
    /// When the executor cannot be asked just now ([`ExecutionError::Unavailable`]).
    async fn object_info(&self) -> Result<Arc<ObjectInfo>, ExecutionError>;

    /// Finds all that is wrong with a request, before anything runs. Its errors are what it would be refused
    /// for; without any, it is accepted.
    ///
    /// By the node definitions and the files of the request, unless an executor knows more.
    ///
    /// # Errors
    /// When the executor cannot be asked just now ([`ExecutionError::Unavailable`]).
    async fn check(&self, request: &RunRequest) -> Result<Vec<Finding>, ExecutionError> {
        Ok(request.readiness(&*self.object_info().await?).into_findings())
    }

    /// Runs a prompt to its end. Each output has been saved when this returns.
    ///
    /// # Errors
    /// When a node fails, a save fails, the run is cancelled, or the executor goes away; see
    /// [`ExecutionError`] for what to do about each.
    ///
    /// # Cancel safety
    /// Ask through `cancel`; the call then returns [`ExecutionError::Cancelled`] at once. Dropping
    /// the future leaves outputs that were saved so far with the sink.
    async fn execute(
        &self,
        job: Job,
        events: &dyn EventSink,
        outputs: &dyn OutputSink,
        cancel: &CancellationToken,
    ) -> Result<(), ExecutionError>;
}
