//! Messages in SQLite.

use async_trait::async_trait;
use comfyicu_model::Timestamp;

use super::writer::{Changes, Operation};
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
        self.write(Attempted { seq, outcome: outcome.to_owned(), now }).await
    }
}

#[derive(Debug)]
struct Attempted {
    seq: i64,
    outcome: String,
    now: Timestamp,
}

#[async_trait]
impl Operation for Attempted {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        sqlx::query("UPDATE deliveries SET attempted_at = ?, outcome = ? WHERE seq = ?")
            .bind(self.now.as_unix_millis())
            .bind(&self.outcome)
            .bind(self.seq)
            .execute(&mut *changes.connection)
            .await?;
        Ok(())
    }
}
