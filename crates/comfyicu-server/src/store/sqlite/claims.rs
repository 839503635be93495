//! Idempotency keys in SQLite.

use comfyicu_model::{RunId, Timestamp};
use rusqlite::{Connection, params};

use super::{StoreError, rows, statement};
use crate::store::{Claimed, IdempotencyClaim};

/// A claim, and the run that it would make.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) made: IdempotencyClaim,
    pub(super) run_id: RunId,
    pub(super) now: Timestamp,
}

/// Keeps a claim, and forgets those that are too old.
pub(super) fn keep(connection: &Connection, claim: &Claim) -> Result<(), StoreError> {
    let Claim { made, run_id, now } = claim;
    statement::execute(
        connection,
        "DELETE FROM idempotency_keys WHERE created_at < ?",
        [made.oldest.as_unix_millis()],
    )?;
    statement::execute(
        connection,
        "INSERT INTO idempotency_keys (owner, key, request_sha256, run_id, created_at) VALUES (?, ?, ?, ?, ?)",
        params![made.owner.as_str(), made.key, made.request.as_str(), run_id.as_str(), now.as_unix_millis()],
    )?;
    Ok(())
}

/// What has a key.
pub(super) fn find(connection: &Connection, claim: &IdempotencyClaim) -> Result<Claimed, StoreError> {
    let found = statement::row(
        connection,
        "SELECT request_sha256, run_id FROM idempotency_keys WHERE owner = ? AND key = ? AND created_at >= ?",
        params![claim.owner.as_str(), claim.key, claim.oldest.as_unix_millis()],
        |row| {
            if rows::text(row, "request_sha256")? == claim.request.as_str() {
                Ok(Claimed::Same(rows::run_id("idempotency_keys", row, "run_id")?))
            } else {
                Ok(Claimed::Other)
            }
        },
    )?;
    Ok(found.unwrap_or(Claimed::New))
}
