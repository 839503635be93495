//! What was used, summed up by day in SQLite.

use async_trait::async_trait;
use comfyicu_model::{RunStatus, Timestamp};
use sqlx::{QueryBuilder, Row as _, SqliteConnection};

use super::{SqliteStore, StoreError, rows};
use crate::store::{Claimed, RunKey, UsageStore};
use crate::usage::{Day, RunUsage, UsageQuery, UsageRow, counts};

#[async_trait]
impl UsageStore for SqliteStore {
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let mut select = QueryBuilder::new(
            "SELECT usage.owner, api_key_id, api_keys.name AS key_name, workflow_id, SUM(completed) AS completed,
                    SUM(failed) AS failed, SUM(cancelled) AS cancelled, SUM(gpu_ms) AS gpu_ms,
                    SUM(fetched_bytes) AS fetched_bytes
             FROM usage LEFT JOIN api_keys ON api_keys.id = api_key_id WHERE day BETWEEN ",
        );
        select.push_bind(query.from.0).push(" AND ").push_bind(query.to.0);
        if let Some(owner) = &query.owner {
            select.push(" AND usage.owner = ").push_bind(owner.as_str());
        }
        select.push(
            " GROUP BY usage.owner, api_key_id, workflow_id ORDER BY usage.owner, api_key_id, workflow_id",
        );
        let rows = select.build().fetch_all(&self.readers).await?;
        rows.iter().map(rows::usage).collect()
    }
}

/// Why a key has no room for one more run, if it has none.
pub(super) async fn refusal(
    connection: &mut SqliteConnection,
    key_id: &str,
    now: Timestamp,
) -> Result<Option<Claimed>, StoreError> {
    let limits = sqlx::query(
        "SELECT active_runs, gpu_seconds FROM api_keys
         WHERE id = ? AND (active_runs IS NOT NULL OR gpu_seconds IS NOT NULL)",
    )
    .bind(key_id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(limits) = limits else { return Ok(None) };
    if let Some(limit) = limits.try_get::<Option<u32>, _>("active_runs")? {
        let active: u32 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM runs WHERE api_key_id = ? AND status IN ('QUEUED', 'STARTED')",
        )
        .bind(key_id)
        .fetch_one(&mut *connection)
        .await?;
        if active >= limit {
            return Ok(Some(Claimed::TooManyRuns { limit }));
        }
    }
    if let Some(seconds) = limits.try_get::<Option<i64>, _>("gpu_seconds")? {
        let spent: i64 = sqlx::query_scalar(
            "SELECT COALESCE(SUM(gpu_ms), 0) FROM usage JOIN api_keys USING (owner)
             WHERE api_keys.id = ?1 AND api_key_id = ?1 AND day >= ?2",
        )
        .bind(key_id)
        .bind(Day::first_of_month(now).0)
        .fetch_one(&mut *connection)
        .await?;
        if spent >= seconds.saturating_mul(1_000) {
            return Ok(Some(Claimed::QuotaSpent { seconds: u64::try_from(seconds).unwrap_or(0) }));
        }
    }
    Ok(None)
}

/// Adds what a run used that has ended.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    key: &RunKey,
    (api_key_id, accelerator): (Option<&str>, &str),
    status: &RunStatus,
    usage: RunUsage,
) -> Result<(), StoreError> {
    let [completed, failed, cancelled] = counts(status);
    sqlx::query(
        "INSERT INTO usage (owner, api_key_id, day, workflow_id, accelerator, completed, failed, cancelled, gpu_ms, fetched_bytes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET completed = completed + excluded.completed, failed = failed + excluded.failed,
                                   cancelled = cancelled + excluded.cancelled, gpu_ms = gpu_ms + excluded.gpu_ms,
                                   fetched_bytes = fetched_bytes + excluded.fetched_bytes",
    )
    .bind(key.owner.as_str())
    .bind(api_key_id.unwrap_or_default())
    .bind(usage.day.0)
    .bind(key.workflow_id.as_str())
    .bind(accelerator)
    .bind(completed)
    .bind(failed)
    .bind(cancelled)
    .bind(i64::try_from(usage.gpu_ms).unwrap_or(i64::MAX))
    .bind(i64::try_from(usage.fetched_bytes).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}
