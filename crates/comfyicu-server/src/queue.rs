//! The runs that wait, in memory: who is next, and how long the others have to wait.
//!
//! The store has them too, and is asked once, at the start; from then on each commit that makes a run wait
//! brings it here. Runs are taken per accelerator, one workflow after the other, and within a workflow in the
//! order of acceptance. Files are fetched while a run waits, so that no executor waits for a download.

mod line;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use comfyicu_model::{RunId, Timestamp};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::store::WaitingRun;
use line::{Entry, Line, Stage};

/// How many runs wait with their records. Those of all could take the memory that executing them needs.
const RECORDS_AT_HAND: usize = 64;

/// The runs that wait. `P` is what was prepared for a run while it waited.
#[derive(Debug)]
pub(crate) struct Queue<P> {
    waiting: Mutex<Waiting<P>>,
    /// A run came that can be executed, or became so.
    ready: Notify,
    /// A run came whose files are to be fetched.
    unfetched: Notify,
}

#[derive(Debug)]
struct Waiting<P> {
    /// One line an accelerator; the one that was served last stands last.
    lines: VecDeque<Line<P>>,
    /// Runs that must not be begun yet, by when they may be.
    delayed: BTreeMap<(Timestamp, i64), WaitingRun>,
    /// Where each run stands: its accelerator, or the moment until which it is delayed.
    places: HashMap<RunId, Place>,
}

#[derive(Clone, Debug)]
enum Place {
    Line(WaitingRun),
    Delayed(Timestamp, i64),
}

impl<P> Default for Queue<P> {
    fn default() -> Self {
        let waiting = Waiting { lines: VecDeque::new(), delayed: BTreeMap::new(), places: HashMap::new() };
        Self { waiting: Mutex::new(waiting), ready: Notify::new(), unfetched: Notify::new() }
    }
}

impl<P> Queue<P> {
    /// Puts a run in its place; one that waits already stays where it is. Behind many others it waits without its
    /// record.
    pub(crate) fn push(&self, run: WaitingRun) {
        let news = if run.has_files { &self.unfetched } else { &self.ready };
        self.lock().push(run);
        news.notify_waiters();
    }

    /// Puts back a run that was taken, not to be taken again before a moment.
    pub(crate) fn push_later(&self, run: WaitingRun, not_before: Timestamp) {
        self.push(WaitingRun { not_before: Some(not_before), record: None, ..run });
    }

    /// Takes the next run that is ready, for an executor that serves these accelerators, and what was
    /// prepared for it.
    pub(crate) fn take(
        &self,
        serves: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> Option<(WaitingRun, Option<P>)> {
        let mut waiting = self.lock();
        waiting.release(now);
        let index =
            waiting.lines.iter().position(|line| serves(&line.accelerator) && line.has_ready_entry())?;
        let mut line = waiting.lines.remove(index)?;
        let entry = line.take();
        if !line.is_empty() {
            waiting.lines.push_back(line);
        }
        let entry = entry?;
        waiting.places.remove(&entry.run.key.run_id);
        Some((entry.run, entry.stage.into_prepared()))
    }

    /// The next run whose files are to be fetched. It keeps its place meanwhile.
    pub(crate) fn next_to_fetch(&self) -> Option<WaitingRun> {
        let mut waiting = self.lock();
        waiting.lines.iter_mut().find_map(Line::next_to_fetch)
    }

    /// Notes what was fetched for a run: it is ready.
    pub(crate) fn fetched(&self, run: &WaitingRun, prepared: P) {
        self.set_stage(run, Stage::Ready(Some(prepared)));
        self.ready.notify_waiters();
    }

    /// How many runs wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().places.len()
    }

    /// Whether a run that comes now would be the first.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a run out that does not wait any more.
    pub(crate) fn remove(&self, run_id: &RunId) {
        self.lock().remove(run_id);
    }

    /// How many runs are before this one, as things stand; `None` when it is not in line.
    pub(crate) fn position(&self, run_id: &RunId) -> Option<usize> {
        let waiting = self.lock();
        let Place::Line(run) = waiting.places.get(run_id)? else { return None };
        waiting.lines.iter().find(|line| line.accelerator == run.accelerator)?.position(run)
    }

    /// Ends when a run can be executed that could not before. It is to be made before the queue is looked at.
    pub(crate) fn ready(&self) -> Notified<'_> {
        self.ready.notified()
    }

    /// Ends when a run comes whose files are to be fetched. It is to be made before the queue is looked at.
    pub(crate) fn unfetched(&self) -> Notified<'_> {
        self.unfetched.notified()
    }

    fn set_stage(&self, run: &WaitingRun, stage: Stage<P>) {
        let mut waiting = self.lock();
        let line = waiting.lines.iter_mut().find(|line| line.accelerator == run.accelerator);
        if let Some(entry) = line.and_then(|line| line.entry(run)) {
            entry.stage = stage;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<P>> {
        // Nothing here panics half-way through a change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> Waiting<P> {
    fn push(&mut self, mut run: WaitingRun) {
        let run_id = &run.key.run_id;
        if self.places.contains_key(run_id) {
            return;
        }
        if self.places.len() >= RECORDS_AT_HAND {
            run.record = None;
        }
        if let Some(moment) = run.not_before {
            self.places.insert(run_id.clone(), Place::Delayed(moment, run.seq));
            self.delayed.insert((moment, run.seq), run);
            return;
        }
        self.places.insert(run_id.clone(), Place::Line(run.clone()));
        let index = self.lines.iter().position(|line| line.accelerator == run.accelerator);
        match index.and_then(|index| self.lines.get_mut(index)) {
            Some(line) => line.push(Entry::new(run)),
            None => self.lines.push_back(Line::of(Entry::new(run))),
        }
    }

    /// Lets those in line whose time has come.
    fn release(&mut self, now: Timestamp) {
        while let Some(first) = self.delayed.first_entry()
            && first.key().0 <= now
        {
            let run = first.remove();
            self.places.remove(&run.key.run_id);
            self.push(WaitingRun { not_before: None, ..run });
        }
    }

    fn remove(&mut self, run_id: &RunId) {
        match self.places.remove(run_id) {
            Some(Place::Delayed(moment, seq)) => drop(self.delayed.remove(&(moment, seq))),
            Some(Place::Line(run)) => {
                if let Some(line) = self.lines.iter_mut().find(|line| line.accelerator == run.accelerator) {
                    line.remove(&run);
                }
                self.lines.retain(|line| !line.is_empty());
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
