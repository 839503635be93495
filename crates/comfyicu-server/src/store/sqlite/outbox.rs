//! Messages and their log in SQLite.

use async_trait::async_trait;
use comfyicu_model::{RunId, Timestamp};
use rusqlite::{Connection, params};

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, rows, statement};
use crate::run::EventKind;
use crate::store::{
    Attempt, Delivery, DeliveryRecord, DeliveryState, DueDelivery, NewDelivery, Outbox, receiver,
};

#[async_trait]
impl Outbox for SqliteStore {
    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<DueDelivery>, StoreError> {
        let sql = "SELECT seq, run_id, event, url, step, next_at FROM deliveries
                   WHERE next_at IS NOT NULL AND seq > ? ORDER BY seq LIMIT ?";
        self.read(move |connection| {
            statement::rows(connection, sql, params![after, limit], rows::due_delivery)
        })
        .await
    }

    async fn message(&self, seq: i64) -> Result<Option<Delivery>, StoreError> {
        let sql = "SELECT id, url, body FROM deliveries WHERE seq = ? AND next_at IS NOT NULL";
        self.read(move |connection| statement::row(connection, sql, [seq], rows::delivery)).await
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
        let run_id = run_id.clone();
        self.read(move |connection| {
            let sql = "SELECT seq, id, event, url, created_at, state, next_at FROM deliveries
                       WHERE run_id = ? ORDER BY seq";
            let mut records = statement::rows(connection, sql, [run_id.as_str()], rows::delivery_record)?;
            for record in &mut records {
                let sql = "SELECT * FROM delivery_attempts WHERE delivery = ? ORDER BY number";
                record.attempts = statement::rows(connection, sql, [record.seq], rows::attempt)?;
            }
            Ok(records)
        })
        .await
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
pub(super) fn insert(
    connection: &Connection,
    run_id: &RunId,
    event: EventKind,
    delivery: &NewDelivery,
    now: Timestamp,
) -> Result<DueDelivery, StoreError> {
    let seq = statement::insert(
        connection,
        "INSERT INTO deliveries (id, run_id, event, url, body, created_at, state, next_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6)",
        params![
            delivery.id,
            run_id.as_str(),
            event.as_str(),
            delivery.url,
            delivery.body,
            now.as_unix_millis(),
            DeliveryState::Pending.as_str(),
        ],
    )?;
    let receiver = receiver(&delivery.url);
    Ok(DueDelivery { seq, run_id: run_id.clone(), receiver, event, step: 0, next_at: now })
}

#[derive(Debug)]
struct Attempted {
    seq: i64,
    attempt: Attempt,
    state: DeliveryState,
    next_at: Option<Timestamp>,
}

impl Operation for Attempted {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        statement::execute(
            changes.connection,
            "UPDATE deliveries SET state = ?, step = step + 1, next_at = ? WHERE seq = ?",
            params![self.state.as_str(), self.next_at.map(Timestamp::as_unix_millis), self.seq],
        )?;
        let Attempt { at, duration_ms, status, error } = &self.attempt;
        statement::execute(
            changes.connection,
            "INSERT INTO delivery_attempts (delivery, number, at, duration_ms, status, error)
             SELECT ?1, COALESCE(MAX(number), 0) + 1, ?2, ?3, ?4, ?5 FROM delivery_attempts WHERE delivery = ?1",
            params![
                self.seq,
                at.as_unix_millis(),
                duration_ms.map(|millis| i64::try_from(millis).unwrap_or(i64::MAX)),
                status,
                error,
            ],
        )?;
        Ok(())
    }
}

#[derive(Debug)]
struct Resend {
    run_id: RunId,
    id: String,
    now: Timestamp,
}

impl Operation for Resend {
    type Output = Option<DueDelivery>;

    /// One that still waits is sent by its schedule, and is not sent twice at once.
    fn apply(&self, changes: &mut Changes<'_>) -> Result<Option<DueDelivery>, StoreError> {
        statement::row(
            changes.connection,
            "UPDATE deliveries SET state = 'pending', step = 0, next_at = ?
             WHERE run_id = ? AND id = ? AND next_at IS NULL
             RETURNING seq, run_id, event, url, step, next_at",
            params![self.now.as_unix_millis(), self.run_id.as_str(), self.id],
            rows::due_delivery,
        )
    }
}
