//! Lifecycle events in SQLite.

use comfyicu_model::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;

use super::{StoreError, rows};
use crate::run::{EventKind, LifecycleEvent};
use crate::store::{RunKey, Scope};

/// Writes down what happened to a run.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    key: &RunKey,
    kind: EventKind,
    attempt: u32,
    at: Timestamp,
) -> Result<LifecycleEvent, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO events (run_id, owner, workflow_id, kind, attempt, created_at) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(key.run_id.as_str())
    .bind(key.owner.as_str())
    .bind(key.workflow_id.as_str())
    .bind(kind.as_str())
    .bind(attempt)
    .bind(at.as_unix_millis())
    .execute(connection)
    .await?;
    Ok(LifecycleEvent { seq: inserted.last_insert_rowid(), run: key.clone(), kind, attempt, at })
}

/// What happened after a place, in order.
pub(super) async fn after(
    readers: &SqlitePool,
    scope: &Scope,
    after: i64,
    limit: u32,
) -> Result<Vec<LifecycleEvent>, StoreError> {
    let query = match scope {
        Scope::Run(run_id) => {
            sqlx::query("SELECT * FROM events WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?")
                .bind(run_id.as_str())
        }
        Scope::Workflow(workflow) => sqlx::query(
            "SELECT * FROM events WHERE owner = ? AND workflow_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        )
        .bind(workflow.owner.as_str())
        .bind(workflow.id.as_str()),
    };
    let rows = query.bind(after).bind(limit).fetch_all(readers).await?;
    rows.iter().map(rows::event).collect()
}
