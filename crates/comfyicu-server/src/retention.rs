//! What goes by rule: runs, their outputs and their events, when nothing needs them any more.
//!
//! Never touched are runs that wait or are executed, and whatever a webhook that was not sent yet speaks of. Rows go
//! first, with a note of the files that are still to go; the files follow, then the note. A crash at any point leaves
//! at most the note, and the next collection goes on from there; no run that is shown has lost its outputs unsaid.

mod settings;
#[cfg(test)]
mod tests;

pub(crate) use settings::{RetentionRules, RetentionSchedule};

use std::sync::Arc;
use std::time::Duration;

use comfyicu_model::{RunId, Timestamp};
use futures_util::future::try_join_all;

use crate::clock;
use crate::outputs::{OutputStore, OutputsError};
use crate::report::with_causes;
use crate::shutdown::Shutdown;
use crate::store::{Cuts, EndedRun, Place, Reason, Removable, RetentionStore, StoreError};

/// How many are looked at, and removed, together.
const BATCH: u32 = 128;

/// Removes what no rule keeps.
#[derive(Clone, Debug)]
pub(crate) struct Collector {
    pub(crate) store: Arc<dyn RetentionStore>,
    pub(crate) outputs: OutputStore,
    pub(crate) rules: RetentionRules,
}

/// Why a collection broke off. The next one goes on with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CollectError {
    /// Rows cannot be read or removed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Outputs cannot be counted.
    #[error(transparent)]
    Outputs(#[from] OutputsError),
}

/// Something that goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collected<'a> {
    pub(crate) what: Removable,
    pub(crate) run: &'a EndedRun,
    /// The limit that it is over.
    pub(crate) reason: Reason,
}

/// How much went, or would go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) runs: u64,
    /// Runs that stay and lose their outputs.
    pub(crate) outputs: u64,
    pub(crate) output_bytes: u64,
    pub(crate) events: u64,
    /// Removals that an earlier collection did not finish.
    pub(crate) unfinished: u64,
    /// Runs whose files could not be removed; it is tried again the next time.
    pub(crate) failed: u64,
}

impl Collector {
    /// Removes what no rule keeps, or only tells what that is.
    pub(crate) async fn collect(
        &self,
        now: Timestamp,
        dry_run: bool,
        tell: &mut (dyn FnMut(Collected<'_>) + Send),
    ) -> Result<Summary, CollectError> {
        let mut summary = Summary::default();
        if dry_run {
            summary.unfinished = self.count_unfinished().await?;
        } else {
            self.finish(&mut summary).await?;
        }
        let outputs = self.rules.outputs(now);
        if outputs.output_bytes.is_some() && !dry_run {
            self.measure().await?;
        }
        let cuts = self.store.cuts(Removable::Run, &self.rules.runs(now)).await?;
        self.remove(Removable::Run, &cuts, None, (now, dry_run), (&mut summary, tell)).await?;
        // What goes with its run is told once.
        let told = if dry_run { cuts.newest() } else { None };
        let cuts = self.store.cuts(Removable::Outputs, &outputs).await?;
        self.remove(Removable::Outputs, &cuts, told, (now, dry_run), (&mut summary, tell)).await?;
        self.remove_events(told, (now, dry_run), &mut summary).await?;
        Ok(summary)
    }

    /// Removes what no rule keeps, again and again, until the server stops.
    pub(crate) async fn work(self, every: Duration, shutdown: Shutdown) {
        loop {
            let collecting = async { self.collect(clock::now(), false, &mut |_| {}).await };
            let collected = tokio::select! {
                // It is gone on with at the next start.
                () = shutdown.stopping() => return,
                collected = collecting => collected,
            };
            match collected {
                Ok(summary) if summary == Summary::default() => {}
                Ok(summary) => tracing::info!(
                    runs = summary.runs,
                    outputs = summary.outputs,
                    output_bytes = summary.output_bytes,
                    events = summary.events,
                    failed = summary.failed,
                    "what the rules do not keep was removed"
                ),
                Err(error) => {
                    tracing::error!(
                        error = with_causes(&error),
                        "what the rules do not keep cannot be removed"
                    );
                }
            }
            tokio::select! {
                () = shutdown.stopping() => return,
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    async fn remove(
        &self,
        what: Removable,
        cuts: &Cuts,
        mut after: Option<Place>,
        (now, dry_run): (Timestamp, bool),
        (summary, tell): (&mut Summary, &mut (dyn FnMut(Collected<'_>) + Send)),
    ) -> Result<(), CollectError> {
        let Some(up_to) = cuts.newest() else { return Ok(()) };
        loop {
            let found = self.store.removable(what, after, up_to, BATCH).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = Some(last.place);
            let removed = if dry_run {
                vec![true; found.len()]
            } else {
                try_join_all(found.iter().map(|run| self.store.remove(what, &run.run_id, now))).await?
            };
            let gone: Vec<_> =
                found.iter().zip(removed).filter(|(_, gone)| *gone).map(|(run, _)| run).collect();
            for run in &gone {
                *(match what {
                    Removable::Run => &mut summary.runs,
                    Removable::Outputs => &mut summary.outputs,
                }) += 1;
                summary.output_bytes = summary.output_bytes.saturating_add(run.output_bytes);
                if let Some(reason) = cuts.reason(run.place) {
                    tell(Collected { what, run, reason });
                }
            }
            if !dry_run {
                summary.failed += self.remove_files(gone.iter().map(|run| &run.run_id)).await?;
            }
        }
    }

    /// Removes the files of runs whose rows are gone, and says of how many that failed.
    async fn remove_files(&self, runs: impl Iterator<Item = &RunId>) -> Result<u64, StoreError> {
        let mut done = Vec::new();
        let mut failed = 0;
        for run_id in runs {
            match self.outputs.remove_run(run_id).await {
                Ok(()) => done.push(self.store.removed(run_id)),
                Err(error) => {
                    failed += 1;
                    let error = with_causes(&error);
                    tracing::warn!(%run_id, error, "outputs cannot be removed; it is tried again");
                }
            }
        }
        try_join_all(done).await?;
        Ok(failed)
    }

    /// Goes on with what an earlier collection did not finish.
    async fn finish(&self, summary: &mut Summary) -> Result<(), CollectError> {
        let mut after = String::new();
        loop {
            let left = self.store.removals(&after, BATCH).await?;
            let Some(last) = left.last() else { return Ok(()) };
            last.as_str().clone_into(&mut after);
            let failed = self.remove_files(left.iter()).await?;
            summary.failed += failed;
            summary.unfinished += (left.len() as u64).saturating_sub(failed);
        }
    }

    async fn count_unfinished(&self) -> Result<u64, StoreError> {
        let (mut after, mut count) = (String::new(), 0);
        loop {
            let left = self.store.removals(&after, BATCH).await?;
            let Some(last) = left.last() else { return Ok(count) };
            last.as_str().clone_into(&mut after);
            count += left.len() as u64;
        }
    }

    /// Counts the bytes of outputs that an earlier version saved without counting.
    async fn measure(&self) -> Result<(), CollectError> {
        loop {
            let unmeasured = self.store.unmeasured(BATCH).await?;
            if unmeasured.is_empty() {
                return Ok(());
            }
            for (run_id, attempt) in unmeasured {
                let bytes = self.outputs.measure(&run_id, attempt).await?;
                self.store.measured(&run_id, bytes).await?;
            }
        }
    }

    async fn remove_events(
        &self,
        after_run: Option<Place>,
        (now, dry_run): (Timestamp, bool),
        summary: &mut Summary,
    ) -> Result<(), StoreError> {
        let Some(before) = self.rules.events(now) else { return Ok(()) };
        let mut after = 0;
        loop {
            let old = self.store.old_events(before, after_run, after, BATCH).await?;
            let Some(last) = old.last() else { return Ok(()) };
            after = *last;
            if !dry_run {
                self.store.remove_events(&old).await?;
            }
            summary.events += old.len() as u64;
        }
    }
}
