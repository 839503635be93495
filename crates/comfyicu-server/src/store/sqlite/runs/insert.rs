//! Taking in a run.

use std::sync::Arc;

use comfyicu_model::Timestamp;
use rusqlite::params;

use super::change::Change;
use super::json;
use crate::run::{EventKind, RunRecord};
use crate::store::sqlite::claims::{self, Claim};
use crate::store::sqlite::writer::{Changes, Operation};
use crate::store::sqlite::{events, statement, usage};
use crate::store::{Claimed, Committed, IdempotencyClaim, RunKey, StoreError, WaitingRun};

/// The most bytes of what was submitted for a run to stay at hand: many may wait.
const MAX_RECORD_BYTES: usize = 256 * 1024;

/// Takes in a run.
#[derive(Debug)]
pub(super) struct Insert {
    run: Arc<RunRecord>,
    key: RunKey,
    data: String,
    files: String,
    costs: String,
    claim: Option<Claim>,
}

impl Insert {
    pub(super) fn new(run: Arc<RunRecord>, claim: Option<IdempotencyClaim>) -> Self {
        Self {
            key: run.key(),
            data: json(&run.data),
            files: json(&run.files),
            costs: json(&run.costs.to_object()),
            claim: claim.map(|claim| Claim { made: claim, run_id: run.id.clone(), now: run.created_at }),
            run,
        }
    }

    /// Gives its place in the order of acceptance, and since when it counts as taken in.
    fn insert_rows(&self, changes: &mut Changes<'_>) -> Result<(i64, Timestamp), StoreError> {
        let run = &*self.run;
        let (run_id, owner, workflow_id) = (run.id.as_str(), run.owner.as_str(), run.workflow_id.as_str());
        let created_at = run.created_at.as_unix_millis();
        statement::execute(
            changes.connection,
            "INSERT INTO workflows (owner, id, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (owner, id) DO UPDATE SET updated_at = excluded.updated_at",
            params![owner, workflow_id, created_at],
        )?;
        let inserted = statement::row(
            changes.connection,
            // A clock can be set back; the order of the runs of a workflow stays that of their acceptance.
            "INSERT INTO runs (id, owner, workflow_id, status, attempt, created_at, updated_at, accelerator, webhook, api_key_id)
             VALUES (?1, ?2, ?3, ?4, ?5,
                     MAX(?6, COALESCE((SELECT MAX(created_at) FROM runs WHERE owner = ?2 AND workflow_id = ?3), 0)),
                     ?7, ?8, ?9, ?10)
             RETURNING seq, created_at",
            params![
                run_id,
                owner,
                workflow_id,
                run.status.as_str(),
                run.attempt,
                created_at,
                run.updated_at.as_unix_millis(),
                run.accelerator,
                run.webhook,
                run.api_key_id,
            ],
            |row| Ok((row.get("seq")?, Timestamp::from_unix_millis(row.get("created_at")?))),
        )?;
        statement::execute(
            changes.connection,
            "INSERT INTO run_documents (run_id, data, files, costs) VALUES (?, ?, ?, ?)",
            params![run_id, self.data, self.files, self.costs],
        )?;
        inserted.ok_or(StoreError::Database(rusqlite::Error::QueryReturnedNoRows))
    }

    /// Takes it in, unless there is a reason not to.
    fn take_in(&self, changes: &mut Changes<'_>) -> Result<Result<Taken, Claimed>, StoreError> {
        if let Some(claim) = &self.claim {
            match claims::find(changes.connection, &claim.made)? {
                Claimed::New => {}
                earlier => return Ok(Err(earlier)),
            }
        }
        if let Some(key_id) = &self.run.api_key_id
            && let Some(refused) = usage::refusal(changes.connection, key_id, self.run.created_at)?
        {
            return Ok(Err(refused));
        }
        if let Some(claim) = &self.claim {
            claims::keep(changes.connection, claim)?;
        }
        let (seq, created_at) = self.insert_rows(changes)?;
        let (run, kind) = (&self.run, self.run.last_event());
        let event = events::insert(changes.connection, &self.key, kind, run.attempt, run.updated_at)?;
        // A record that differs from what was written is nobody's.
        let is_as_given = created_at == run.created_at;
        let is_at_hand = is_as_given && self.data.len() + self.files.len() <= MAX_RECORD_BYTES;
        let waiting = (kind == EventKind::Queued).then(|| WaitingRun {
            seq,
            key: self.key.clone(),
            accelerator: run.accelerator.clone(),
            has_files: !run.files.is_empty(),
            not_before: None,
            record: is_at_hand.then(|| Arc::clone(run)),
        });
        Ok(Ok(Taken { committed: Committed { event, waiting, delivery: None }, is_as_given }))
    }
}

/// A run that was taken in.
#[derive(Debug)]
struct Taken {
    committed: Committed,
    /// Whether what is written down is the record that was given.
    is_as_given: bool,
}

impl Operation for Insert {
    type Output = Claimed;

    fn apply(&self, changes: &mut Changes<'_>) -> Result<Claimed, StoreError> {
        Ok(match self.take_in(changes)? {
            Ok(taken) => {
                changes.tell(taken.committed);
                Claimed::New
            }
            Err(refused) => refused,
        })
    }
}

/// Takes in a run, and begins it.
#[derive(Debug)]
pub(super) struct InsertStarted {
    pub(super) insert: Insert,
    pub(super) start: Change,
}

impl Operation for InsertStarted {
    type Output = (Claimed, bool);

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(Claimed, bool), StoreError> {
        let Taken { committed, is_as_given } = match self.insert.take_in(changes)? {
            Ok(taken) => taken,
            Err(refused) => return Ok((refused, false)),
        };
        if !is_as_given {
            changes.tell(committed);
            return Ok((Claimed::New, false));
        }
        // It waits for nobody.
        changes.tell(Committed { waiting: None, ..committed });
        Ok((Claimed::New, self.start.apply(changes)?))
    }
}
