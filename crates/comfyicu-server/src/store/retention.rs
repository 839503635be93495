//! What a store knows of runs that have ended, for the rules by which they go.

use std::fmt::Debug;

use async_trait::async_trait;
use comfyicu_model::{RunId, Timestamp, WorkflowId};

use super::StoreError;

/// What of a run is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removable {
    /// All that is known of it, and its outputs.
    Run,
    /// Its outputs; the run stays.
    Outputs,
}

/// How much is kept; what is not said is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Nothing that ended before this moment.
    pub(crate) ended_since: Option<Timestamp>,
    /// So many, the newest.
    pub(crate) count: Option<u64>,
    /// The newest, as far as their outputs together have so many bytes.
    pub(crate) output_bytes: Option<u64>,
}

/// A place in the order in which runs ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// When a run ended, in milliseconds since 1970.
    pub(crate) ended_at: i64,
    /// Its place in the order of acceptance, where several ended together.
    pub(crate) seq: i64,
}

/// Up to where limits reach: what is at the place, or before it, is not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cuts {
    pub(crate) ended_since: Option<Place>,
    pub(crate) count: Option<Place>,
    pub(crate) output_bytes: Option<Place>,
}

/// Which limit something is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Age,
    Count,
    Bytes,
}

impl Cuts {
    /// The newest place that any limit reaches.
    pub(crate) fn newest(&self) -> Option<Place> {
        [self.ended_since, self.count, self.output_bytes].into_iter().flatten().max()
    }

    /// The limit that something at this place is over, if any.
    pub(crate) fn reason(&self, place: Place) -> Option<Reason> {
        let cuts = [
            (self.ended_since, Reason::Age),
            (self.count, Reason::Count),
            (self.output_bytes, Reason::Bytes),
        ];
        cuts.into_iter().find(|(cut, _)| cut.is_some_and(|cut| place <= cut)).map(|(_, reason)| reason)
    }
}

/// A run that has ended and that nothing needs: its webhooks were sent, or given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndedRun {
    pub(crate) place: Place,
    pub(crate) workflow_id: WorkflowId,
    pub(crate) run_id: RunId,
    pub(crate) output_bytes: u64,
}

/// Keeps an eye on what has ended, and removes it.
///
/// Files are removed after the rows that speak of them: a removal is noted in the transaction that changes the rows,
/// and the note is taken out when the files are gone. Whatever breaks off in between is gone on with.
#[async_trait]
pub(crate) trait RetentionStore: Debug + Send + Sync {
    /// Up to where limits reach.
    async fn cuts(&self, what: Removable, limits: &Limits) -> Result<Cuts, StoreError>;

    /// What can be removed up to a place, from after another one on, oldest first: of runs that have ended, and
    /// have no webhook that waits.
    async fn removable(
        &self,
        what: Removable,
        after: Option<Place>,
        up_to: Place,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError>;

    /// Removes the rows, and notes that the files are still to go. Gives false, and changes nothing, when it cannot be
    /// removed any more.
    async fn remove(&self, what: Removable, run_id: &RunId, now: Timestamp) -> Result<bool, StoreError>;

    /// The runs whose files are still to go, after an id.
    async fn removals(&self, after: &str, limit: u32) -> Result<Vec<RunId>, StoreError>;

    /// Notes that the files of a run are gone.
    async fn removed(&self, run_id: &RunId) -> Result<(), StoreError>;

    /// Completed runs, with their attempts, of whose outputs nobody counted the bytes.
    async fn unmeasured(&self, limit: u32) -> Result<Vec<(RunId, u32)>, StoreError>;

    /// Notes how many bytes the outputs of a run have.
    async fn measured(&self, run_id: &RunId, bytes: u64) -> Result<(), StoreError>;

    /// The events from before a moment that can be removed, after a place: of runs that have ended (after another
    /// place, where one is given) and that nothing needs, all but the last of each.
    async fn old_events(
        &self,
        before: Timestamp,
        after_run: Option<Place>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError>;

    /// Removes events.
    async fn remove_events(&self, places: &[i64]) -> Result<(), StoreError>;
}
