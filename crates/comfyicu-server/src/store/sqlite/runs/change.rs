//! Changing a run, and telling of it.

use comfyicu_model::{RunStatus, Timestamp};
use rusqlite::params;

use super::json;
use crate::run::{EventKind, RunRecord};
use crate::store::sqlite::writer::{Changes, Operation};
use crate::store::sqlite::{events, outbox, statement, usage};
use crate::store::{Committed, NewDelivery, RunKey, StoreError, WaitingRun};
use crate::usage::RunUsage;

/// Replaces a run by its changed form.
#[derive(Debug)]
pub(super) struct Change {
    key: RunKey,
    from: (RunStatus, u32),
    status: RunStatus,
    kind: EventKind,
    attempt: u32,
    updated_at: Timestamp,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    device: Option<String>,
    lease_until: Option<Timestamp>,
    not_before: Option<Timestamp>,
    accelerator: String,
    has_files: bool,
    api_key_id: Option<String>,
    /// What the run used, when this is its end.
    used: Option<RunUsage>,
    /// Output and costs, where they are others than before.
    documents: Option<(Option<String>, String)>,
    output_bytes: Option<i64>,
    told: Option<NewDelivery>,
}

impl Change {
    pub(super) fn new(before: &RunRecord, after: &RunRecord, told: Option<NewDelivery>) -> Self {
        let changed = after.outcome != before.outcome || after.costs != before.costs;
        let output = || after.outcome.as_ref().map(|outcome| outcome.to_value().to_json());
        Self {
            key: after.key(),
            from: (before.status.clone(), before.attempt),
            status: after.status.clone(),
            kind: after.last_event(),
            attempt: after.attempt,
            updated_at: after.updated_at,
            started_at: after.started_at,
            completed_at: after.completed_at,
            device: after.device.clone(),
            lease_until: after.lease_until,
            not_before: after.not_before,
            accelerator: after.accelerator.clone(),
            has_files: !after.files.is_empty(),
            api_key_id: after.api_key_id.clone(),
            used: RunUsage::of(after),
            documents: changed.then(|| (output(), json(&after.costs.to_object()))),
            output_bytes: after.costs.output_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            told,
        }
    }

    /// The run's place in the order of acceptance, when it was still what the change began from.
    fn update_run(&self, changes: &mut Changes<'_>) -> Result<Option<i64>, StoreError> {
        statement::optional_value(
            changes.connection,
            "UPDATE runs SET status = ?, attempt = ?, updated_at = ?, started_at = ?, completed_at = ?, device = ?,
                    lease_until = ?, not_before = ?, output_bytes = ?
             WHERE id = ? AND status = ? AND attempt = ? RETURNING seq",
            params![
                self.status.as_str(),
                self.attempt,
                self.updated_at.as_unix_millis(),
                self.started_at.map(Timestamp::as_unix_millis),
                self.completed_at.map(Timestamp::as_unix_millis),
                self.device,
                self.lease_until.map(Timestamp::as_unix_millis),
                self.not_before.map(Timestamp::as_unix_millis),
                self.output_bytes,
                self.key.run_id.as_str(),
                self.from.0.as_str(),
                self.from.1,
            ],
        )
    }
}

impl Operation for Change {
    type Output = bool;

    fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let Some(seq) = self.update_run(changes)? else { return Ok(false) };
        if let Some((output, costs)) = &self.documents {
            statement::execute(
                changes.connection,
                "UPDATE run_documents SET output = ?, costs = ? WHERE run_id = ?",
                params![output, costs, self.key.run_id.as_str()],
            )?;
        }
        if let Some(used) = self.used {
            let whose = (self.api_key_id.as_deref(), self.accelerator.as_str());
            usage::add(changes.connection, &self.key, whose, &self.status, used)?;
        }
        let delivery = match &self.told {
            Some(told) => {
                let (run_id, now) = (&self.key.run_id, self.updated_at);
                Some(outbox::insert(changes.connection, run_id, self.kind, told, now)?)
            }
            None => None,
        };
        let event = events::insert(changes.connection, &self.key, self.kind, self.attempt, self.updated_at)?;
        let waiting = (self.kind == EventKind::Queued).then(|| WaitingRun {
            seq,
            key: self.key.clone(),
            accelerator: self.accelerator.clone(),
            has_files: self.has_files,
            not_before: self.not_before,
            record: None,
        });
        changes.tell(Committed { event, waiting, delivery });
        Ok(true)
    }
}
