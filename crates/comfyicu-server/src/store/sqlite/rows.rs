//! Rows in, records out.

use comfyicu_model::json::{self, Limits, Object, Value};
use comfyicu_model::{RunId, RunStatus, Timestamp, WorkflowId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::StoreError;
use crate::hash::Sha256Hex;
use crate::keys::{KeyDigest, KeyLimits, KeyRecord};
use crate::owner::Owner;
use crate::run::{Costs, EventKind, LifecycleEvent, Outcome, RunRecord};
use crate::store::{
    Attempt, Delivery, DeliveryRecord, DeliveryState, DueDelivery, FetchedFile, RunCount, RunKey, WaitingRun,
    WorkflowRecord, receiver,
};
use crate::usage::UsageRow;

pub(super) fn run(row: &SqliteRow) -> Result<RunRecord, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let outcome = row.try_get::<Option<String>, _>("output")?;
    Ok(RunRecord {
        id: id("runs", &text("id")?, RunId::parse)?,
        owner: id("runs", &text("owner")?, Owner::parse)?,
        workflow_id: id("runs", &text("workflow_id")?, WorkflowId::parse)?,
        status: RunStatus::from(text("status")?.as_str()),
        attempt: row.try_get("attempt")?,
        created_at: Timestamp::from_unix_millis(row.try_get("created_at")?),
        updated_at: Timestamp::from_unix_millis(row.try_get("updated_at")?),
        started_at: moment(row, "started_at")?,
        completed_at: moment(row, "completed_at")?,
        lease_until: moment(row, "lease_until")?,
        not_before: moment(row, "not_before")?,
        accelerator: text("accelerator")?,
        device: row.try_get("device")?,
        webhook: row.try_get("webhook")?,
        api_key_id: row.try_get("api_key_id")?,
        data: object(&text("data")?)?,
        files: object(&text("files")?)?,
        outcome: outcome.map(|text| outcome_of(&text)).transpose()?,
        outputs_removed_at: moment(row, "outputs_removed_at")?,
        costs: Costs::from_object(&object(&text("costs")?)?),
    })
}

pub(super) fn key(row: &SqliteRow) -> Result<RunKey, StoreError> {
    key_of("runs", row, "id")
}

fn key_of(table: &'static str, row: &SqliteRow, run: &str) -> Result<RunKey, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    Ok(RunKey {
        owner: id(table, &text("owner")?, Owner::parse)?,
        workflow_id: id(table, &text("workflow_id")?, WorkflowId::parse)?,
        run_id: id(table, &text(run)?, RunId::parse)?,
    })
}

pub(super) fn waiting_run(row: &SqliteRow) -> Result<WaitingRun, StoreError> {
    Ok(WaitingRun {
        seq: row.try_get("seq")?,
        key: key(row)?,
        accelerator: row.try_get("accelerator")?,
        has_files: row.try_get("has_files")?,
        not_before: moment(row, "not_before")?,
    })
}

pub(super) fn run_count(row: &SqliteRow) -> Result<RunCount, StoreError> {
    Ok(RunCount {
        status: RunStatus::from(row.try_get::<&str, _>("status")?),
        accelerator: row.try_get("accelerator")?,
        count: u64::try_from(row.try_get::<i64, _>("count")?).unwrap_or(0),
        oldest: Timestamp::from_unix_millis(row.try_get("oldest")?),
    })
}

pub(super) fn event(row: &SqliteRow) -> Result<LifecycleEvent, StoreError> {
    Ok(LifecycleEvent {
        seq: row.try_get("seq")?,
        run: key_of("events", row, "run_id")?,
        kind: kind("events", row, "kind")?,
        attempt: row.try_get("attempt")?,
        at: Timestamp::from_unix_millis(row.try_get("created_at")?),
    })
}

pub(super) fn run_id(table: &'static str, row: &SqliteRow, column: &str) -> Result<RunId, StoreError> {
    id(table, &row.try_get::<String, _>(column)?, RunId::parse)
}

fn kind(table: &'static str, row: &SqliteRow, column: &str) -> Result<EventKind, StoreError> {
    EventKind::parse(row.try_get(column)?).ok_or_else(|| corrupt(table, "a kind of event is not one"))
}

fn moment(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_unix_millis))
}

pub(super) fn workflow(row: &SqliteRow) -> Result<WorkflowRecord, StoreError> {
    Ok(WorkflowRecord {
        id: id("workflows", &row.try_get::<String, _>("id")?, WorkflowId::parse)?,
        created_at: Timestamp::from_unix_millis(row.try_get("created_at")?),
        updated_at: Timestamp::from_unix_millis(row.try_get("updated_at")?),
    })
}

pub(super) fn delivery(row: &SqliteRow) -> Result<Delivery, StoreError> {
    Ok(Delivery { id: row.try_get("id")?, url: row.try_get("url")?, body: row.try_get("body")? })
}

pub(super) fn due_delivery(row: &SqliteRow) -> Result<DueDelivery, StoreError> {
    Ok(DueDelivery {
        seq: row.try_get("seq")?,
        run_id: run_id("deliveries", row, "run_id")?,
        receiver: receiver(row.try_get("url")?),
        event: kind("deliveries", row, "event")?,
        step: row.try_get("step")?,
        next_at: Timestamp::from_unix_millis(row.try_get("next_at")?),
    })
}

pub(super) fn delivery_record(row: &SqliteRow) -> Result<DeliveryRecord, StoreError> {
    let state: String = row.try_get("state")?;
    Ok(DeliveryRecord {
        seq: row.try_get("seq")?,
        id: row.try_get("id")?,
        event: kind("deliveries", row, "event")?,
        url: row.try_get("url")?,
        created_at: Timestamp::from_unix_millis(row.try_get("created_at")?),
        state: DeliveryState::parse(&state).ok_or_else(|| corrupt("deliveries", "a state is not one"))?,
        next_at: moment(row, "next_at")?,
        attempts: Vec::new(),
    })
}

pub(super) fn attempt(row: &SqliteRow) -> Result<Attempt, StoreError> {
    let duration_ms: Option<i64> = row.try_get("duration_ms")?;
    Ok(Attempt {
        at: Timestamp::from_unix_millis(row.try_get("at")?),
        duration_ms: duration_ms.and_then(|millis| u64::try_from(millis).ok()),
        status: row.try_get("status")?,
        error: row.try_get("error")?,
    })
}

pub(super) fn api_key(row: &SqliteRow) -> Result<KeyRecord, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    Ok(KeyRecord {
        id: text("id")?,
        owner: id("api_keys", &text("owner")?, Owner::parse)?,
        name: text("name")?,
        scopes: id("api_keys", &text("scopes")?, str::parse)?,
        created_at: Timestamp::from_unix_millis(row.try_get("created_at")?),
        expires_at: moment(row, "expires_at")?,
        revoked_at: moment(row, "revoked_at")?,
        last_used_at: moment(row, "last_used_at")?,
        limits: KeyLimits {
            requests_per_minute: row.try_get("requests_per_minute")?,
            active_runs: row.try_get("active_runs")?,
            gpu_seconds: row
                .try_get::<Option<i64>, _>("gpu_seconds")?
                .map(|seconds| u64::try_from(seconds).unwrap_or(0)),
        },
    })
}

pub(super) fn key_digest(row: &SqliteRow) -> Result<KeyDigest, StoreError> {
    Ok(KeyDigest {
        sha256: digest("api_key_digests", &row.try_get::<String, _>("sha256")?)?,
        until: moment(row, "until")?,
        key: api_key(row)?,
    })
}

pub(super) fn usage(row: &SqliteRow) -> Result<UsageRow, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let count =
        |column: &str| Ok::<_, sqlx::Error>(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0));
    Ok(UsageRow {
        owner: id("usage", &text("owner")?, Owner::parse)?,
        key_id: Some(text("api_key_id")?).filter(|id| !id.is_empty()),
        key_name: row.try_get("key_name")?,
        workflow_id: id("usage", &text("workflow_id")?, WorkflowId::parse)?,
        completed: count("completed")?,
        failed: count("failed")?,
        cancelled: count("cancelled")?,
        gpu_ms: count("gpu_ms")?,
        fetched_bytes: count("fetched_bytes")?,
    })
}

pub(super) fn fetched_file(row: &SqliteRow) -> Result<FetchedFile, StoreError> {
    Ok(FetchedFile {
        sha256: digest("fetched_files", &row.try_get::<String, _>("sha256")?)?,
        bytes: u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or(0),
        etag: row.try_get("etag")?,
        last_modified: row.try_get("last_modified")?,
        checked_at: Timestamp::from_unix_millis(row.try_get("checked_at")?),
    })
}

pub(super) fn digest(table: &'static str, text: &str) -> Result<Sha256Hex, StoreError> {
    Sha256Hex::parse(text).ok_or_else(|| corrupt(table, "a digest is not one"))
}

fn id<T, E: ToString>(
    table: &'static str,
    text: &str,
    parse: fn(&str) -> Result<T, E>,
) -> Result<T, StoreError> {
    parse(text).map_err(|error| corrupt(table, &error.to_string()))
}

fn value(text: &str) -> Result<Value, StoreError> {
    // What was written may be longer than what was sent: it is read back whatever its size.
    let limits = Limits::default().max_bytes(usize::MAX).max_values(usize::MAX).max_depth(usize::MAX);
    json::read(text.as_bytes(), limits).map_err(|error| corrupt("run_documents", &error.to_string()))
}

fn outcome_of(text: &str) -> Result<Outcome, StoreError> {
    Outcome::from_value(value(text)?).ok_or_else(|| corrupt("run_documents", "an outcome is not one"))
}

fn object(text: &str) -> Result<Object, StoreError> {
    match value(text)? {
        Value::Object(object) => Ok(object),
        other => Err(corrupt("run_documents", &format!("an object is expected, found {}", other.kind()))),
    }
}

fn corrupt(table: &'static str, problem: &str) -> StoreError {
    StoreError::Corrupt { table, problem: problem.to_owned() }
}
