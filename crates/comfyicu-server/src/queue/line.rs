//! The runs that wait for one accelerator: a queue for each workflow, which take turns.

use std::collections::{HashMap, VecDeque};

use crate::owner::WorkflowKey;
use crate::store::WaitingRun;

/// How far into a workflow's queue is looked for a run that is ready, or whose files can be fetched.
const WINDOW: usize = 64;

/// A run in line.
#[derive(Debug)]
pub(super) struct Entry<P> {
    pub(super) run: WaitingRun,
    pub(super) stage: Stage<P>,
}

/// How far a waiting run is.
#[derive(Debug)]
pub(super) enum Stage<P> {
    /// Its files are to be fetched.
    Unfetched,
    /// Somebody fetches them.
    Fetching,
    /// It can be executed.
    Ready(Option<P>),
}

impl<P> Stage<P> {
    pub(super) fn into_prepared(self) -> Option<P> {
        match self {
            Self::Ready(prepared) => prepared,
            Self::Unfetched | Self::Fetching => None,
        }
    }
}

impl<P> Entry<P> {
    pub(super) const fn new(run: WaitingRun) -> Self {
        let stage = if run.has_files { Stage::Unfetched } else { Stage::Ready(None) };
        Self { run, stage }
    }

    const fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready(_))
    }
}

/// The runs that wait for one accelerator.
#[derive(Debug)]
pub(super) struct Line<P> {
    pub(super) accelerator: String,
    /// The workflows that have runs here, in the order of their turns.
    turns: VecDeque<WorkflowKey>,
    /// The runs of each, in the order of acceptance.
    queues: HashMap<WorkflowKey, VecDeque<Entry<P>>>,
}

impl<P> Line<P> {
    pub(super) fn of(entry: Entry<P>) -> Self {
        let accelerator = entry.run.accelerator.clone();
        let mut line = Self { accelerator, turns: VecDeque::new(), queues: HashMap::new() };
        line.push(entry);
        line
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    pub(super) fn push(&mut self, entry: Entry<P>) {
        let workflow = entry.run.key.workflow();
        if !self.queues.contains_key(&workflow) {
            self.turns.push_back(workflow.clone());
        }
        let queue = self.queues.entry(workflow).or_default();
        // One that comes back stands where it stood.
        let at = queue.partition_point(|other| other.run.seq < entry.run.seq);
        queue.insert(at, entry);
    }

    pub(super) fn has_ready_entry(&self) -> bool {
        self.turns.iter().any(|workflow| self.ready_index(workflow).is_some())
    }

    /// Takes the first run that is ready of the workflow whose turn it is.
    pub(super) fn take(&mut self) -> Option<Entry<P>> {
        let (turn, index) = self
            .turns
            .iter()
            .enumerate()
            .find_map(|(turn, workflow)| Some((turn, self.ready_index(workflow)?)))?;
        let workflow = self.turns.remove(turn)?;
        let queue = self.queues.get_mut(&workflow)?;
        let entry = queue.remove(index);
        if queue.is_empty() {
            self.queues.remove(&workflow);
        } else {
            self.turns.push_back(workflow);
        }
        entry
    }

    pub(super) fn next_to_fetch(&mut self) -> Option<WaitingRun> {
        let queues = &mut self.queues;
        self.turns.iter().find_map(|workflow| {
            let window = queues.get_mut(workflow)?.iter_mut().take(WINDOW);
            let entry = window.into_iter().find(|entry| matches!(entry.stage, Stage::Unfetched))?;
            entry.stage = Stage::Fetching;
            Some(entry.run.clone())
        })
    }

    pub(super) fn entry(&mut self, run: &WaitingRun) -> Option<&mut Entry<P>> {
        let queue = self.queues.get_mut(&run.key.workflow())?;
        let index = queue.binary_search_by_key(&run.seq, |entry| entry.run.seq).ok()?;
        queue.get_mut(index)
    }

    pub(super) fn remove(&mut self, run: &WaitingRun) {
        let workflow = run.key.workflow();
        let Some(queue) = self.queues.get_mut(&workflow) else { return };
        queue.retain(|entry| entry.run.seq != run.seq);
        if queue.is_empty() {
            self.queues.remove(&workflow);
            self.turns.retain(|other| *other != workflow);
        }
    }

    /// How many runs are taken before this one, if nothing changes.
    pub(super) fn position(&self, run: &WaitingRun) -> Option<usize> {
        let workflow = run.key.workflow();
        let queue = self.queues.get(&workflow)?;
        let index = queue.binary_search_by_key(&run.seq, |entry| entry.run.seq).ok()?;
        let turn = self.turns.iter().position(|other| *other == workflow)?;
        let before = self.turns.iter().enumerate().filter(|(other, _)| *other != turn).map(|(other, id)| {
            let rounds = index + usize::from(other < turn);
            self.queues.get(id).map_or(0, VecDeque::len).min(rounds)
        });
        Some(index + before.sum::<usize>())
    }

    fn ready_index(&self, workflow: &WorkflowKey) -> Option<usize> {
        self.queues.get(workflow)?.iter().take(WINDOW).position(Entry::is_ready)
    }
}
