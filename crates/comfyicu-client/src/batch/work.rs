//! One item of a batch, from wherever it is to its end.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use comfyicu_model::{Run, RunId, RunStatus, Timestamp};
use tokio::time::sleep;

use super::manifest::{Manifest, Step};
use super::{BatchItem, BatchProgress, BatchResult, Observer, SetUp};
use crate::capabilities::Extension;
use crate::error::Error;
use crate::run::{DEFAULT_SEARCH_TIME, FailedRun, RunHandle, SubmitKey, WaitError};
use crate::workflow::Workflow;

/// How often a run is looked for that was being submitted when the batch was killed.
const PAUSE: Duration = Duration::from_secs(5);

/// What the items of a batch share.
pub(super) struct Work {
    pub(super) workflow: Workflow,
    pub(super) manifest: Option<Manifest>,
    pub(super) max_wait: Duration,
    pub(super) set_up: SetUp,
    pub(super) observer: Observer,
}

impl Work {
    /// Brings an item to its end.
    pub(super) async fn item(self: Arc<Self>, index: usize, item: BatchItem) -> BatchResult {
        let mut run_id = None;
        let outcome = self.outcome(index, &item, &mut run_id).await;
        BatchResult { index, name: item.name, run_id, outcome }
    }

    async fn outcome(
        &self,
        index: usize,
        item: &BatchItem,
        run_id: &mut Option<RunId>,
    ) -> Result<Run, WaitError> {
        let tell = |progress: BatchProgress<'_>| (self.observer)(index, &item.name, progress);
        let known = self.manifest.as_ref().and_then(|manifest| manifest.step(&item.name));
        if !matches!(known, Some(Step::Ended { .. } | Step::Submitted { .. })) {
            tell(BatchProgress::Submitting);
        }
        let handle = match known {
            Some(Step::Ended { run }) => {
                *run_id = Some(run.clone());
                return ended(self.handle(run).get().await?);
            }
            Some(Step::Submitted { run }) => self.handle(run),
            Some(Step::Submitting { key, at }) => match self.find(key, *at).await? {
                Some(handle) => self.submitted(item, handle).await?,
                None => self.submit(item, key.clone()).await?,
            },
            Some(Step::Refused) | None => self.submit(item, SubmitKey::random()?).await?,
        };
        *run_id = Some(handle.id().clone());
        tell(BatchProgress::Waiting(handle.id()));
        let waited = self.wait(index, item, &handle).await;
        if matches!(waited, Ok(_) | Err(WaitError::Failed(_))) {
            self.note(item, &Step::Ended { run: handle.id().clone() }).await?;
        }
        waited
    }

    async fn wait(&self, index: usize, item: &BatchItem, handle: &RunHandle) -> Result<Run, WaitError> {
        let (looks, events) = (Arc::clone(&self.observer), Arc::clone(&self.observer));
        let (name, also_name) = (item.name.clone(), item.name.clone());
        let wait = handle.wait().max_wait(self.max_wait).observe(move |look| {
            if let Ok(run) = look {
                looks(index, &name, BatchProgress::Looked(run));
            }
        });
        wait.observe_events(move |event| events(index, &also_name, BatchProgress::Event(event))).await
    }

    fn handle(&self, run: &RunId) -> RunHandle {
        self.workflow.client().run(self.workflow.id().clone(), run.clone())
    }

    async fn submit(&self, item: &BatchItem, key: SubmitKey) -> Result<RunHandle, Error> {
        self.note(item, &Step::Submitting { key: key.clone(), at: now() }).await?;
        let submit = (self.set_up)(self.workflow.run(item.prompt.clone()), item).key(key);
        match submit.await {
            Ok(handle) => self.submitted(item, handle).await,
            Err(error) => {
                if !error.may_have_been_applied() {
                    self.note(item, &Step::Refused).await?;
                }
                Err(error)
            }
        }
    }

    async fn submitted(&self, item: &BatchItem, handle: RunHandle) -> Result<RunHandle, Error> {
        self.note(item, &Step::Submitted { run: handle.id().clone() }).await.map(|()| handle)
    }

    /// The run of a submit that was begun before, if there is one. A server with keys need not be searched: it is
    /// sent the same again.
    async fn find(&self, key: &SubmitKey, at: Timestamp) -> Result<Option<RunHandle>, Error> {
        if self.workflow.client().capabilities().await?.has(Extension::IdempotencyKey) {
            return Ok(None);
        }
        loop {
            if let Some(handle) = self.workflow.find_submitted(key).await? {
                return Ok(Some(handle));
            }
            if now().since(at) >= DEFAULT_SEARCH_TIME {
                return Ok(None);
            }
            sleep(PAUSE).await;
        }
    }

    async fn note(&self, item: &BatchItem, step: &Step) -> Result<(), Error> {
        match &self.manifest {
            Some(manifest) => manifest.write(&item.name, step).await,
            None => Ok(()),
        }
    }
}

fn ended(run: Run) -> Result<Run, WaitError> {
    match run.status() {
        Some(RunStatus::Completed) => Ok(run),
        _ => Err(WaitError::Failed(Box::new(FailedRun::new(run)))),
    }
}

/// The moment, for the manifest alone: how long ago a submit was begun is not known otherwise.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
