//! Runs that have ended, and their removal, in SQLite.

use async_trait::async_trait;
use comfyicu_model::{RunId, Timestamp};
use rusqlite::{Connection, Row, params};

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, rows, statement};
use crate::store::{Cuts, EndedRun, Limits, Place, Removable, RetentionStore};

/// That something may be removed of a run.
const fn condition(what: Removable) -> &'static str {
    match what {
        Removable::Run => "completed_at IS NOT NULL",
        Removable::Outputs => "completed_at IS NOT NULL AND outputs_removed_at IS NULL AND output_bytes > 0",
    }
}

/// Before all that ended.
const BEGINNING: Place = Place { ended_at: i64::MIN, seq: i64::MIN };

/// That a run has no webhook that waits.
const ALL_TOLD: &str =
    "NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.run_id = runs.id AND next_at IS NOT NULL)";

#[async_trait]
impl RetentionStore for SqliteStore {
    async fn cuts(&self, what: Removable, limits: &Limits) -> Result<Cuts, StoreError> {
        let before = limits.ended_since.map(Timestamp::as_unix_millis);
        let (count, bytes) = (limits.count, limits.output_bytes);
        self.read(move |connection| {
            Ok(Cuts {
                ended_since: before.map(|before| Place { ended_at: before.saturating_sub(1), seq: i64::MAX }),
                count: count.map(|count| place_after(connection, what, count)).transpose()?.flatten(),
                output_bytes: bytes.map(|bytes| place_beyond(connection, what, bytes)).transpose()?.flatten(),
            })
        })
        .await
    }

    async fn removable(
        &self,
        what: Removable,
        after: Option<Place>,
        up_to: Place,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError> {
        let after = after.unwrap_or(BEGINNING);
        let sql = format!(
            "SELECT completed_at, seq, id, owner, workflow_id, COALESCE(output_bytes, 0) AS bytes FROM runs
             WHERE {} AND (completed_at, seq) > (?, ?) AND (completed_at, seq) <= (?, ?) AND {ALL_TOLD}
             ORDER BY completed_at, seq LIMIT ?",
            condition(what)
        );
        self.read(move |connection| {
            let params = params![after.ended_at, after.seq, up_to.ended_at, up_to.seq, limit];
            statement::rows(connection, &sql, params, ended_run)
        })
        .await
    }

    async fn remove(&self, what: Removable, run_id: &RunId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(Remove { what, run_id: run_id.clone(), now }).await
    }

    async fn removals(&self, after: &str, limit: u32) -> Result<Vec<RunId>, StoreError> {
        let after = after.to_owned();
        let sql = "SELECT run_id FROM removals WHERE run_id > ? ORDER BY run_id LIMIT ?";
        let read = |row: &Row<'_>| rows::run_id("removals", row, "run_id");
        self.read(move |connection| statement::rows(connection, sql, params![after, limit], read)).await
    }

    async fn removed(&self, run_id: &RunId) -> Result<(), StoreError> {
        self.write(Removed { run_id: run_id.clone() }).await
    }

    async fn unmeasured(&self, limit: u32) -> Result<Vec<(RunId, u32)>, StoreError> {
        let sql = "SELECT id, attempt FROM runs
                   WHERE status = 'COMPLETED' AND output_bytes IS NULL AND outputs_removed_at IS NULL
                   ORDER BY seq LIMIT ?";
        let read = |row: &Row<'_>| Ok((rows::run_id("runs", row, "id")?, row.get("attempt")?));
        self.read(move |connection| statement::rows(connection, sql, [limit], read)).await
    }

    async fn measured(&self, run_id: &RunId, bytes: u64) -> Result<(), StoreError> {
        self.write(Measured { run_id: run_id.clone(), bytes: to_sql(bytes) }).await
    }

    async fn old_events(
        &self,
        before: Timestamp,
        after_run: Option<Place>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        let after_run = after_run.unwrap_or(BEGINNING);
        let sql = format!(
            "SELECT events.seq FROM events JOIN runs ON runs.id = events.run_id
             WHERE runs.completed_at IS NOT NULL
               AND events.seq < (SELECT MAX(seq) FROM events AS later WHERE later.run_id = events.run_id)
               AND events.seq > ? AND events.created_at < ? AND (runs.completed_at, runs.seq) > (?, ?)
               AND {ALL_TOLD}
             ORDER BY events.seq LIMIT ?"
        );
        self.read(move |connection| {
            let params = params![after, before.as_unix_millis(), after_run.ended_at, after_run.seq, limit];
            statement::rows(connection, &sql, params, |row| Ok(row.get(0)?))
        })
        .await
    }

    async fn remove_events(&self, places: &[i64]) -> Result<(), StoreError> {
        self.write(RemoveEvents { places: places.to_vec() }).await
    }
}

/// The newest place that is not among the newest `count`.
fn place_after(connection: &Connection, what: Removable, count: u64) -> Result<Option<Place>, StoreError> {
    let sql = format!(
        "SELECT completed_at, seq FROM runs WHERE {} ORDER BY completed_at DESC, seq DESC LIMIT 1 OFFSET ?",
        condition(what)
    );
    statement::row(connection, &sql, [to_sql(count)], place)
}

/// The newest place at which the outputs, counted from the newest on, have more bytes than this.
fn place_beyond(connection: &Connection, what: Removable, bytes: u64) -> Result<Option<Place>, StoreError> {
    let sql = format!(
        "SELECT completed_at, seq FROM (
             SELECT completed_at, seq, TOTAL(output_bytes) OVER (
                 ORDER BY completed_at DESC, seq DESC ROWS UNBOUNDED PRECEDING) AS so_far
             FROM runs WHERE {}) WHERE so_far > ? ORDER BY completed_at DESC, seq DESC LIMIT 1",
        condition(what)
    );
    statement::row(connection, &sql, [to_sql(bytes)], place)
}

fn place(row: &Row<'_>) -> Result<Place, StoreError> {
    Ok(Place { ended_at: row.get("completed_at")?, seq: row.get("seq")? })
}

fn ended_run(row: &Row<'_>) -> Result<EndedRun, StoreError> {
    let key = rows::key(row)?;
    let bytes: i64 = row.get("bytes")?;
    Ok(EndedRun {
        place: place(row)?,
        workflow_id: key.workflow_id,
        run_id: key.run_id,
        output_bytes: u64::try_from(bytes).unwrap_or_default(),
    })
}

fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[derive(Debug)]
struct Remove {
    what: Removable,
    run_id: RunId,
    now: Timestamp,
}

impl Operation for Remove {
    type Output = bool;

    /// It begins with writing, so that what it decides by stays so: another process may write too.
    fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let (run_id, now) = (self.run_id.as_str(), self.now.as_unix_millis());
        let note = format!(
            "INSERT INTO removals (run_id, created_at) SELECT id, ?1 FROM runs WHERE id = ?2 AND {} AND {ALL_TOLD}
             ON CONFLICT (run_id) DO UPDATE SET created_at = excluded.created_at",
            condition(self.what)
        );
        if statement::execute(changes.connection, &note, params![now, run_id])? == 0 {
            return Ok(false);
        }
        match self.what {
            Removable::Run => remove_rows(changes, run_id)?,
            Removable::Outputs => {
                let sql = "UPDATE runs SET outputs_removed_at = ? WHERE id = ?";
                statement::execute(changes.connection, sql, params![now, run_id])?;
            }
        }
        Ok(true)
    }
}

fn remove_rows(changes: &Changes<'_>, run_id: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM delivery_attempts WHERE delivery IN (SELECT seq FROM deliveries WHERE run_id = ?)",
        "DELETE FROM deliveries WHERE run_id = ?",
        "DELETE FROM events WHERE run_id = ?",
        "DELETE FROM run_documents WHERE run_id = ?",
        "DELETE FROM runs WHERE id = ?",
    ] {
        statement::execute(changes.connection, sql, [run_id])?;
    }
    Ok(())
}

#[derive(Debug)]
struct Removed {
    run_id: RunId,
}

impl Operation for Removed {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let sql = "DELETE FROM removals WHERE run_id = ?";
        statement::execute(changes.connection, sql, [self.run_id.as_str()])?;
        Ok(())
    }
}

#[derive(Debug)]
struct Measured {
    run_id: RunId,
    bytes: i64,
}

impl Operation for Measured {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let sql = "UPDATE runs SET output_bytes = ? WHERE id = ? AND output_bytes IS NULL";
        statement::execute(changes.connection, sql, params![self.bytes, self.run_id.as_str()])?;
        Ok(())
    }
}

#[derive(Debug)]
struct RemoveEvents {
    places: Vec<i64>,
}

impl Operation for RemoveEvents {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        for place in &self.places {
            statement::execute(changes.connection, "DELETE FROM events WHERE seq = ?", [place])?;
        }
        Ok(())
    }
}
