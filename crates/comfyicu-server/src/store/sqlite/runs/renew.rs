//! Prolonging the lease of a run.

use comfyicu_model::{RunId, Timestamp};
use rusqlite::params;

use crate::store::StoreError;
use crate::store::sqlite::statement;
use crate::store::sqlite::writer::{Changes, Operation};

/// Prolongs a lease.
#[derive(Debug)]
pub(super) struct Renew {
    pub(super) run_id: RunId,
    pub(super) attempt: u32,
    pub(super) until: Timestamp,
}

impl Operation for Renew {
    type Output = bool;

    fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let renewed = statement::execute(
            changes.connection,
            "UPDATE runs SET lease_until = ? WHERE id = ? AND attempt = ? AND status = 'STARTED'",
            params![self.until.as_unix_millis(), self.run_id.as_str(), self.attempt],
        )?;
        Ok(renewed == 1)
    }
}
