//! What is known of files, in SQLite.

use async_trait::async_trait;
use comfyicu_model::{DestPath, WorkflowId};
use sqlx::{Connection as _, SqliteConnection};

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
        sqlx::query(
            "INSERT OR REPLACE INTO fetched_files (url, sha256, bytes, etag, last_modified) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(url)
        .bind(file.sha256.as_str())
        .bind(i64::try_from(file.bytes).unwrap_or(i64::MAX))
        .bind(file.etag.as_deref())
        .bind(file.last_modified.as_deref())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn note_inputs(
        &self,
        workflow_id: &WorkflowId,
        inputs: &[(DestPath, Sha256Hex)],
    ) -> Result<(), StoreError> {
        let mut connection = self.writer.acquire().await?;
        let result = note_inputs(&mut connection, workflow_id, inputs).await;
        Self::settled(connection, result)
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

async fn note_inputs(
    connection: &mut SqliteConnection,
    workflow_id: &WorkflowId,
    inputs: &[(DestPath, Sha256Hex)],
) -> Result<(), StoreError> {
    let mut transaction = connection.begin().await?;
    for (path, sha256) in inputs {
        sqlx::query("INSERT OR REPLACE INTO inputs (workflow_id, path, sha256) VALUES (?, ?, ?)")
            .bind(workflow_id.as_str())
            .bind(path.as_str())
            .bind(sha256.as_str())
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}
