//! Runs in SQLite.

use async_trait::async_trait;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{RunId, RunStatus, Timestamp, WorkflowId};
use sqlx::QueryBuilder;

use super::claims::{self, Claim};
use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, events, outbox, page, rows, usage};
use crate::owner::{Owner, WorkflowKey};
use crate::run::{EventKind, LifecycleEvent, RunRecord};
use crate::store::{
    Claimed, Committed, IdempotencyClaim, ListQuery, NewDelivery, Page, RunCount, RunKey, RunStore, Scope,
    WaitingRun, WorkflowRecord,
};
use crate::usage::RunUsage;

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

    async fn expired(&self, before: Option<Timestamp>, limit: u32) -> Result<Vec<RunKey>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, owner, workflow_id FROM runs
             WHERE status = 'STARTED' AND (lease_until IS NULL OR lease_until < COALESCE(?, lease_until + 1))
             ORDER BY seq LIMIT ?",
        )
        .bind(before.map(Timestamp::as_unix_millis))
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

/// Takes in a run.
#[derive(Debug)]
struct Insert {
    key: RunKey,
    status: RunStatus,
    kind: EventKind,
    attempt: u32,
    created_at: Timestamp,
    updated_at: Timestamp,
    accelerator: String,
    webhook: Option<String>,
    api_key_id: Option<String>,
    data: String,
    files: String,
    costs: String,
    claim: Option<Claim>,
}

impl Insert {
    fn new(run: &RunRecord, claim: Option<IdempotencyClaim>) -> Self {
        Self {
            key: run.key(),
            status: run.status.clone(),
            kind: run.last_event(),
            attempt: run.attempt,
            created_at: run.created_at,
            updated_at: run.updated_at,
            accelerator: run.accelerator.clone(),
            webhook: run.webhook.clone(),
            api_key_id: run.api_key_id.clone(),
            data: json(&run.data),
            files: json(&run.files),
            costs: json(&run.costs.to_object()),
            claim: claim.map(|claim| Claim { made: claim, run_id: run.id.clone(), now: run.created_at }),
        }
    }

    async fn insert_rows(&self, changes: &mut Changes<'_>) -> Result<i64, StoreError> {
        sqlx::query(
            "INSERT INTO workflows (owner, id, created_at, updated_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (owner, id) DO UPDATE SET updated_at = excluded.updated_at",
        )
        .bind(self.key.owner.as_str())
        .bind(self.key.workflow_id.as_str())
        .bind(self.created_at.as_unix_millis())
        .bind(self.created_at.as_unix_millis())
        .execute(&mut *changes.connection)
        .await?;
        let inserted = sqlx::query(
            // A clock can be set back; the order of the runs of a workflow stays that of their acceptance.
            "INSERT INTO runs (id, owner, workflow_id, status, attempt, created_at, updated_at, accelerator, webhook, api_key_id)
             VALUES (?1, ?2, ?3, ?4, ?5,
                     MAX(?6, COALESCE((SELECT MAX(created_at) FROM runs WHERE owner = ?2 AND workflow_id = ?3), 0)),
                     ?7, ?8, ?9, ?10)",
        )
        .bind(self.key.run_id.as_str())
        .bind(self.key.owner.as_str())
        .bind(self.key.workflow_id.as_str())
        .bind(self.status.as_str())
        .bind(self.attempt)
        .bind(self.created_at.as_unix_millis())
        .bind(self.updated_at.as_unix_millis())
        .bind(&self.accelerator)
        .bind(self.webhook.as_deref())
        .bind(self.api_key_id.as_deref())
        .execute(&mut *changes.connection)
        .await?;
        sqlx::query("INSERT INTO run_documents (run_id, data, files, costs) VALUES (?, ?, ?, ?)")
            .bind(self.key.run_id.as_str())
            .bind(&self.data)
            .bind(&self.files)
            .bind(&self.costs)
            .execute(&mut *changes.connection)
            .await?;
        Ok(inserted.last_insert_rowid())
    }
}

#[async_trait]
impl Operation for Insert {
    type Output = Claimed;

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<Claimed, StoreError> {
        if let Some(claim) = &self.claim {
            match claims::find(changes.connection, &claim.made).await? {
                Claimed::New => {}
                earlier => return Ok(earlier),
            }
        }
        if let Some(key_id) = &self.api_key_id
            && let Some(refused) = usage::refusal(changes.connection, key_id, self.created_at).await?
        {
            return Ok(refused);
        }
        if let Some(claim) = &self.claim {
            claims::keep(changes.connection, claim).await?;
        }
        let seq = self.insert_rows(changes).await?;
        let event =
            events::insert(changes.connection, &self.key, self.kind, self.attempt, self.updated_at).await?;
        let waiting = (self.kind == EventKind::Queued).then(|| WaitingRun {
            seq,
            key: self.key.clone(),
            accelerator: self.accelerator.clone(),
            has_files: self.files != "{}",
            not_before: None,
        });
        changes.tell(Committed { event, waiting, delivery: None });
        Ok(Claimed::New)
    }
}

/// Replaces a run by its changed form.
#[derive(Debug)]
struct Change {
    key: RunKey,
    from: (RunStatus, u32),
    status: RunStatus,
    kind: EventKind,
    attempt: u32,
    updated_at: Timestamp,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    device: Option<String>,
    lease_until: Option<Timestamp>,
    not_before: Option<Timestamp>,
    accelerator: String,
    has_files: bool,
    api_key_id: Option<String>,
    /// What the run used, when this is its end.
    used: Option<RunUsage>,
    /// Output and costs, where they are others than before.
    documents: Option<(Option<String>, String)>,
    output_bytes: Option<i64>,
    told: Option<NewDelivery>,
}

impl Change {
    fn new(before: &RunRecord, after: &RunRecord, told: Option<NewDelivery>) -> Self {
        let changed = after.outcome != before.outcome || after.costs != before.costs;
        let output = || after.outcome.as_ref().map(|outcome| outcome.to_value().to_json());
        Self {
            key: after.key(),
            from: (before.status.clone(), before.attempt),
            status: after.status.clone(),
            kind: after.last_event(),
            attempt: after.attempt,
            updated_at: after.updated_at,
            started_at: after.started_at,
            completed_at: after.completed_at,
            device: after.device.clone(),
            lease_until: after.lease_until,
            not_before: after.not_before,
            accelerator: after.accelerator.clone(),
            has_files: !after.files.is_empty(),
            api_key_id: after.api_key_id.clone(),
            used: RunUsage::of(after),
            documents: changed.then(|| (output(), json(&after.costs.to_object()))),
            output_bytes: after.costs.output_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            told,
        }
    }

    /// The run's place in the order of acceptance, when it was still what the change began from.
    async fn update_run(&self, changes: &mut Changes<'_>) -> Result<Option<i64>, StoreError> {
        let seq = sqlx::query_scalar(
            "UPDATE runs SET status = ?, attempt = ?, updated_at = ?, started_at = ?, completed_at = ?, device = ?,
                    lease_until = ?, not_before = ?, output_bytes = ?
             WHERE id = ? AND status = ? AND attempt = ? RETURNING seq",
        )
        .bind(self.status.as_str())
        .bind(self.attempt)
        .bind(self.updated_at.as_unix_millis())
        .bind(self.started_at.map(Timestamp::as_unix_millis))
        .bind(self.completed_at.map(Timestamp::as_unix_millis))
        .bind(self.device.as_deref())
        .bind(self.lease_until.map(Timestamp::as_unix_millis))
        .bind(self.not_before.map(Timestamp::as_unix_millis))
        .bind(self.output_bytes)
        .bind(self.key.run_id.as_str())
        .bind(self.from.0.as_str())
        .bind(self.from.1)
        .fetch_optional(&mut *changes.connection)
        .await?;
        Ok(seq)
    }
}

#[async_trait]
impl Operation for Change {
    type Output = bool;

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let Some(seq) = self.update_run(changes).await? else { return Ok(false) };
        if let Some((output, costs)) = &self.documents {
            sqlx::query("UPDATE run_documents SET output = ?, costs = ? WHERE run_id = ?")
                .bind(output.as_deref())
                .bind(costs)
                .bind(self.key.run_id.as_str())
                .execute(&mut *changes.connection)
                .await?;
        }
        if let Some(used) = self.used {
            let whose = (self.api_key_id.as_deref(), self.accelerator.as_str());
            usage::add(changes.connection, &self.key, whose, &self.status, used).await?;
        }
        let delivery = match &self.told {
            Some(told) => {
                let (run_id, now) = (&self.key.run_id, self.updated_at);
                Some(outbox::insert(changes.connection, run_id, self.kind, told, now).await?)
            }
            None => None,
        };
        let event =
            events::insert(changes.connection, &self.key, self.kind, self.attempt, self.updated_at).await?;
        let waiting = (self.kind == EventKind::Queued).then(|| WaitingRun {
            seq,
            key: self.key.clone(),
            accelerator: self.accelerator.clone(),
            has_files: self.has_files,
            not_before: self.not_before,
        });
        changes.tell(Committed { event, waiting, delivery });
        Ok(true)
    }
}

/// Prolongs a lease.
#[derive(Debug)]
struct Renew {
    run_id: RunId,
    attempt: u32,
    until: Timestamp,
}

#[async_trait]
impl Operation for Renew {
    type Output = bool;

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let renewed = sqlx::query(
            "UPDATE runs SET lease_until = ? WHERE id = ? AND attempt = ? AND status = 'STARTED'",
        )
        .bind(self.until.as_unix_millis())
        .bind(self.run_id.as_str())
        .bind(self.attempt)
        .execute(&mut *changes.connection)
        .await?;
        Ok(renewed.rows_affected() == 1)
    }
}

fn json(object: &Object) -> String {
    Value::Object(object.clone()).to_json()
}
