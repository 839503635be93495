//! Prolonging the lease of a run.

use async_trait::async_trait;
use comfyicu_model::{RunId, Timestamp};

use crate::store::StoreError;
use crate::store::sqlite::writer::{Changes, Operation};

/// Prolongs a lease.
#[derive(Debug)]
pub(super) struct Renew {
    pub(super) run_id: RunId,
    pub(super) attempt: u32,
    pub(super) until: Timestamp,
}

#[async_trait]
impl Operation for Renew {
    type Output = bool;

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<bool, StoreError> {
        let renewed = sqlx::query(
            "UPDATE runs SET lease_until = ? WHERE id = ? AND attempt = ? AND status = 'STARTED'",
        )
        .bind(self.until.as_unix_millis())
        .bind(self.run_id.as_str())
        .bind(self.attempt)
        .execute(&mut *changes.connection)
        .await?;
        Ok(renewed.rows_affected() == 1)
    }
}
