//! What is known of files, in SQLite.

use async_trait::async_trait;
use comfyicu_model::{DestPath, Timestamp};

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, rows};
use crate::hash::Sha256Hex;
use crate::owner::{Owner, WorkflowKey};
use crate::store::{FetchedFile, FileIndex};

#[async_trait]
impl FileIndex for SqliteStore {
    async fn fetched(&self, owner: &Owner, url: &str) -> Result<Option<FetchedFile>, StoreError> {
        let row = sqlx::query("SELECT * FROM fetched_files WHERE owner = ? AND url = ?")
            .bind(owner.as_str())
            .bind(url)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::fetched_file).transpose()
    }

    async fn note_fetched(&self, owner: &Owner, url: &str, file: &FetchedFile) -> Result<(), StoreError> {
        self.write(NoteFetched { owner: owner.clone(), url: url.to_owned(), file: file.clone() }).await
    }

    async fn note_upload(&self, owner: &Owner, sha256: &Sha256Hex, now: Timestamp) -> Result<(), StoreError> {
        self.write(NoteUpload { owner: owner.clone(), sha256: sha256.clone(), now }).await
    }

    async fn has_upload(&self, owner: &Owner, sha256: &Sha256Hex) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM uploads WHERE owner = ? AND sha256 = ?)")
            .bind(owner.as_str())
            .bind(sha256.as_str())
            .fetch_one(&self.readers)
            .await?)
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
        let sha256: Option<String> =
            sqlx::query_scalar("SELECT sha256 FROM inputs WHERE owner = ? AND workflow_id = ? AND path = ?")
                .bind(workflow.owner.as_str())
                .bind(workflow.id.as_str())
                .bind(path.as_str())
                .fetch_optional(&self.readers)
                .await?;
        sha256.map(|text| rows::digest("inputs", &text)).transpose()
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

#[async_trait]
impl Operation for NoteFetched {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let noted = sqlx::query(
            "INSERT OR REPLACE INTO fetched_files (owner, url, sha256, bytes, etag, last_modified, checked_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.owner.as_str())
        .bind(&self.url)
        .bind(self.file.sha256.as_str())
        .bind(i64::try_from(self.file.bytes).unwrap_or(i64::MAX))
        .bind(self.file.etag.as_deref())
        .bind(self.file.last_modified.as_deref())
        .bind(self.file.checked_at.as_unix_millis())
        .execute(&mut *changes.connection)
        .await?;
        if noted.last_insert_rowid() % SWEEP == 0 {
            self.forget_oldest(changes).await?;
        }
        Ok(())
    }
}

impl NoteFetched {
    /// Forgets what the owner's URLs gave that were noted longest ago, where there are too many. What is noted again
    /// gets a new number.
    async fn forget_oldest(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM fetched_files WHERE rowid IN
             (SELECT rowid FROM fetched_files WHERE owner = ? ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
        )
        .bind(self.owner.as_str())
        .bind(REMEMBERED)
        .execute(&mut *changes.connection)
        .await?;
        Ok(())
    }
}

#[derive(Debug)]
struct NoteUpload {
    owner: Owner,
    sha256: Sha256Hex,
    now: Timestamp,
}

#[async_trait]
impl Operation for NoteUpload {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        sqlx::query("INSERT OR REPLACE INTO uploads (owner, sha256, created_at) VALUES (?, ?, ?)")
            .bind(self.owner.as_str())
            .bind(self.sha256.as_str())
            .bind(self.now.as_unix_millis())
            .execute(&mut *changes.connection)
            .await?;
        Ok(())
    }
}

#[derive(Debug)]
struct NoteInputs {
    workflow: WorkflowKey,
    inputs: Vec<(DestPath, Sha256Hex)>,
}

#[async_trait]
impl Operation for NoteInputs {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        for (path, sha256) in &self.inputs {
            sqlx::query(
                "INSERT OR REPLACE INTO inputs (owner, workflow_id, path, sha256) VALUES (?, ?, ?, ?)",
            )
            .bind(self.workflow.owner.as_str())
            .bind(self.workflow.id.as_str())
            .bind(path.as_str())
            .bind(sha256.as_str())
            .execute(&mut *changes.connection)
            .await?;
        }
        Ok(())
    }
}
