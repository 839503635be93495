//! Many prompts: a bounded number at once, and a manifest with which a batch that was killed goes on.

mod item;
mod manifest;
mod sweep;
mod work;

pub use item::{BatchItem, BatchProgress, BatchResult};
pub use sweep::{Sweep, SweepError};

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use sync_wrapper::SyncStream;

use crate::error::Error;
use crate::run::{DEFAULT_MAX_WAIT, SubmitRun};
use crate::workflow::Workflow;
use manifest::Manifest;
use work::Work;

/// How many items are on their way at once unless it is told otherwise.
const AT_ONCE: usize = 4;
/// The most that are.
const MAX_AT_ONCE: usize = 1024;

/// What to do when an item fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnError {
    /// Go on with the others.
    #[default]
    GoOn,
    /// Begin no other; those on their way are not waited for. Their runs go on.
    Stop,
}

/// Sets up each submit.
type SetUp = Arc<dyn Fn(SubmitRun, &BatchItem) -> SubmitRun + Send + Sync>;

/// Hears how far each item is: its index, its name, and what happened.
type Observer = Arc<dyn Fn(usize, &str, BatchProgress<'_>) + Send + Sync>;

/// Many prompts in one workflow: set up here, run as the [`stream`](Self::stream) is read.
///
/// # A batch that goes on
/// With a [`manifest`](Self::manifest), each step of each item is written to a file, a line of JSON a step, on the
/// disk before the next step. A batch that is started again with the same file repeats nothing: items that have
/// ended are told as they ended, runs that are under way are waited for, and a submit of which it is not known
/// whether it was received is sent again with its key where the server knows that, and looked for elsewhere.
///
/// ```no_run
/// use comfyicu_client::{BatchItem, Client};
/// use comfyicu_model::{Prompt, WorkflowId};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let prompt = Prompt::parse(&std::fs::read("prompt.json")?)?;
/// let seeds = BatchItem::variations(&prompt, "3.seed", [1_u64, 2, 3])?;
/// let workflow = Client::from_env()?.workflow(WorkflowId::parse("default")?);
/// let mut results = workflow.batch(seeds).at_once(2).manifest("batch.jsonl").stream().await?;
/// while let Some(result) = results.next().await {
///     println!("{}: {:?}", result.name, result.outcome.map(|run| run.id().clone()));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is sent until the stream is read"]
pub struct Batch {
    workflow: Workflow,
    items: Vec<BatchItem>,
    at_once: usize,
    is_ordered: bool,
    on_error: OnError,
    manifest: Option<PathBuf>,
    max_wait: Duration,
    set_up: SetUp,
    observer: Observer,
}

impl Batch {
    pub(crate) fn new(workflow: Workflow, items: Vec<BatchItem>) -> Self {
        Self {
            workflow,
            items,
            at_once: AT_ONCE,
            is_ordered: false,
            on_error: OnError::default(),
            manifest: None,
            max_wait: DEFAULT_MAX_WAIT,
            set_up: Arc::new(|submit, _| submit),
            observer: Arc::new(|_, _, _| {}),
        }
    }

    /// Sets how many items are on their way at once, from 1 to 1024; the default is 4.
    pub fn at_once(mut self, items: usize) -> Self {
        self.at_once = items.clamp(1, MAX_AT_ONCE);
        self
    }

    /// Tells results in the order of the items; by default, as they come.
    pub const fn in_order(mut self) -> Self {
        self.is_ordered = true;
        self
    }

    /// Sets what to do when an item fails; the default is to go on.
    pub const fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = on_error;
        self
    }

    /// Keeps a manifest in a file, or goes on with the one that is there.
    pub fn manifest(mut self, path: impl Into<PathBuf>) -> Self {
        self.manifest = Some(path.into());
        self
    }

    /// Sets how long each run is waited for; the default is [`DEFAULT_MAX_WAIT`].
    pub const fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Sets up each submit: files, accelerator, webhook. A batch that goes on needs the same for the same item.
    pub fn set_up(
        mut self,
        set_up: impl Fn(SubmitRun, &BatchItem) -> SubmitRun + Send + Sync + 'static,
    ) -> Self {
        self.set_up = Arc::new(set_up);
        self
    }

    /// Calls `observer` as items go on: with the index of the item, its name, and what happened.
    pub fn observe(
        mut self,
        observer: impl Fn(usize, &str, BatchProgress<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Reads the manifest, where there is one, and gives the results as a stream. Items begin as it is read.
    ///
    /// # Errors
    /// - [`Setup`](crate::ErrorKind::Setup): two items have one name, or the manifest is of other items;
    /// - [`ReadFile`](crate::ErrorKind::ReadFile), [`WriteFile`](crate::ErrorKind::WriteFile): the manifest.
    pub async fn stream(self) -> Result<BatchStream, Error> {
        item::check_names(&self.items)?;
        let manifest = match self.manifest {
            Some(path) => Some(Manifest::open(path, &self.items).await?),
            None => None,
        };
        let work = Arc::new(Work {
            workflow: self.workflow,
            manifest,
            max_wait: self.max_wait,
            set_up: self.set_up,
            observer: self.observer,
        });
        let stop = Arc::new(AtomicBool::new(false));
        let (may_begin, stops) = (Arc::clone(&stop), self.on_error == OnError::Stop);
        let items = stream::iter(self.items.into_iter().enumerate());
        let begun = items
            .take_while(move |_| std::future::ready(!may_begin.load(Ordering::Relaxed)))
            .map(move |(index, item)| Arc::clone(&work).item(index, item));
        let results = if self.is_ordered {
            begun.buffered(self.at_once).left_stream()
        } else {
            begun.buffer_unordered(self.at_once).right_stream()
        };
        // After the last result that is told, nothing is.
        let results = results.scan(false, move |is_over, result: BatchResult| {
            let told = (!*is_over).then_some(());
            if stops && result.outcome.is_err() {
                *is_over = true;
                stop.store(true, Ordering::Relaxed);
            }
            std::future::ready(told.map(|()| result))
        });
        Ok(BatchStream(SyncStream::new(Box::pin(results))))
    }

    /// Runs all of it, and gives the results in the order of the items.
    ///
    /// # Errors
    /// As [`stream`](Self::stream); what becomes of an item is in its result.
    pub async fn collect(self) -> Result<Vec<BatchResult>, Error> {
        let mut results: Vec<BatchResult> = self.stream().await?.map(Ok::<_, Error>).try_collect().await?;
        results.sort_by_key(|result| result.index);
        Ok(results)
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Batch");
        debug.field("workflow", self.workflow.id()).field("items", &self.items.len());
        debug.field("at_once", &self.at_once).field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

/// The results of a batch; a [`Stream`] with what most need of one.
///
/// # Cancel safety
/// When it is dropped, what was submitted runs on. With a manifest, another batch goes on.
#[must_use = "nothing is sent until it is read"]
pub struct BatchStream(SyncStream<BoxStream<'static, BatchResult>>);

impl BatchStream {
    /// The next result; `None` after the last.
    ///
    /// # Cancel safety
    /// Safe: no result is lost.
    pub async fn next(&mut self) -> Option<BatchResult> {
        self.0.next().await
    }
}

impl Stream for BatchStream {
    type Item = BatchResult;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchStream(..)")
    }
}

#[cfg(test)]
mod tests;
