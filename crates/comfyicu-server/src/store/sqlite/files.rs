//! What is known of files, in SQLite.

use async_trait::async_trait;
use comfyicu_model::{DestPath, Timestamp};
use rusqlite::params;

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, rows, statement};
use crate::hash::Sha256Hex;
use crate::owner::{Owner, WorkflowKey};
use crate::store::{FetchedFile, FileIndex};

#[async_trait]
impl FileIndex for SqliteStore {
    async fn fetched(&self, owner: &Owner, url: &str) -> Result<Option<FetchedFile>, StoreError> {
        let (owner, url) = (owner.clone(), url.to_owned());
        let sql = "SELECT * FROM fetched_files WHERE owner = ? AND url = ?";
        self.read(move |connection| {
            statement::row(connection, sql, [owner.as_str(), &url], rows::fetched_file)
        })
        .await
    }

    async fn note_fetched(&self, owner: &Owner, url: &str, file: &FetchedFile) -> Result<(), StoreError> {
        self.write(NoteFetched { owner: owner.clone(), url: url.to_owned(), file: file.clone() }).await
    }

    async fn note_upload(&self, owner: &Owner, sha256: &Sha256Hex, now: Timestamp) -> Result<(), StoreError> {
        self.write(NoteUpload { owner: owner.clone(), sha256: sha256.clone(), now }).await
    }

    async fn has_upload(&self, owner: &Owner, sha256: &Sha256Hex) -> Result<bool, StoreError> {
        let (owner, sha256) = (owner.clone(), sha256.clone());
        let sql = "SELECT EXISTS (SELECT 1 FROM uploads WHERE owner = ? AND sha256 = ?)";
        self.read(move |connection| statement::value(connection, sql, [owner.as_str(), sha256.as_str()]))
            .await
    }

    async fn note_inputs(
        &self,
        workflow: &WorkflowKey,
        inputs: &[(DestPath, Sha256Hex)],
    ) -> Result<(), StoreError> {
        if inputs.is_empty() {
            return Ok(());
        }
        self.write(NoteInputs { workflow: workflow.clone(), inputs: inputs.to_vec() }).await
    }

    async fn input(&self, workflow: &WorkflowKey, path: &DestPath) -> Result<Option<Sha256Hex>, StoreError> {
        let (workflow, path) = (workflow.clone(), path.clone());
        let sql = "SELECT sha256 FROM inputs WHERE owner = ? AND workflow_id = ? AND path = ?";
        self.read(move |connection| {
            let params = [workflow.owner.as_str(), workflow.id.as_str(), path.as_str()];
            let sha256: Option<String> = statement::optional_value(connection, sql, params)?;
            sha256.map(|text| rows::digest("inputs", &text)).transpose()
        })
        .await
    }
}

/// Of how many URLs of an owner it is remembered what they gave. Without a bound, URLs that are never the same twice
/// would fill the disk.
const REMEMBERED: i64 = if cfg!(test) { 20 } else { 100_000 };
/// After how many notes it is looked whether there are more.
const SWEEP: i64 = if cfg!(test) { 2 } else { 1_000 };

#[derive(Debug)]
struct NoteFetched {
    owner: Owner,
    url: String,
    file: FetchedFile,
}

impl Operation for NoteFetched {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let number = statement::insert(
            changes.connection,
            "INSERT OR REPLACE INTO fetched_files (owner, url, sha256, bytes, etag, last_modified, checked_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                self.owner.as_str(),
                self.url,
                self.file.sha256.as_str(),
                i64::try_from(self.file.bytes).unwrap_or(i64::MAX),
                self.file.etag,
                self.file.last_modified,
                self.file.checked_at.as_unix_millis(),
            ],
        )?;
        if number % SWEEP == 0 {
            self.forget_oldest(changes)?;
        }
        Ok(())
    }
}

impl NoteFetched {
    /// Forgets what the owner's URLs gave that were noted longest ago, where there are too many. What is noted again
    /// gets a new number.
    fn forget_oldest(&self, changes: &Changes<'_>) -> Result<(), StoreError> {
        statement::execute(
            changes.connection,
            "DELETE FROM fetched_files WHERE rowid IN
             (SELECT rowid FROM fetched_files WHERE owner = ? ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
            params![self.owner.as_str(), REMEMBERED],
        )?;
        Ok(())
    }
}

#[derive(Debug)]
struct NoteUpload {
    owner: Owner,
    sha256: Sha256Hex,
    now: Timestamp,
}

impl Operation for NoteUpload {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        statement::execute(
            changes.connection,
            "INSERT OR REPLACE INTO uploads (owner, sha256, created_at) VALUES (?, ?, ?)",
            params![self.owner.as_str(), self.sha256.as_str(), self.now.as_unix_millis()],
        )?;
        Ok(())
    }
}

#[derive(Debug)]
struct NoteInputs {
    workflow: WorkflowKey,
    inputs: Vec<(DestPath, Sha256Hex)>,
}

impl Operation for NoteInputs {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        for (path, sha256) in &self.inputs {
            statement::execute(
                changes.connection,
                "INSERT OR REPLACE INTO inputs (owner, workflow_id, path, sha256) VALUES (?, ?, ?, ?)",
                [self.workflow.owner.as_str(), self.workflow.id.as_str(), path.as_str(), sha256.as_str()],
            )?;
        }
        Ok(())
    }
}
