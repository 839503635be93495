//! Where runs, messages and keys are kept: one trait, made so that another database can follow.

mod retention;
mod sqlite;
#[cfg(test)]
mod tests;

pub(crate) use retention::{Cuts, EndedRun, Limits, Place, Reason, Removable, RetentionStore};
pub(crate) use sqlite::SqliteStore;

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use comfyicu_model::{DestPath, RunId, RunStatus, Timestamp, WorkflowId};
use url::Url;

use crate::hash::Sha256Hex;
use crate::keys::{KeyDigest, KeyRecord};
use crate::owner::{Owner, WorkflowKey};
use crate::run::{EventKind, LifecycleEvent, RunRecord};
use crate::usage::{UsageQuery, UsageRow};

/// Why the store could not do what it was asked; the request fails, the data is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StoreError {
    /// The database failed, or could not be reached.
    #[error("the store failed")]
    Database(#[source] rusqlite::Error),
    /// The database is one of a later version of this program.
    #[error(
        "the database was written by a later version of comfyicu-server: its format is {found}, and this one knows {known}; start that version"
    )]
    TooNew {
        /// The version of its format.
        found: usize,
        /// The latest one that this program knows.
        known: usize,
    },
    /// There is no thread that could write.
    #[error("the thread that writes cannot be started")]
    Thread(#[source] std::io::Error),
    /// Without these settings an accepted run could be lost.
    #[error("the database does not keep its promise: {0}")]
    NotDurable(String),
    /// The store was closed: the server stops.
    #[error("the store is closed")]
    Closed,
    /// A row that this program did not write.
    #[error("a row of `{table}` cannot be read: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// How a run is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunKey {
    pub(crate) owner: Owner,
    pub(crate) workflow_id: WorkflowId,
    pub(crate) run_id: RunId,
}

impl RunKey {
    /// How its workflow is found.
    pub(crate) fn workflow(&self) -> WorkflowKey {
        WorkflowKey { owner: self.owner.clone(), id: self.workflow_id.clone() }
    }
}

/// A run that waits, as the queue of the scheduler needs it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WaitingRun {
    /// Its place in the order of acceptance.
    pub(crate) seq: i64,
    pub(crate) key: RunKey,
    pub(crate) accelerator: String,
    /// Whether there are files to be had before it can be executed.
    pub(crate) has_files: bool,
    pub(crate) not_before: Option<Timestamp>,
    /// The run as it was when it came to wait, where it is still at hand. It may have changed since.
    pub(crate) record: Option<Arc<RunRecord>>,
}

/// How many runs of a status wait for an accelerator, or are executed on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunCount {
    pub(crate) status: RunStatus,
    pub(crate) accelerator: String,
    pub(crate) count: u64,
    /// When the oldest of them was taken in.
    pub(crate) oldest: Timestamp,
}

/// A change of a run that is on disk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Committed {
    pub(crate) event: LifecycleEvent,
    /// The run, when it waits now.
    pub(crate) waiting: Option<WaitingRun>,
    /// The message that tells of the change.
    pub(crate) delivery: Option<DueDelivery>,
}

/// Hears of changes after they were committed, in their order. It must not block: commits wait for it.
pub(crate) trait Observer: Debug + Send + Sync {
    /// A change is on disk.
    fn committed(&self, change: Committed);
}

/// What makes a repeated request to create a run the same request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdempotencyClaim {
    /// Whose key it is: keys of different owners never meet.
    pub(crate) owner: Owner,
    pub(crate) key: String,
    /// The digest of what is asked for.
    pub(crate) request: Sha256Hex,
    /// What was claimed before this moment is forgotten.
    pub(crate) oldest: Timestamp,
}

/// What became of a run that was to be taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// It is new.
    New,
    /// The same request made this run before.
    Same(RunId),
    /// Another request has this key.
    Other,
    /// As many runs of its API key wait or are executed as may.
    TooManyRuns {
        /// How many.
        limit: u32,
    },
    /// Its API key has no time of executors left this month.
    QuotaSpent {
        /// How many seconds there were.
        seconds: u64,
    },
}

/// Which part of a list is asked for, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// The most entries.
    pub(crate) limit: u32,
    /// Only what stands after this place: the cursor of an earlier page.
    pub(crate) cursor: Option<i64>,
    /// Only runs of this status.
    pub(crate) status: Option<RunStatus>,
    /// Only what was created at this moment or later.
    pub(crate) since: Option<Timestamp>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page begins; `None` when this is the last one.
    pub(crate) next: Option<i64>,
}

/// Whose events are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    Run(RunId),
    Workflow(WorkflowKey),
}

/// What to send with a change of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewDelivery {
    /// The id by which its receiver knows it again, however often it comes.
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) body: String,
}

/// A message as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) body: String,
}

/// A message that waits to be sent, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DueDelivery {
    pub(crate) seq: i64,
    pub(crate) run_id: RunId,
    /// Who gets it: see [`receiver`].
    pub(crate) receiver: String,
    pub(crate) event: EventKind,
    /// How many attempts of the schedule were made.
    pub(crate) step: u32,
    pub(crate) next_at: Timestamp,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryState {
    Pending,
    Delivered,
    /// It did not arrive, and there will be no further attempt.
    Failed,
}

impl DeliveryState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|state| state.as_str() == name)
    }
}

/// One attempt at sending a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    /// Not known of attempts of early versions.
    pub(crate) duration_ms: Option<u64>,
    /// The status of the answer, when there was one.
    pub(crate) status: Option<u16>,
    /// Why there was none.
    pub(crate) error: Option<String>,
}

/// A message and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryRecord {
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) event: EventKind,
    pub(crate) url: String,
    pub(crate) created_at: Timestamp,
    pub(crate) state: DeliveryState,
    pub(crate) next_at: Option<Timestamp>,
    pub(crate) attempts: Vec<Attempt>,
}

/// Who gets what is sent to a URL: its scheme, host and port.
pub(crate) fn receiver(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

/// A workflow: it came into being with its first run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkflowRecord {
    pub(crate) id: WorkflowId,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What was fetched from a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FetchedFile {
    pub(crate) sha256: Sha256Hex,
    pub(crate) bytes: u64,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// When the source last said that this is what it has.
    pub(crate) checked_at: Timestamp,
}

/// Keeps runs. What a method changed is on disk when it returns.
#[async_trait]
pub(crate) trait RunStore: Debug + Send + Sync {
    /// Takes in an accepted run, and its workflow when it is the first of it: when its API key has room for it,
    /// and with a claim only when no earlier request has its key.
    async fn insert(
        &self,
        run: Arc<RunRecord>,
        claim: Option<IdempotencyClaim>,
    ) -> Result<Claimed, StoreError>;

    /// Takes in a run as [`insert`](Self::insert) does, and begins it with the same: it is on disk as `started`, which
    /// is told. Says whether it has begun; where it was not taken in as it was given, it waits.
    async fn insert_started(
        &self,
        (run, started): (Arc<RunRecord>, &RunRecord),
        told: Option<NewDelivery>,
        claim: Option<IdempotencyClaim>,
    ) -> Result<(Claimed, bool), StoreError>;

    /// What became of an earlier request with this claim; [`Claimed::New`] when there was none.
    async fn claimed(&self, claim: &IdempotencyClaim) -> Result<Claimed, StoreError>;

    /// Replaces a run by its changed form, and takes in the message that tells of it and the event, all or
    /// nothing. Gives false, and changes nothing, when the stored run has another status or attempt than
    /// `before`: somebody else changed it.
    async fn change(
        &self,
        before: &RunRecord,
        after: &RunRecord,
        told: Option<NewDelivery>,
    ) -> Result<bool, StoreError>;

    /// Prolongs the lease of an attempt. Gives false when the run is not that attempt's any more.
    async fn renew(&self, run_id: &RunId, attempt: u32, until: Timestamp) -> Result<bool, StoreError>;

    /// The runs that are being executed, and whose lease does not end in this span; those without a lease too, and
    /// all of them where no span is given.
    async fn expired(
        &self,
        good: Option<RangeInclusive<Timestamp>>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError>;

    /// The runs that wait, in the order of acceptance, from after a place on. Without their documents:
    /// those are large, and one that cannot be read must not hide the others.
    async fn waiting_runs(&self, after: i64, limit: u32) -> Result<Vec<WaitingRun>, StoreError>;

    /// How many runs have not ended.
    async fn counts(&self) -> Result<Vec<RunCount>, StoreError>;

    /// How a run is found, whoever owns it: for whoever runs the server.
    async fn key_of(&self, run_id: &RunId) -> Result<Option<RunKey>, StoreError>;

    /// The run, when the workflow of its owner has it.
    async fn get(&self, key: &RunKey) -> Result<Option<RunRecord>, StoreError>;

    /// The run of whoever owns it: for those who have been given its signed address.
    async fn get_signed(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<RunRecord>, StoreError>;

    /// The workflow's runs, newest first.
    async fn list(&self, workflow: &WorkflowKey, query: &ListQuery) -> Result<Page<RunRecord>, StoreError>;

    /// The events of a run or a workflow after a place, in order.
    async fn events(&self, scope: &Scope, after: i64, limit: u32) -> Result<Vec<LifecycleEvent>, StoreError>;

    /// The place of the last event of all; 0 when there is none.
    async fn latest_event(&self) -> Result<i64, StoreError>;

    /// The workflows of an owner, newest first.
    async fn workflows(&self, owner: &Owner, query: &ListQuery) -> Result<Page<WorkflowRecord>, StoreError>;

    /// A workflow.
    async fn workflow(&self, key: &WorkflowKey) -> Result<Option<WorkflowRecord>, StoreError>;
}

/// Keeps the messages that tell of changes, and the log of their attempts.
#[async_trait]
pub(crate) trait Outbox: Debug + Send + Sync {
    /// The messages that wait, in the order of their changes, from after a place on.
    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<DueDelivery>, StoreError>;

    /// A message, while it waits.
    async fn message(&self, seq: i64) -> Result<Option<Delivery>, StoreError>;

    /// Writes an attempt down, and what comes after it.
    async fn attempted(
        &self,
        seq: i64,
        attempt: Attempt,
        state: DeliveryState,
        next_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;

    /// The messages of a run, in the order of its changes.
    async fn deliveries(&self, run_id: &RunId) -> Result<Vec<DeliveryRecord>, StoreError>;

    /// Lets a message begin its schedule again. `None` when the run has no such message, or it waits.
    async fn resend(
        &self,
        run_id: &RunId,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<DueDelivery>, StoreError>;
}

/// Keeps what is known of files: where bytes came from, which inputs a workflow has.
#[async_trait]
pub(crate) trait FileIndex: Debug + Send + Sync {
    /// What was fetched for this owner from a URL before.
    async fn fetched(&self, owner: &Owner, url: &str) -> Result<Option<FetchedFile>, StoreError>;

    /// Notes what was fetched for an owner from a URL.
    async fn note_fetched(&self, owner: &Owner, url: &str, file: &FetchedFile) -> Result<(), StoreError>;

    /// Notes that an owner uploaded these bytes.
    async fn note_upload(&self, owner: &Owner, sha256: &Sha256Hex, now: Timestamp) -> Result<(), StoreError>;

    /// Whether this owner uploaded these bytes.
    async fn has_upload(&self, owner: &Owner, sha256: &Sha256Hex) -> Result<bool, StoreError>;

    /// Notes which bytes the inputs of a workflow have.
    async fn note_inputs(
        &self,
        workflow: &WorkflowKey,
        inputs: &[(DestPath, Sha256Hex)],
    ) -> Result<(), StoreError>;

    /// Which bytes an input of a workflow has.
    async fn input(&self, workflow: &WorkflowKey, path: &DestPath) -> Result<Option<Sha256Hex>, StoreError>;
}

/// Keeps what was used.
#[async_trait]
pub(crate) trait UsageStore: Debug + Send + Sync {
    /// What was used on some days, by owner, key and workflow.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError>;
}

/// Keeps keys, as digests, and secrets of the server.
#[async_trait]
pub(crate) trait KeyStore: Debug + Send + Sync {
    /// Whether there is any key.
    async fn has_keys(&self) -> Result<bool, StoreError>;

    /// Takes in a key, and what it is known by.
    async fn insert_key(&self, key: &KeyRecord, sha256: &Sha256Hex) -> Result<(), StoreError>;

    /// All keys, in the order in which they were made.
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError>;

    /// What the keys that were not revoked are known by.
    async fn digests(&self) -> Result<Vec<KeyDigest>, StoreError>;

    /// Ends a key for good. Gives false when there is no such key, or it was revoked before.
    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Makes a key known by a new digest, and by the earlier ones until a moment. Gives false when there is no
    /// such key, or it was revoked.
    async fn rotate_key(
        &self,
        id: &str,
        fresh: &Sha256Hex,
        now: Timestamp,
        earlier_until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Notes when keys were used last.
    async fn note_used(&self, uses: Vec<(String, Timestamp)>) -> Result<(), StoreError>;

    /// The secret of a name; the first call keeps `fresh` as it.
    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError>;
}
