//! The outbox, and how its messages fared.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use comfyicu_model::{RunId, Timestamp};

use super::Metrics;
use super::labels::OutcomeLabels;
use crate::store::{Attempt, Delivery, DeliveryRecord, DeliveryState, DueDelivery, Outbox, StoreError};

/// An outbox whose attempts are counted.
#[derive(Debug)]
pub(crate) struct MeasuredOutbox {
    outbox: Arc<dyn Outbox>,
    metrics: Metrics,
}

impl MeasuredOutbox {
    pub(crate) const fn new(outbox: Arc<dyn Outbox>, metrics: Metrics) -> Self {
        Self { outbox, metrics }
    }
}

/// How attempts can go.
pub(super) const OUTCOMES: [&str; 3] = ["delivered", "refused", "no_answer"];

/// How an attempt went, for a label.
const fn outcome(attempt: &Attempt, state: DeliveryState) -> &'static str {
    match (state, attempt.status) {
        (DeliveryState::Delivered, _) => "delivered",
        (_, Some(_)) => "refused",
        (_, None) => "no_answer",
    }
}

#[async_trait]
impl Outbox for MeasuredOutbox {
    async fn pending(&self, after: i64, limit: u32) -> Result<Vec<DueDelivery>, StoreError> {
        self.outbox.pending(after, limit).await
    }

    async fn message(&self, seq: i64) -> Result<Option<Delivery>, StoreError> {
        self.outbox.message(seq).await
    }

    async fn attempted(
        &self,
        seq: i64,
        attempt: Attempt,
        state: DeliveryState,
        next_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let labels = OutcomeLabels { outcome: outcome(&attempt, state) };
        self.metrics.0.webhook_attempts.get_or_create(&labels).inc();
        if let Some(millis) = attempt.duration_ms {
            self.metrics.0.webhook_time.observe(Duration::from_millis(millis).as_secs_f64());
        }
        self.outbox.attempted(seq, attempt, state, next_at).await
    }

    async fn deliveries(&self, run_id: &RunId) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.outbox.deliveries(run_id).await
    }

    async fn resend(
        &self,
        run_id: &RunId,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<DueDelivery>, StoreError> {
        self.outbox.resend(run_id, id, now).await
    }
}
