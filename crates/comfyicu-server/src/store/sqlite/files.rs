//! What is known of files, in SQLite.

use async_trait::async_trait;
use comfyicu_model::{DestPath, WorkflowId};

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, rows};
use crate::hash::Sha256Hex;
use crate::store::{FetchedFile, FileIndex};

#[async_trait]
impl FileIndex for SqliteStore {
    async fn fetched(&self, url: &str) -> Result<Option<FetchedFile>, StoreError> {
        let row = sqlx::query("SELECT * FROM fetched_files WHERE url = ?")
            .bind(url)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::fetched_file).transpose()
    }

    async fn note_fetched(&self, url: &str, file: &FetchedFile) -> Result<(), StoreError> {
        self.write(NoteFetched { url: url.to_owned(), file: file.clone() }).await
    }

    async fn note_inputs(
        &self,
        workflow_id: &WorkflowId,
        inputs: &[(DestPath, Sha256Hex)],
    ) -> Result<(), StoreError> {
        if inputs.is_empty() {
            return Ok(());
        }
        self.write(NoteInputs { workflow_id: workflow_id.clone(), inputs: inputs.to_vec() }).await
    }

    async fn input(
        &self,
        workflow_id: &WorkflowId,
        path: &DestPath,
    ) -> Result<Option<Sha256Hex>, StoreError> {
        let sha256: Option<String> =
            sqlx::query_scalar("SELECT sha256 FROM inputs WHERE workflow_id = ? AND path = ?")
                .bind(workflow_id.as_str())
                .bind(path.as_str())
                .fetch_optional(&self.readers)
                .await?;
        sha256.map(|text| rows::digest("inputs", &text)).transpose()
    }
}

#[derive(Debug)]
struct NoteFetched {
    url: String,
    file: FetchedFile,
}

#[async_trait]
impl Operation for NoteFetched {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT OR REPLACE INTO fetched_files (url, sha256, bytes, etag, last_modified) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(&self.url)
        .bind(self.file.sha256.as_str())
        .bind(i64::try_from(self.file.bytes).unwrap_or(i64::MAX))
        .bind(self.file.etag.as_deref())
        .bind(self.file.last_modified.as_deref())
        .execute(&mut *changes.connection)
        .await?;
        Ok(())
    }
}

#[derive(Debug)]
struct NoteInputs {
    workflow_id: WorkflowId,
    inputs: Vec<(DestPath, Sha256Hex)>,
}

#[async_trait]
impl Operation for NoteInputs {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        for (path, sha256) in &self.inputs {
            sqlx::query("INSERT OR REPLACE INTO inputs (workflow_id, path, sha256) VALUES (?, ?, ?)")
                .bind(self.workflow_id.as_str())
                .bind(path.as_str())
                .bind(sha256.as_str())
                .execute(&mut *changes.connection)
                .await?;
        }
        Ok(())
    }
}
