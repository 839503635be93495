//! Runs that have ended, and their removal, in SQLite.

use async_trait::async_trait;
use comfyicu_model::{RunId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _};

use super::writer::{Changes, Operation};
use super::{SqliteStore, StoreError, rows};
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
    " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.run_id = runs.id AND next_at IS NOT NULL)";

#[async_trait]
impl RetentionStore for SqliteStore {
    async fn cuts(&self, what: Removable, limits: &Limits) -> Result<Cuts, StoreError> {
        let before = limits.ended_since.map(Timestamp::as_unix_millis);
        Ok(Cuts {
            ended_since: before.map(|before| Place { ended_at: before.saturating_sub(1), seq: i64::MAX }),
            count: match limits.count {
                Some(count) => self.place_after(what, count).await?,
                None => None,
            },
            output_bytes: match limits.output_bytes {
                Some(bytes) => self.place_beyond(what, bytes).await?,
                None => None,
            },
        })
    }

    async fn removable(
        &self,
        what: Removable,
        after: Option<Place>,
        up_to: Place,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError> {
        let after = after.unwrap_or(BEGINNING);
        let mut select = QueryBuilder::new(
            "SELECT completed_at, seq, id, owner, workflow_id, COALESCE(output_bytes, 0) AS bytes FROM runs WHERE ",
        );
        select.push(condition(what)).push(" AND (completed_at, seq) > (");
        select.push_bind(after.ended_at).push(", ").push_bind(after.seq);
        select.push(") AND (completed_at, seq) <= (").push_bind(up_to.ended_at).push(", ");
        select.push_bind(up_to.seq).push(")").push(ALL_TOLD);
        select.push(" ORDER BY completed_at, seq LIMIT ").push_bind(limit);
        select.build().fetch_all(&self.readers).await?.iter().map(ended_run).collect()
    }

    async fn remove(&self, what: Removable, run_id: &RunId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(Remove { what, run_id: run_id.clone(), now }).await
    }

    async fn removals(&self, after: &str, limit: u32) -> Result<Vec<RunId>, StoreError> {
        let rows = sqlx::query("SELECT run_id FROM removals WHERE run_id > ? ORDER BY run_id LIMIT ?")
            .bind(after)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| rows::run_id("removals", row, "run_id")).collect()
    }

    async fn removed(&self, run_id: &RunId) -> Result<(), StoreError> {
        self.write(Removed { run_id: run_id.clone() }).await
    }

    async fn unmeasured(&self, limit: u32) -> Result<Vec<(RunId, u32)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, attempt FROM runs
             WHERE status = 'COMPLETED' AND output_bytes IS NULL AND outputs_removed_at IS NULL ORDER BY seq LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((rows::run_id("runs", row, "id")?, row.try_get("attempt")?))).collect()
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
        let mut select = QueryBuilder::new(
            "SELECT events.seq FROM events JOIN runs ON runs.id = events.run_id
             WHERE runs.completed_at IS NOT NULL
               AND events.seq < (SELECT MAX(seq) FROM events AS later WHERE later.run_id = events.run_id)
               AND events.seq > ",
        );
        select.push_bind(after).push(" AND events.created_at < ").push_bind(before.as_unix_millis());
        select.push(" AND (runs.completed_at, runs.seq) > (").push_bind(after_run.ended_at).push(", ");
        select.push_bind(after_run.seq).push(")").push(ALL_TOLD);
        select.push(" ORDER BY events.seq LIMIT ").push_bind(limit);
        Ok(select.build_query_scalar().fetch_all(&self.readers).await?)
    }

    async fn remove_events(&self, places: &[i64]) -> Result<(), StoreError> {
        self.write(RemoveEvents { places: places.to_vec() }).await
    }
}

impl SqliteStore {
    /// The newest place that is not among the newest `count`.
    async fn place_after(&self, what: Removable, count: u64) -> Result<Option<Place>, StoreError> {
        let mut select = QueryBuilder::new("SELECT completed_at, seq FROM runs WHERE ");
        select.push(condition(what)).push(" ORDER BY completed_at DESC, seq DESC LIMIT 1 OFFSET ");
        select.push_bind(to_sql(count));
        select.build().fetch_optional(&self.readers).await?.as_ref().map(place).transpose()
    }

    /// The newest place at which the outputs, counted from the newest on, have more bytes than this.
    async fn place_beyond(&self, what: Removable, bytes: u64) -> Result<Option<Place>, StoreError> {
        let mut select = QueryBuilder::new(
            "SELECT completed_at, seq FROM (
                 SELECT completed_at, seq, TOTAL(output_bytes) OVER (
                     ORDER BY completed_at DESC, seq DESC ROWS UNBOUNDED PRECEDING) AS so_far
                 FROM runs WHERE ",
        );
        select.push(condition(what)).push(") WHERE so_far > ").push_bind(to_sql(bytes));
        select.push(" ORDER BY completed_at DESC, seq DESC LIMIT 1");
        select.build().fetch_optional(&self.readers).await?.as_ref().map(place).transpose()
    }
}

fn place(row: &SqliteRow) -> Result<Place, StoreError> {
    Ok(Place { ended_at: row.try_get("completed_at")?, seq: row.try_get("seq")? })
}

fn ended_run(row: &SqliteRow) -> Result<EndedRun, StoreError> {
    let key = rows::key(row)?;
    let bytes: i64 = row.try_get("bytes")?;
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

#[async_trait]
impl Operation for Remove {
    type Output = bool;

    /// It begins with writing, so that what it decides by stays so: another process may write too.
    async fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let mut note = QueryBuilder::new("INSERT INTO removals (run_id, created_at) SELECT id, ");
        note.push_bind(self.now.as_unix_millis())
            .push(" FROM runs WHERE id = ")
            .push_bind(self.run_id.as_str());
        note.push(" AND ").push(condition(self.what)).push(ALL_TOLD);
        note.push(" ON CONFLICT (run_id) DO UPDATE SET created_at = excluded.created_at");
        if note.build().execute(&mut *changes.connection).await?.rows_affected() == 0 {
            return Ok(false);
        }
        match self.what {
            Removable::Run => remove_rows(changes, &self.run_id).await?,
            Removable::Outputs => {
                sqlx::query("UPDATE runs SET outputs_removed_at = ? WHERE id = ?")
                    .bind(self.now.as_unix_millis())
                    .bind(self.run_id.as_str())
                    .execute(&mut *changes.connection)
                    .await?;
            }
        }
        Ok(true)
    }
}

async fn remove_rows(changes: &mut Changes<'_>, run_id: &RunId) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM delivery_attempts WHERE delivery IN (SELECT seq FROM deliveries WHERE run_id = ?)",
        "DELETE FROM deliveries WHERE run_id = ?",
        "DELETE FROM events WHERE run_id = ?",
        "DELETE FROM run_documents WHERE run_id = ?",
        "DELETE FROM runs WHERE id = ?",
    ] {
        sqlx::query(statement).bind(run_id.as_str()).execute(&mut *changes.connection).await?;
    }
    Ok(())
}

#[derive(Debug)]
struct Removed {
    run_id: RunId,
}

#[async_trait]
impl Operation for Removed {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM removals WHERE run_id = ?")
            .bind(self.run_id.as_str())
            .execute(&mut *changes.connection)
            .await?;
        Ok(())
    }
}

#[derive(Debug)]
struct Measured {
    run_id: RunId,
    bytes: i64,
}

#[async_trait]
impl Operation for Measured {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        sqlx::query("UPDATE runs SET output_bytes = ? WHERE id = ? AND output_bytes IS NULL")
            .bind(self.bytes)
            .bind(self.run_id.as_str())
            .execute(&mut *changes.connection)
            .await?;
        Ok(())
    }
}

#[derive(Debug)]
struct RemoveEvents {
    places: Vec<i64>,
}

#[async_trait]
impl Operation for RemoveEvents {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        for place in &self.places {
            sqlx::query("DELETE FROM events WHERE seq = ?")
                .bind(place)
                .execute(&mut *changes.connection)
                .await?;
        }
        Ok(())
    }
}
