//! Taking in a run.

use comfyicu_model::{RunStatus, Timestamp};
use rusqlite::params;

use super::json;
use crate::run::{EventKind, RunRecord};
use crate::store::sqlite::claims::{self, Claim};
use crate::store::sqlite::writer::{Changes, Operation};
use crate::store::sqlite::{events, statement, usage};
use crate::store::{Claimed, Committed, IdempotencyClaim, RunKey, StoreError, WaitingRun};

/// Takes in a run.
#[derive(Debug)]
pub(super) struct Insert {
    key: RunKey,
    status: RunStatus,
    kind: EventKind,
    attempt: u32,
    created_at: Timestamp,
    updated_at: Timestamp,
    accelerator: String,
    webhook: Option<String>,
    api_key_id: Option<String>,
    data: String,
    files: String,
    costs: String,
    claim: Option<Claim>,
}

impl Insert {
    pub(super) fn new(run: &RunRecord, claim: Option<IdempotencyClaim>) -> Self {
        Self {
            key: run.key(),
            status: run.status.clone(),
            kind: run.last_event(),
            attempt: run.attempt,
            created_at: run.created_at,
            updated_at: run.updated_at,
            accelerator: run.accelerator.clone(),
            webhook: run.webhook.clone(),
            api_key_id: run.api_key_id.clone(),
            data: json(&run.data),
            files: json(&run.files),
            costs: json(&run.costs.to_object()),
            claim: claim.map(|claim| Claim { made: claim, run_id: run.id.clone(), now: run.created_at }),
        }
    }

    fn insert_rows(&self, changes: &mut Changes<'_>) -> Result<i64, StoreError> {
        let (owner, workflow_id) = (self.key.owner.as_str(), self.key.workflow_id.as_str());
        let (run_id, created_at) = (self.key.run_id.as_str(), self.created_at.as_unix_millis());
        statement::execute(
            changes.connection,
            "INSERT INTO workflows (owner, id, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (owner, id) DO UPDATE SET updated_at = excluded.updated_at",
            params![owner, workflow_id, created_at],
        )?;
        let seq = statement::insert(
            changes.connection,
            // A clock can be set back; the order of the runs of a workflow stays that of their acceptance.
            "INSERT INTO runs (id, owner, workflow_id, status, attempt, created_at, updated_at, accelerator, webhook, api_key_id)
             VALUES (?1, ?2, ?3, ?4, ?5,
                     MAX(?6, COALESCE((SELECT MAX(created_at) FROM runs WHERE owner = ?2 AND workflow_id = ?3), 0)),
                     ?7, ?8, ?9, ?10)",
            params![
                run_id,
                owner,
                workflow_id,
                self.status.as_str(),
                self.attempt,
                created_at,
                self.updated_at.as_unix_millis(),
                self.accelerator,
                self.webhook,
                self.api_key_id,
            ],
        )?;
        statement::execute(
            changes.connection,
            "INSERT INTO run_documents (run_id, data, files, costs) VALUES (?, ?, ?, ?)",
            params![run_id, self.data, self.files, self.costs],
        )?;
        Ok(seq)
    }
}

impl Operation for Insert {
    type Output = Claimed;

    fn apply(&self, changes: &mut Changes<'_>) -> Result<Claimed, StoreError> {
        if let Some(claim) = &self.claim {
            match claims::find(changes.connection, &claim.made)? {
                Claimed::New => {}
                earlier => return Ok(earlier),
            }
        }
        if let Some(key_id) = &self.api_key_id
            && let Some(refused) = usage::refusal(changes.connection, key_id, self.created_at)?
        {
            return Ok(refused);
        }
        if let Some(claim) = &self.claim {
            claims::keep(changes.connection, claim)?;
        }
        let seq = self.insert_rows(changes)?;
        let event = events::insert(changes.connection, &self.key, self.kind, self.attempt, self.updated_at)?;
        let waiting = (self.kind == EventKind::Queued).then(|| WaitingRun {
            seq,
            key: self.key.clone(),
            accelerator: self.accelerator.clone(),
            has_files: self.files != "{}",
            not_before: None,
        });
        changes.tell(Committed { event, waiting, delivery: None });
        Ok(Claimed::New)
    }
}
