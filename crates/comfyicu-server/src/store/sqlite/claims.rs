//! Idempotency keys in SQLite.

use comfyicu_model::{RunId, Timestamp};
use sqlx::{Row as _, SqliteConnection};

use super::{StoreError, rows};
use crate::store::{Claimed, IdempotencyClaim};

/// A claim, and the run that it would make.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) made: IdempotencyClaim,
    pub(super) run_id: RunId,
    pub(super) now: Timestamp,
}

/// Keeps a claim, and forgets those that are too old.
pub(super) async fn keep(connection: &mut SqliteConnection, claim: &Claim) -> Result<(), StoreError> {
    let Claim { made, run_id, now } = claim;
    sqlx::query("DELETE FROM idempotency_keys WHERE created_at < ?")
        .bind(made.oldest.as_unix_millis())
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO idempotency_keys (owner, key, request_sha256, run_id, created_at) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(made.owner.as_str())
    .bind(&made.key)
    .bind(made.request.as_str())
    .bind(run_id.as_str())
    .bind(now.as_unix_millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// What has a key.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    claim: &IdempotencyClaim,
) -> Result<Claimed, StoreError> {
    let row = sqlx::query(
        "SELECT request_sha256, run_id FROM idempotency_keys WHERE owner = ? AND key = ? AND created_at >= ?",
    )
    .bind(claim.owner.as_str())
    .bind(&claim.key)
    .bind(claim.oldest.as_unix_millis())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(Claimed::New) };
    if row.try_get::<String, _>("request_sha256")? == claim.request.as_str() {
        Ok(Claimed::Same(rows::run_id("idempotency_keys", &row, "run_id")?))
    } else {
        Ok(Claimed::Other)
    }
}
