//! Runs in SQLite: how they are found; what is written of them has a file for each operation.

mod change;
mod insert;
mod renew;

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{RunId, RunStatus, Timestamp, WorkflowId};
use rusqlite::params;

use super::{SqliteStore, StoreError, claims, events, page, rows, statement};
use crate::owner::{Owner, WorkflowKey};
use crate::run::{LifecycleEvent, RunRecord};
use crate::store::{
    Claimed, IdempotencyClaim, ListQuery, NewDelivery, Page, RunCount, RunKey, RunStore, Scope, WaitingRun,
    WorkflowRecord,
};
use change::Change;
use insert::{Insert, InsertStarted};
use renew::Renew;

#[async_trait]
impl RunStore for SqliteStore {
    async fn insert(
        &self,
        run: Arc<RunRecord>,
        claim: Option<IdempotencyClaim>,
    ) -> Result<Claimed, StoreError> {
        self.write(Insert::new(run, claim)).await
    }

    async fn insert_started(
        &self,
        (run, started): (Arc<RunRecord>, &RunRecord),
        told: Option<NewDelivery>,
        claim: Option<IdempotencyClaim>,
    ) -> Result<(Claimed, bool), StoreError> {
        let start = Change::new(&run, started, told);
        self.write(InsertStarted { insert: Insert::new(run, claim), start }).await
    }

    async fn claimed(&self, claim: &IdempotencyClaim) -> Result<Claimed, StoreError> {
        let claim = claim.clone();
        self.read(move |connection| claims::find(connection, &claim)).await
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
        let sql = "SELECT id, owner, workflow_id FROM runs
                   WHERE status = 'STARTED' AND (lease_until BETWEEN ? AND ?) IS NOT TRUE
                   ORDER BY seq LIMIT ?";
        self.read(move |connection| {
            statement::rows(connection, sql, params![earliest, latest, limit], rows::key)
        })
        .await
    }

    async fn waiting_runs(&self, after: i64, limit: u32) -> Result<Vec<WaitingRun>, StoreError> {
        let sql = "SELECT seq, id, owner, workflow_id, accelerator, not_before, files <> '{}' AS has_files
                   FROM runs JOIN run_documents ON run_id = id
                   WHERE status = 'QUEUED' AND seq > ? ORDER BY seq LIMIT ?";
        self.read(move |connection| {
            statement::rows(connection, sql, params![after, limit], rows::waiting_run)
        })
        .await
    }

    async fn counts(&self) -> Result<Vec<RunCount>, StoreError> {
        self.read(|connection| {
            let mut counts = Vec::new();
            // One after the other: each has an index of its own.
            for sql in [
                "SELECT status, accelerator, COUNT(*) AS count, MIN(created_at) AS oldest FROM runs WHERE status = 'QUEUED' GROUP BY accelerator",
                "SELECT status, accelerator, COUNT(*) AS count, MIN(created_at) AS oldest FROM runs WHERE status = 'STARTED' GROUP BY accelerator",
            ] {
                counts.extend(statement::rows(connection, sql, (), rows::run_count)?);
            }
            Ok(counts)
        })
        .await
    }

    async fn key_of(&self, run_id: &RunId) -> Result<Option<RunKey>, StoreError> {
        let run_id = run_id.clone();
        let sql = "SELECT id, owner, workflow_id FROM runs WHERE id = ?";
        self.read(move |connection| statement::row(connection, sql, [run_id.as_str()], rows::key)).await
    }

    async fn get(&self, key: &RunKey) -> Result<Option<RunRecord>, StoreError> {
        let key = key.clone();
        let sql = "SELECT * FROM runs JOIN run_documents ON run_id = id WHERE id = ? AND owner = ? AND workflow_id = ?";
        self.read(move |connection| {
            let params = [key.run_id.as_str(), key.owner.as_str(), key.workflow_id.as_str()];
            statement::row(connection, sql, params, rows::run)
        })
        .await
    }

    async fn get_signed(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<RunRecord>, StoreError> {
        let (workflow_id, run_id) = (workflow_id.clone(), run_id.clone());
        let sql = "SELECT * FROM runs JOIN run_documents ON run_id = id WHERE id = ? AND workflow_id = ?";
        self.read(move |connection| {
            statement::row(connection, sql, [run_id.as_str(), workflow_id.as_str()], rows::run)
        })
        .await
    }

    async fn list(&self, workflow: &WorkflowKey, query: &ListQuery) -> Result<Page<RunRecord>, StoreError> {
        let (workflow, query) = (workflow.clone(), query.clone());
        self.read(move |connection| {
            let params = params![
                workflow.owner.as_str(),
                workflow.id.as_str(),
                query.cursor,
                query.status.as_ref().map(RunStatus::as_str),
                query.since.map(Timestamp::as_unix_millis),
                page::with_one_more(query.limit),
            ];
            page::read(connection, (&list_sql(&query), params), (query.limit, "seq"), rows::run)
        })
        .await
    }

    async fn events(&self, scope: &Scope, after: i64, limit: u32) -> Result<Vec<LifecycleEvent>, StoreError> {
        let scope = scope.clone();
        self.read(move |connection| events::after(connection, &scope, after, limit)).await
    }

    async fn latest_event(&self) -> Result<i64, StoreError> {
        let sql = "SELECT COALESCE(MAX(seq), 0) FROM events";
        self.read(move |connection| statement::value(connection, sql, ())).await
    }

    async fn workflows(&self, owner: &Owner, query: &ListQuery) -> Result<Page<WorkflowRecord>, StoreError> {
        let (owner, query) = (owner.clone(), query.clone());
        let sql = "SELECT * FROM workflows WHERE owner = ? AND seq < ? AND created_at >= ? ORDER BY seq DESC LIMIT ?";
        self.read(move |connection| {
            let params = params![
                owner.as_str(),
                query.cursor.unwrap_or(i64::MAX),
                query.since.map_or(i64::MIN, Timestamp::as_unix_millis),
                page::with_one_more(query.limit),
            ];
            page::read(connection, (sql, params), (query.limit, "seq"), rows::workflow)
        })
        .await
    }

    async fn workflow(&self, key: &WorkflowKey) -> Result<Option<WorkflowRecord>, StoreError> {
        let key = key.clone();
        let sql = "SELECT * FROM workflows WHERE owner = ? AND id = ?";
        self.read(move |connection| {
            statement::row(connection, sql, [key.owner.as_str(), key.id.as_str()], rows::workflow)
        })
        .await
    }
}

/// What is asked for a part of a list. Only the conditions that there are stand in it, so that SQLite can choose the
/// index by them.
fn list_sql(query: &ListQuery) -> String {
    let mut sql =
        "SELECT * FROM runs JOIN run_documents ON run_id = id WHERE owner = ?1 AND workflow_id = ?2"
            .to_owned();
    if query.cursor.is_some() {
        sql.push_str(" AND seq < ?3");
    }
    if query.status.is_some() {
        sql.push_str(" AND status = ?4");
    }
    if query.since.is_some() {
        // Without the bound, all that is older would be looked at to fill the last page.
        sql.push_str(
            " AND seq >= (SELECT seq FROM runs WHERE owner = ?1 AND workflow_id = ?2 AND created_at >= ?5
                          ORDER BY created_at, seq LIMIT 1)",
        );
    }
    sql.push_str(" ORDER BY seq DESC LIMIT ?6");
    sql
}

fn json(object: &Object) -> String {
    Value::Object(object.clone()).to_json()
}
