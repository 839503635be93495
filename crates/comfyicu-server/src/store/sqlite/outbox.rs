//! Messages in SQLite.

use async_trait::async_trait;
use comfyicu_model::Timestamp;

use super::{SqliteStore, StoreError, rows};
use crate::store::{Delivery, Outbox};

#[async_trait]
impl Outbox for SqliteStore {
    async fn waiting(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let rows = sqlx::query("SELECT * FROM deliveries WHERE attempted_at IS NULL ORDER BY seq LIMIT ?")
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(rows::delivery).collect()
    }

    async fn attempted(&self, seq: i64, outcome: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE deliveries SET attempted_at = ?, outcome = ? WHERE seq = ?")
            .bind(now.as_unix_millis())
            .bind(outcome)
            .bind(seq)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
