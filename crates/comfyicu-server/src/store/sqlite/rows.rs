//! Rows in, records out.

use comfyicu_model::json::{self, Limits, Object, Value};
use comfyicu_model::{RunId, RunStatus, Timestamp, WorkflowId};
use rusqlite::Row;

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

/// The text of a column, as it lies in the row.
pub(super) fn text<'r>(row: &'r Row<'_>, column: &str) -> Result<&'r str, StoreError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

pub(super) fn run(row: &Row<'_>) -> Result<RunRecord, StoreError> {
    let outcome: Option<String> = row.get("output")?;
    Ok(RunRecord {
        id: id("runs", text(row, "id")?, RunId::parse)?,
        owner: id("runs", text(row, "owner")?, Owner::parse)?,
        workflow_id: id("runs", text(row, "workflow_id")?, WorkflowId::parse)?,
        status: RunStatus::from(text(row, "status")?),
        attempt: row.get("attempt")?,
        created_at: Timestamp::from_unix_millis(row.get("created_at")?),
        updated_at: Timestamp::from_unix_millis(row.get("updated_at")?),
        started_at: moment(row, "started_at")?,
        completed_at: moment(row, "completed_at")?,
        lease_until: moment(row, "lease_until")?,
        not_before: moment(row, "not_before")?,
        accelerator: row.get("accelerator")?,
        device: row.get("device")?,
        webhook: row.get("webhook")?,
        api_key_id: row.get("api_key_id")?,
        data: object(text(row, "data")?)?,
        files: object(text(row, "files")?)?,
        outcome: outcome.map(|text| outcome_of(&text)).transpose()?,
        outputs_removed_at: moment(row, "outputs_removed_at")?,
        costs: Costs::from_object(&object(text(row, "costs")?)?),
    })
}

pub(super) fn key(row: &Row<'_>) -> Result<RunKey, StoreError> {
    key_of("runs", row, "id")
}

fn key_of(table: &'static str, row: &Row<'_>, run: &str) -> Result<RunKey, StoreError> {
    Ok(RunKey {
        owner: id(table, text(row, "owner")?, Owner::parse)?,
        workflow_id: id(table, text(row, "workflow_id")?, WorkflowId::parse)?,
        run_id: id(table, text(row, run)?, RunId::parse)?,
    })
}

pub(super) fn waiting_run(row: &Row<'_>) -> Result<WaitingRun, StoreError> {
    Ok(WaitingRun {
        seq: row.get("seq")?,
        key: key(row)?,
        accelerator: row.get("accelerator")?,
        has_files: row.get("has_files")?,
        not_before: moment(row, "not_before")?,
        record: None,
    })
}

pub(super) fn run_count(row: &Row<'_>) -> Result<RunCount, StoreError> {
    Ok(RunCount {
        status: RunStatus::from(text(row, "status")?),
        accelerator: row.get("accelerator")?,
        count: u64::try_from(row.get::<_, i64>("count")?).unwrap_or(0),
        oldest: Timestamp::from_unix_millis(row.get("oldest")?),
    })
}

pub(super) fn event(row: &Row<'_>) -> Result<LifecycleEvent, StoreError> {
    Ok(LifecycleEvent {
        seq: row.get("seq")?,
        run: key_of("events", row, "run_id")?,
        kind: kind("events", row, "kind")?,
        attempt: row.get("attempt")?,
        at: Timestamp::from_unix_millis(row.get("created_at")?),
    })
}

pub(super) fn run_id(table: &'static str, row: &Row<'_>, column: &str) -> Result<RunId, StoreError> {
    id(table, text(row, column)?, RunId::parse)
}

fn kind(table: &'static str, row: &Row<'_>, column: &str) -> Result<EventKind, StoreError> {
    EventKind::parse(text(row, column)?).ok_or_else(|| corrupt(table, "a kind of event is not one"))
}

fn moment(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_unix_millis))
}

pub(super) fn workflow(row: &Row<'_>) -> Result<WorkflowRecord, StoreError> {
    Ok(WorkflowRecord {
        id: id("workflows", text(row, "id")?, WorkflowId::parse)?,
        created_at: Timestamp::from_unix_millis(row.get("created_at")?),
        updated_at: Timestamp::from_unix_millis(row.get("updated_at")?),
    })
}

pub(super) fn delivery(row: &Row<'_>) -> Result<Delivery, StoreError> {
    Ok(Delivery { id: row.get("id")?, url: row.get("url")?, body: row.get("body")? })
}

pub(super) fn due_delivery(row: &Row<'_>) -> Result<DueDelivery, StoreError> {
    Ok(DueDelivery {
        seq: row.get("seq")?,
        run_id: run_id("deliveries", row, "run_id")?,
        receiver: receiver(text(row, "url")?),
        event: kind("deliveries", row, "event")?,
        step: row.get("step")?,
        next_at: Timestamp::from_unix_millis(row.get("next_at")?),
    })
}

pub(super) fn delivery_record(row: &Row<'_>) -> Result<DeliveryRecord, StoreError> {
    Ok(DeliveryRecord {
        seq: row.get("seq")?,
        id: row.get("id")?,
        event: kind("deliveries", row, "event")?,
        url: row.get("url")?,
        created_at: Timestamp::from_unix_millis(row.get("created_at")?),
        state: DeliveryState::parse(text(row, "state")?)
            .ok_or_else(|| corrupt("deliveries", "a state is not one"))?,
        next_at: moment(row, "next_at")?,
        attempts: Vec::new(),
    })
}

pub(super) fn attempt(row: &Row<'_>) -> Result<Attempt, StoreError> {
    let duration_ms: Option<i64> = row.get("duration_ms")?;
    Ok(Attempt {
        at: Timestamp::from_unix_millis(row.get("at")?),
        duration_ms: duration_ms.and_then(|millis| u64::try_from(millis).ok()),
        status: row.get("status")?,
        error: row.get("error")?,
    })
}

pub(super) fn api_key(row: &Row<'_>) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        id: row.get("id")?,
        owner: id("api_keys", text(row, "owner")?, Owner::parse)?,
        name: row.get("name")?,
        scopes: id("api_keys", text(row, "scopes")?, str::parse)?,
        created_at: Timestamp::from_unix_millis(row.get("created_at")?),
        expires_at: moment(row, "expires_at")?,
        revoked_at: moment(row, "revoked_at")?,
        last_used_at: moment(row, "last_used_at")?,
        limits: KeyLimits {
            requests_per_minute: row.get("requests_per_minute")?,
            active_runs: row.get("active_runs")?,
            gpu_seconds: row
                .get::<_, Option<i64>>("gpu_seconds")?
                .map(|seconds| u64::try_from(seconds).unwrap_or(0)),
        },
    })
}

pub(super) fn key_digest(row: &Row<'_>) -> Result<KeyDigest, StoreError> {
    Ok(KeyDigest {
        sha256: digest("api_key_digests", text(row, "sha256")?)?,
        until: moment(row, "until")?,
        key: api_key(row)?,
    })
}

pub(super) fn usage(row: &Row<'_>) -> Result<UsageRow, StoreError> {
    let count =
        |column: &str| Ok::<_, rusqlite::Error>(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0));
    Ok(UsageRow {
        owner: id("usage", text(row, "owner")?, Owner::parse)?,
        key_id: Some(row.get("api_key_id")?).filter(|id: &String| !id.is_empty()),
        key_name: row.get("key_name")?,
        workflow_id: id("usage", text(row, "workflow_id")?, WorkflowId::parse)?,
        completed: count("completed")?,
        failed: count("failed")?,
        cancelled: count("cancelled")?,
        gpu_ms: count("gpu_ms")?,
        fetched_bytes: count("fetched_bytes")?,
    })
}

pub(super) fn fetched_file(row: &Row<'_>) -> Result<FetchedFile, StoreError> {
    Ok(FetchedFile {
        sha256: digest("fetched_files", text(row, "sha256")?)?,
        bytes: u64::try_from(row.get::<_, i64>("bytes")?).unwrap_or(0),
        etag: row.get("etag")?,
        last_modified: row.get("last_modified")?,
        checked_at: Timestamp::from_unix_millis(row.get("checked_at")?),
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
