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

/// Takes a key, unless an earlier request has it.
pub(super) async fn take(connection: &mut SqliteConnection, claim: &Claim) -> Result<Claimed, StoreError> {
    let Claim { made, run_id, now } = claim;
    sqlx::query("DELETE FROM idempotency_keys WHERE created_at < ?")
        .bind(made.oldest.as_unix_millis())
        .execute(&mut *connection)
        .await?;
    let earlier = find(connection, made).await?;
    if earlier == Claimed::New {
        sqlx::query(
            "INSERT INTO idempotency_keys (owner, key, request_sha256, run_id, created_at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(&made.owner)
        .bind(&made.key)
        .bind(made.request.as_str())
        .bind(run_id.as_str())
        .bind(now.as_unix_millis())
        .execute(connection)
        .await?;
    }
    Ok(earlier)
}

/// What has a key.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    claim: &IdempotencyClaim,
) -> Result<Claimed, StoreError> {
    let row = sqlx::query(
        "SELECT request_sha256, run_id FROM idempotency_keys WHERE owner = ? AND key = ? AND created_at >= ?",
    )
    .bind(&claim.owner)
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
