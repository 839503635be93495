//! Lifecycle events in SQLite.

use comfyicu_model::Timestamp;
use rusqlite::{Connection, params};

use super::{StoreError, rows, statement};
use crate::run::{EventKind, LifecycleEvent};
use crate::store::{RunKey, Scope};

/// Writes down what happened to a run.
pub(super) fn insert(
    connection: &Connection,
    key: &RunKey,
    kind: EventKind,
    attempt: u32,
    at: Timestamp,
) -> Result<LifecycleEvent, StoreError> {
    let seq = statement::insert(
        connection,
        "INSERT INTO events (run_id, owner, workflow_id, kind, attempt, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        params![
            key.run_id.as_str(),
            key.owner.as_str(),
            key.workflow_id.as_str(),
            kind.as_str(),
            attempt,
            at.as_unix_millis()
        ],
    )?;
    Ok(LifecycleEvent { seq, run: key.clone(), kind, attempt, at })
}

/// What happened after a place, in order.
pub(super) fn after(
    connection: &Connection,
    scope: &Scope,
    after: i64,
    limit: u32,
) -> Result<Vec<LifecycleEvent>, StoreError> {
    match scope {
        Scope::Run(run_id) => statement::rows(
            connection,
            "SELECT * FROM events WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            params![run_id.as_str(), after, limit],
            rows::event,
        ),
        Scope::Workflow(workflow) => statement::rows(
            connection,
            "SELECT * FROM events WHERE owner = ? AND workflow_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            params![workflow.owner.as_str(), workflow.id.as_str(), after, limit],
            rows::event,
        ),
    }
}
