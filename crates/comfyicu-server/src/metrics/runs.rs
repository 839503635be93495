//! The store of runs, measured.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use comfyicu_model::{RunId, Timestamp, WorkflowId};

use super::Metrics;
use crate::owner::{Owner, WorkflowKey};
use crate::run::{LifecycleEvent, RunRecord};
use crate::store::{
    Claimed, IdempotencyClaim, ListQuery, NewDelivery, Page, RunCount, RunKey, RunStore, Scope, StoreError,
    WaitingRun, WorkflowRecord,
};

/// A store of runs, and how long it takes.
#[derive(Debug)]
pub(crate) struct MeasuredRuns {
    store: Arc<dyn RunStore>,
    metrics: Metrics,
}

impl MeasuredRuns {
    pub(crate) const fn new(store: Arc<dyn RunStore>, metrics: Metrics) -> Self {
        Self { store, metrics }
    }

    async fn measure<T>(
        &self,
        operation: &'static str,
        doing: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let done = doing.await;
        self.metrics.stored(operation, begun.elapsed(), done.is_ok());
        done
    }
}

#[async_trait]
impl RunStore for MeasuredRuns {
    async fn insert(
        &self,
        run: Arc<RunRecord>,
        claim: Option<IdempotencyClaim>,
    ) -> Result<Claimed, StoreError> {
        self.measure("insert", self.store.insert(run, claim)).await
    }

    async fn insert_started(
        &self,
        runs: (Arc<RunRecord>, &RunRecord),
        told: Option<NewDelivery>,
        claim: Option<IdempotencyClaim>,
    ) -> Result<(Claimed, bool), StoreError> {
        self.measure("insert", self.store.insert_started(runs, told, claim)).await
    }

    async fn claimed(&self, claim: &IdempotencyClaim) -> Result<Claimed, StoreError> {
        self.measure("claimed", self.store.claimed(claim)).await
    }

    async fn change(
        &self,
        before: &RunRecord,
        after: &RunRecord,
        told: Option<NewDelivery>,
    ) -> Result<bool, StoreError> {
        let changed = self.measure("change", self.store.change(before, after, told)).await?;
        if changed && after.status.is_terminal() {
            self.metrics.run_ended(after);
        }
        Ok(changed)
    }

    async fn renew(&self, run_id: &RunId, attempt: u32, until: Timestamp) -> Result<bool, StoreError> {
        self.measure("renew", self.store.renew(run_id, attempt, until)).await
    }

    async fn expired(
        &self,
        good: Option<RangeInclusive<Timestamp>>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        self.measure("expired", self.store.expired(good, limit)).await
    }

    async fn waiting_runs(&self, after: i64, limit: u32) -> Result<Vec<WaitingRun>, StoreError> {
        self.measure("waiting_runs", self.store.waiting_runs(after, limit)).await
    }

    async fn counts(&self) -> Result<Vec<RunCount>, StoreError> {
        self.measure("counts", self.store.counts()).await
    }

    async fn key_of(&self, run_id: &RunId) -> Result<Option<RunKey>, StoreError> {
        self.measure("key_of", self.store.key_of(run_id)).await
    }

    async fn get(&self, key: &RunKey) -> Result<Option<RunRecord>, StoreError> {
        self.measure("get", self.store.get(key)).await
    }

    async fn get_signed(
        &self,
        workflow_id: &WorkflowId,
        run_id: &RunId,
    ) -> Result<Option<RunRecord>, StoreError> {
        self.measure("get_signed", self.store.get_signed(workflow_id, run_id)).await
    }

    async fn list(&self, workflow: &WorkflowKey, query: &ListQuery) -> Result<Page<RunRecord>, StoreError> {
        self.measure("list", self.store.list(workflow, query)).await
    }

    async fn events(&self, scope: &Scope, after: i64, limit: u32) -> Result<Vec<LifecycleEvent>, StoreError> {
        self.measure("events", self.store.events(scope, after, limit)).await
    }

    async fn latest_event(&self) -> Result<i64, StoreError> {
        self.measure("latest_event", self.store.latest_event()).await
    }

    async fn workflows(&self, owner: &Owner, query: &ListQuery) -> Result<Page<WorkflowRecord>, StoreError> {
        self.measure("workflows", self.store.workflows(owner, query)).await
    }

    async fn workflow(&self, key: &WorkflowKey) -> Result<Option<WorkflowRecord>, StoreError> {
        self.measure("workflow", self.store.workflow(key)).await
    }
}
