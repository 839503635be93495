//! Runs in SQLite: how they are found; what is written of them has a file for each operation.

mod change;
mod insert;
mod renew;

use std::ops::RangeInclusive;

use async_trait::async_trait;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{RunId, Timestamp, WorkflowId};
use sqlx::QueryBuilder;

use super::{SqliteStore, StoreError, claims, events, page, rows};
use crate::owner::{Owner, WorkflowKey};
use crate::run::{LifecycleEvent, RunRecord};
use crate::store::{
    Claimed, IdempotencyClaim, ListQuery, NewDelivery, Page, RunCount, RunKey, RunStore, Scope, WaitingRun,
    WorkflowRecord,
};
use change::Change;
use insert::Insert;
use renew::Renew;

#[async_trait]
impl RunStore for SqliteStore {
    async fn insert(&self, run: &RunRecord, claim: Option<IdempotencyClaim>) -> Result<Claimed, StoreError> {
        self.write(Insert::new(run, claim)).await
    }

    async fn claimed(&self, claim: &IdempotencyClaim) -> Result<Claimed, StoreError> {
        claims::find(&mut *self.readers.acquire().await?, claim).await
    }

    async fn change(
        &self,
        before: &RunRecord,
        after: &RunRecord,
        told: Option<NewDelivery>,
    ) -> Result<bool, StoreError> {
        self.write(Change::new(before, after, told)).await
    }

    async fn renew(&self, run_id: &RunId, attempt: u32, until: Timestamp) -> Result<bool, StoreError> {
        self.write(Renew { run_id: run_id.clone(), attempt, until }).await
    }

    async fn expired(
        &self,
        good: Option<RangeInclusive<Timestamp>>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        let millis = good.map(|good| (good.start().as_unix_millis(), good.end().as_unix_millis()));
        let (earliest, latest) = millis.unzip();
        let rows = sqlx::query(
            "SELECT id, owner, workflow_id FROM runs
             WHERE status = 'STARTED' AND (lease_until BETWEEN ? AND ?) IS NOT TRUE
             ORDER BY seq LIMIT ?",
        )
        .bind(earliest)
        .bind(latest)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(rows::key).collect()
    }

    async fn waiting_runs(&self, after: i64, limit: u32) -> Result<Vec<WaitingRun>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, id, owner, workflow_id, accelerator, not_before, files <> '{}' AS has_files
             FROM runs JOIN run_documents ON run_id = id
             WHERE status = 'QUEUED' AND seq > ? ORDER BY seq LIMIT ?",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(rows::waiting_run).collect()
    }

    async fn counts(&self) -> Result<Vec<RunCount>, StoreError> {
        let mut counts = Vec::new();
        // One after the other: each has an index of its own.
        for query in [
            "SELECT status, accelerator, COUNT(*) AS count, MIN(created_at) AS oldest FROM runs WHERE status = 'QUEUED' GROUP BY accelerator",
            "SELECT status, accelerator, COUNT(*) AS count, MIN(created_at) AS oldest FROM runs WHERE status = 'STARTED' GROUP BY accelerator",
        ] {
            let rows = sqlx::query(query).fetch_all(&self.readers).await?;
            counts.extend(rows.iter().map(rows::run_count).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(counts)
    }

    async fn key_of(&self, run_id: &RunId) -> Result<Option<RunKey>, StoreError> {
        let row = sqlx::query("SELECT id, owner, workflow_id FROM runs WHERE id = ?")
            .bind(run_id.as_str())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::key).transpose()
    }

    async fn get(&self, key: &RunKey) -> Result<Option<RunRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM runs JOIN run_documents ON run_id = id WHERE id = ? AND owner = ? AND workflow_id = ?",
        )
        .bind(key.run_id.as_str())
        .bind(key.owner.as_str())
        .bind(key.workflow_id.as_str())
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(rows::run).transpose()
    }

    async fn get_signed(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<RunRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM runs JOIN run_documents ON run_id = id WHERE id = ? AND workflow_id = ?",
        )
        .bind(run_id.as_str())
        .bind(workflow_id.as_str())
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(rows::run).transpose()
    }

    async fn list(&self, workflow: &WorkflowKey, query: &ListQuery) -> Result<Page<RunRecord>, StoreError> {
        let mut select =
            QueryBuilder::new("SELECT * FROM runs JOIN run_documents ON run_id = id WHERE owner = ");
        select.push_bind(workflow.owner.as_str());
        select.push(" AND workflow_id = ").push_bind(workflow.id.as_str());
        if let Some(cursor) = query.cursor {
            select.push(" AND seq < ").push_bind(cursor);
        }
        if let Some(status) = &query.status {
            select.push(" AND status = ").push_bind(status.as_str());
        }
        if let Some(since) = query.since {
            // Without the bound, all that is older would be looked at to fill the last page.
            select
                .push(" AND seq >= (SELECT seq FROM runs WHERE owner = ")
                .push_bind(workflow.owner.as_str());
            select.push(" AND workflow_id = ").push_bind(workflow.id.as_str());
            select.push(" AND created_at >= ").push_bind(since.as_unix_millis());
            select.push(" ORDER BY created_at, seq LIMIT 1)");
        }
        select.push(" ORDER BY seq DESC LIMIT ").push_bind(page::with_one_more(query.limit));
        page::of_rows(&select.build().fetch_all(&self.readers).await?, query.limit, "seq", rows::run)
    }

    async fn events(&self, scope: &Scope, after: i64, limit: u32) -> Result<Vec<LifecycleEvent>, StoreError> {
        events::after(&self.readers, scope, after, limit).await
    }

    async fn latest_event(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM events").fetch_one(&self.readers).await?)
    }

    async fn workflows(&self, owner: &Owner, query: &ListQuery) -> Result<Page<WorkflowRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM workflows WHERE owner = ? AND seq < ? AND created_at >= ? ORDER BY seq DESC LIMIT ?",
        )
        .bind(owner.as_str())
        .bind(query.cursor.unwrap_or(i64::MAX))
        .bind(query.since.map_or(i64::MIN, Timestamp::as_unix_millis))
        .bind(page::with_one_more(query.limit))
        .fetch_all(&self.readers)
        .await?;
        page::of_rows(&rows, query.limit, "seq", rows::workflow)
    }

    async fn workflow(&self, key: &WorkflowKey) -> Result<Option<WorkflowRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM workflows WHERE owner = ? AND id = ?")
            .bind(key.owner.as_str())
            .bind(key.id.as_str())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::workflow).transpose()
    }
}

fn json(object: &Object) -> String {
    Value::Object(object.clone()).to_json()
}
