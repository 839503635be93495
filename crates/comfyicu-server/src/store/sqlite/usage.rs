//! What was used, summed up by day in SQLite.

use async_trait::async_trait;
use comfyicu_model::{RunStatus, Timestamp};
use rusqlite::{Connection, params};

use super::{SqliteStore, StoreError, rows, statement};
use crate::owner::Owner;
use crate::store::{Claimed, RunKey, UsageStore};
use crate::usage::{Day, RunUsage, UsageQuery, UsageRow, counts};

#[async_trait]
impl UsageStore for SqliteStore {
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let query = query.clone();
        // Only where it is asked for, so that one owner's rows are found by the index.
        let of_owner = if query.owner.is_some() { "AND usage.owner = ?1" } else { "" };
        let sql = format!(
            "SELECT usage.owner, api_key_id, api_keys.name AS key_name, workflow_id, SUM(completed) AS completed,
                    SUM(failed) AS failed, SUM(cancelled) AS cancelled, SUM(gpu_ms) AS gpu_ms,
                    SUM(fetched_bytes) AS fetched_bytes
             FROM usage LEFT JOIN api_keys ON api_keys.id = api_key_id
             WHERE day BETWEEN ?2 AND ?3 {of_owner}
             GROUP BY usage.owner, api_key_id, workflow_id ORDER BY usage.owner, api_key_id, workflow_id"
        );
        self.read(move |connection| {
            let params = params![query.owner.as_ref().map(Owner::as_str), query.from.0, query.to.0];
            statement::rows(connection, &sql, params, rows::usage)
        })
        .await
    }
}

/// Why a key has no room for one more run, if it has none.
pub(super) fn refusal(
    connection: &Connection,
    key_id: &str,
    now: Timestamp,
) -> Result<Option<Claimed>, StoreError> {
    let limits = statement::row(
        connection,
        "SELECT active_runs, gpu_seconds FROM api_keys
         WHERE id = ? AND (active_runs IS NOT NULL OR gpu_seconds IS NOT NULL)",
        [key_id],
        |row| Ok((row.get::<_, Option<u32>>(0)?, row.get::<_, Option<i64>>(1)?)),
    )?;
    let Some((active_runs, gpu_seconds)) = limits else { return Ok(None) };
    if let Some(limit) = active_runs {
        let active: u32 = statement::value(
            connection,
            "SELECT COUNT(*) FROM runs WHERE api_key_id = ? AND status IN ('QUEUED', 'STARTED')",
            [key_id],
        )?;
        if active >= limit {
            return Ok(Some(Claimed::TooManyRuns { limit }));
        }
    }
    if let Some(seconds) = gpu_seconds {
        let spent: i64 = statement::value(
            connection,
            "SELECT COALESCE(SUM(gpu_ms), 0) FROM usage JOIN api_keys USING (owner)
             WHERE api_keys.id = ?1 AND api_key_id = ?1 AND day >= ?2",
            params![key_id, Day::first_of_month(now).0],
        )?;
        if spent >= seconds.saturating_mul(1_000) {
            return Ok(Some(Claimed::QuotaSpent { seconds: u64::try_from(seconds).unwrap_or(0) }));
        }
    }
    Ok(None)
}

/// Adds what a run used that has ended.
pub(super) fn add(
    connection: &Connection,
    key: &RunKey,
    (api_key_id, accelerator): (Option<&str>, &str),
    status: &RunStatus,
    usage: RunUsage,
) -> Result<(), StoreError> {
    let [completed, failed, cancelled] = counts(status);
    statement::execute(
        connection,
        "INSERT INTO usage (owner, api_key_id, day, workflow_id, accelerator, completed, failed, cancelled, gpu_ms, fetched_bytes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET completed = completed + excluded.completed, failed = failed + excluded.failed,
                                   cancelled = cancelled + excluded.cancelled, gpu_ms = gpu_ms + excluded.gpu_ms,
                                   fetched_bytes = fetched_bytes + excluded.fetched_bytes",
        params![
            key.owner.as_str(),
            api_key_id.unwrap_or_default(),
            usage.day.0,
            key.workflow_id.as_str(),
            accelerator,
            completed,
            failed,
            cancelled,
            i64::try_from(usage.gpu_ms).unwrap_or(i64::MAX),
            i64::try_from(usage.fetched_bytes).unwrap_or(i64::MAX),
        ],
    )?;
    Ok(())
}
