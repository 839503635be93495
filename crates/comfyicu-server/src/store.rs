//! Where runs, messages and keys are kept: one trait, made so that another database can follow.

mod sqlite;
#[cfg(test)]
mod tests;

pub(crate) use sqlite::SqliteStore;

use std::fmt::Debug;

use async_trait::async_trait;
use comfyicu_model::{DestPath, RunId, RunStatus, Timestamp, WorkflowId};

use crate::hash::Sha256Hex;
use crate::run::RunRecord;

/// Why the store could not do what it was asked; the request fails, the data is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StoreError {
    /// The database failed, or could not be reached.
    #[error("the store failed")]
    Database(#[source] sqlx::Error),
    /// The database is not one of this program, or of a later version of it.
    #[error("the database cannot be brought to this version")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// Without these settings an accepted run could be lost.
    #[error("the database does not keep its promise: {0}")]
    NotDurable(String),
    /// A row that this program did not write.
    #[error("a row of `{table}` cannot be read: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// How a run is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunKey {
    pub(crate) workflow_id: WorkflowId,
    pub(crate) run_id: RunId,
}

/// A message that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) seq: i64,
    pub(crate) run_id: RunId,
    pub(crate) url: String,
    pub(crate) body: String,
}

/// What to send with a change of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewDelivery {
    pub(crate) url: String,
    pub(crate) body: String,
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
}

/// Keeps runs. What a method changed is on disk when it returns.
#[async_trait]
pub(crate) trait RunStore: Debug + Send + Sync {
    /// Takes in an accepted run, and its workflow when it is the first of it.
    async fn insert(&self, run: &RunRecord) -> Result<(), StoreError>;

    /// Replaces a run by its changed form, and takes in the message that tells of it, both or neither.
    /// Gives false, and changes nothing, when the stored run has another status or attempt than `before`:
    /// somebody else changed it.
    async fn change(
        &self,
        before: &RunRecord,
        after: &RunRecord,
        told: Option<NewDelivery>,
    ) -> Result<bool, StoreError>;

    /// The run, when the workflow has it.
    async fn get(&self, workflow_id: &WorkflowId, run_id: &RunId) -> Result<Option<RunRecord>, StoreError>;

    /// The workflow's runs, newest first.
    async fn list(&self, workflow_id: &WorkflowId, limit: u32) -> Result<Vec<RunRecord>, StoreError>;

    /// The oldest runs of a status, in the order in which they were accepted; QUEUED and STARTED only. Just
    /// their ids: documents are large, and one that cannot be read must not hide the others.
    async fn oldest(&self, status: RunStatus, limit: u32) -> Result<Vec<RunKey>, StoreError>;

    /// The workflows, newest first.
    async fn workflows(&self, limit: u32) -> Result<Vec<WorkflowRecord>, StoreError>;

    /// A workflow.
    async fn workflow(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, StoreError>;
}

/// Keeps the messages that tell of changes.
#[async_trait]
pub(crate) trait Outbox: Debug + Send + Sync {
    /// The oldest messages that were not tried yet.
    async fn waiting(&self, limit: u32) -> Result<Vec<Delivery>, StoreError>;

    /// Notes that a message was tried, and how that went.
    async fn attempted(&self, seq: i64, outcome: &str, now: Timestamp) -> Result<(), StoreError>;
}

/// Keeps what is known of files: where bytes came from, which inputs a workflow has.
#[async_trait]
pub(crate) trait FileIndex: Debug + Send + Sync {
    /// What was fetched from a URL before.
    async fn fetched(&self, url: &str) -> Result<Option<FetchedFile>, StoreError>;

    /// Notes what was fetched from a URL.
    async fn note_fetched(&self, url: &str, file: &FetchedFile) -> Result<(), StoreError>;

    /// Notes which bytes the inputs of a workflow have.
    async fn note_inputs(
        &self,
        workflow_id: &WorkflowId,
        inputs: &[(DestPath, Sha256Hex)],
    ) -> Result<(), StoreError>;

    /// Which bytes an input of a workflow has.
    async fn input(&self, workflow_id: &WorkflowId, path: &DestPath)
    -> Result<Option<Sha256Hex>, StoreError>;
}

/// Keeps keys, as digests, and secrets of the server.
#[async_trait]
pub(crate) trait KeyStore: Debug + Send + Sync {
    /// Whether there is any key.
    async fn has_keys(&self) -> Result<bool, StoreError>;

    /// Takes in a key.
    async fn insert_key(&self, id: &str, digest: &Sha256Hex, now: Timestamp) -> Result<(), StoreError>;

    /// The id of the key with this digest.
    async fn key_id(&self, digest: &Sha256Hex) -> Result<Option<String>, StoreError>;

    /// The secret of a name; the first call keeps `fresh` as it.
    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError>;
}
