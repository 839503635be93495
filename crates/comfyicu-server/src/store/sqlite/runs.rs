//! Runs in SQLite.

use async_trait::async_trait;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{RunId, RunStatus, Timestamp, WorkflowId};
use sqlx::{Connection as _, SqliteConnection};

use super::{SqliteStore, StoreError, rows};
use crate::run::RunRecord;
use crate::store::{NewDelivery, RunKey, RunStore, WorkflowRecord};

#[async_trait]
impl RunStore for SqliteStore {
    async fn insert(&self, run: &RunRecord) -> Result<(), StoreError> {
        let mut connection = self.writer.acquire().await?;
        let result = insert(&mut connection, run).await;
        Self::settled(connection, result)
    }

    async fn change(
        &self,
        before: &RunRecord,
        after: &RunRecord,
        told: Option<NewDelivery>,
    ) -> Result<bool, StoreError> {
        let mut connection = self.writer.acquire().await?;
        let result = change(&mut connection, before, after, told).await;
        Self::settled(connection, result)
    }

    async fn get(&self, workflow_id: &WorkflowId, run_id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM runs JOIN run_documents ON run_id = id WHERE id = ? AND workflow_id = ?",
        )
        .bind(run_id.as_str())
        .bind(workflow_id.as_str())
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(rows::run).transpose()
    }

    async fn list(&self, workflow_id: &WorkflowId, limit: u32) -> Result<Vec<RunRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM runs JOIN run_documents ON run_id = id WHERE workflow_id = ? ORDER BY seq DESC LIMIT ?",
        )
        .bind(workflow_id.as_str())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(rows::run).collect()
    }

    async fn oldest(&self, status: RunStatus, limit: u32) -> Result<Vec<RunKey>, StoreError> {
        // The partial indexes are used only where the status stands in the query itself.
        let query = match status {
            RunStatus::Queued => {
                "SELECT id, workflow_id FROM runs WHERE status = 'QUEUED' ORDER BY seq LIMIT ?"
            }
            RunStatus::Started => {
                "SELECT id, workflow_id FROM runs WHERE status = 'STARTED' ORDER BY seq LIMIT ?"
            }
            _ => return Ok(Vec::new()),
        };
        let rows = sqlx::query(query).bind(limit).fetch_all(&self.readers).await?;
        rows.iter().map(rows::key).collect()
    }

    async fn workflows(&self, limit: u32) -> Result<Vec<WorkflowRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM workflows ORDER BY created_at DESC, id LIMIT ?")
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(rows::workflow).collect()
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Option<WorkflowRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM workflows WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::workflow).transpose()
    }
}

async fn insert(connection: &mut SqliteConnection, run: &RunRecord) -> Result<(), StoreError> {
    let mut transaction = connection.begin().await?;
    sqlx::query(
        "INSERT INTO workflows (id, created_at, updated_at) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at",
    )
    .bind(run.workflow_id.as_str())
    .bind(run.created_at.as_unix_millis())
    .bind(run.created_at.as_unix_millis())
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "INSERT INTO runs (id, workflow_id, status, attempt, created_at, updated_at, accelerator, webhook, api_key_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(run.id.as_str())
    .bind(run.workflow_id.as_str())
    .bind(run.status.as_str())
    .bind(run.attempt)
    .bind(run.created_at.as_unix_millis())
    .bind(run.updated_at.as_unix_millis())
    .bind(&run.accelerator)
    .bind(run.webhook.as_deref())
    .bind(run.api_key_id.as_deref())
    .execute(&mut *transaction)
    .await?;
    sqlx::query("INSERT INTO run_documents (run_id, data, files, costs) VALUES (?, ?, ?, ?)")
        .bind(run.id.as_str())
        .bind(json(&run.data))
        .bind(json(&run.files))
        .bind(json(&run.costs.to_object()))
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

async fn change(
    connection: &mut SqliteConnection,
    before: &RunRecord,
    after: &RunRecord,
    told: Option<NewDelivery>,
) -> Result<bool, StoreError> {
    let mut transaction = connection.begin().await?;
    let changed = sqlx::query(
        "UPDATE runs SET status = ?, attempt = ?, updated_at = ?, started_at = ?, completed_at = ?, device = ?
         WHERE id = ? AND status = ? AND attempt = ?",
    )
    .bind(after.status.as_str())
    .bind(after.attempt)
    .bind(after.updated_at.as_unix_millis())
    .bind(after.started_at.map(Timestamp::as_unix_millis))
    .bind(after.completed_at.map(Timestamp::as_unix_millis))
    .bind(after.device.as_deref())
    .bind(before.id.as_str())
    .bind(before.status.as_str())
    .bind(before.attempt)
    .execute(&mut *transaction)
    .await?;
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    if after.outcome != before.outcome || after.costs != before.costs {
        sqlx::query("UPDATE run_documents SET output = ?, costs = ? WHERE run_id = ?")
            .bind(after.outcome.as_ref().map(|outcome| outcome.to_value().to_json()))
            .bind(json(&after.costs.to_object()))
            .bind(after.id.as_str())
            .execute(&mut *transaction)
            .await?;
    }
    if let Some(delivery) = told {
        sqlx::query("INSERT INTO deliveries (run_id, url, body, created_at) VALUES (?, ?, ?, ?)")
            .bind(after.id.as_str())
            .bind(delivery.url)
            .bind(delivery.body)
            .bind(after.updated_at.as_unix_millis())
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(true)
}

fn json(object: &Object) -> String {
    Value::Object(object.clone()).to_json()
}
