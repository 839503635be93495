//! Messages and their log in SQLite.

use async_trait::async_trait;
use comfyicu_model::{RunId, Timestamp};
use sqlx::SqliteConnection;

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, rows};
use crate::run::EventKind;
use crate::store::{
    Attempt, Delivery, DeliveryRecord, DeliveryState, DueDelivery, NewDelivery, Outbox, receiver,
};

/// The columns of a message, but for its body.
const SELECT_DUE: &str = "SELECT seq, run_id, event, url, step, next_at FROM deliveries WHERE next_at IS NOT NULL AND seq > ? ORDER BY seq LIMIT ?";

#[async_trait]
impl Outbox for SqliteStore {
    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<DueDelivery>, StoreError> {
        let rows = sqlx::query(SELECT_DUE).bind(after).bind(limit).fetch_all(&self.readers).await?;
        rows.iter().map(rows::due_delivery).collect()
    }

    async fn message(&self, seq: i64) -> Result<Option<Delivery>, StoreError> {
        let row = sqlx::query("SELECT id, url, body FROM deliveries WHERE seq = ? AND next_at IS NOT NULL")
            .bind(seq)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::delivery).transpose()
    }

    async fn attempted(
        &self,
        seq: i64,
        attempt: Attempt,
        state: DeliveryState,
        next_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.write(Attempted { seq, attempt, state, next_at }).await
    }

    async fn deliveries(&self, run_id: &RunId) -> Result<Vec<DeliveryRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, id, event, url, created_at, state, next_at FROM deliveries WHERE run_id = ? ORDER BY seq",
        )
        .bind(run_id.as_str())
        .fetch_all(&self.readers)
        .await?;
        let mut records = rows.iter().map(rows::delivery_record).collect::<Result<Vec<_>, _>>()?;
        for record in &mut records {
            let rows = sqlx::query("SELECT * FROM delivery_attempts WHERE delivery = ? ORDER BY number")
                .bind(record.seq)
                .fetch_all(&self.readers)
                .await?;
            record.attempts = rows.iter().map(rows::attempt).collect::<Result<_, _>>()?;
        }
        Ok(records)
    }

    async fn resend(
        &self,
        run_id: &RunId,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<DueDelivery>, StoreError> {
        self.write(Resend { run_id: run_id.clone(), id: id.to_owned(), now }).await
    }
}

/// Takes in a message, to be sent at once.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    run_id: &RunId,
    event: EventKind,
    delivery: &NewDelivery,
    now: Timestamp,
) -> Result<DueDelivery, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO deliveries (id, run_id, event, url, body, created_at, state, next_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&delivery.id)
    .bind(run_id.as_str())
    .bind(event.as_str())
    .bind(&delivery.url)
    .bind(&delivery.body)
    .bind(now.as_unix_millis())
    .bind(DeliveryState::Pending.as_str())
    .bind(now.as_unix_millis())
    .execute(connection)
    .await?;
    let (seq, receiver) = (inserted.last_insert_rowid(), receiver(&delivery.url));
    Ok(DueDelivery { seq, run_id: run_id.clone(), receiver, event, step: 0, next_at: now })
}

#[derive(Debug)]
struct Attempted {
    seq: i64,
    attempt: Attempt,
    state: DeliveryState,
    next_at: Option<Timestamp>,
}

#[async_trait]
impl Operation for Attempted {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        sqlx::query("UPDATE deliveries SET state = ?, step = step + 1, next_at = ? WHERE seq = ?")
            .bind(self.state.as_str())
            .bind(self.next_at.map(Timestamp::as_unix_millis))
            .bind(self.seq)
            .execute(&mut *changes.connection)
            .await?;
        sqlx::query(
            "INSERT INTO delivery_attempts (delivery, number, at, duration_ms, status, error)
             SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4, ?5 FROM delivery_attempts WHERE delivery = ?1",
        )
        .bind(self.seq)
        .bind(self.attempt.at.as_unix_millis())
        .bind(self.attempt.duration_ms.map(|millis| i64::try_from(millis).unwrap_or(i64::MAX)))
        .bind(self.attempt.status)
        .bind(self.attempt.error.as_deref())
        .execute(&mut *changes.connection)
        .await?;
        Ok(())
    }
}

#[derive(Debug)]
struct Resend {
    run_id: RunId,
    id: String,
    now: Timestamp,
}

#[async_trait]
impl Operation for Resend {
    type Output = Option<DueDelivery>;

    /// One that still waits is sent by its schedule, and is not sent twice at once.
    async fn apply(&self, changes: &mut Changes<'_>) -> Result<Option<DueDelivery>, StoreError> {
        let row = sqlx::query(
            "UPDATE deliveries SET state = 'pending', step = 0, next_at = ?
             WHERE run_id = ? AND id = ? AND next_at IS NULL
             RETURNING seq, run_id, event, url, step, next_at",
        )
        .bind(self.now.as_unix_millis())
        .bind(self.run_id.as_str())
        .bind(&self.id)
        .fetch_optional(&mut *changes.connection)
        .await?;
        row.as_ref().map(rows::due_delivery).transpose()
    }
}
