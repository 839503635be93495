//! What of a prompt has to run: what the output nodes need, as far as no earlier run gave it.

use std::collections::{HashMap, HashSet, VecDeque};

use comfyicu_model::NodeId;

use super::cache::{Cache, Results};
use super::definition::Role;
use super::signature::Signature;
use super::steps::Step;

/// The steps of a run.
#[derive(Debug)]
pub(super) struct Plan {
    /// What is still executed, in order.
    steps: VecDeque<Step>,
    /// What only a switch may come to need, in order.
    spare: Vec<Step>,
    /// What earlier runs gave, and these steps need, in the order of the nodes.
    cached: Vec<(NodeId, Results)>,
    /// The order of all nodes.
    order: HashMap<NodeId, usize>,
}

/// What earlier runs gave, and which result is whose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) signatures: &'a HashMap<NodeId, Signature>,
    pub(super) cache: &'a Cache,
}

impl Plan {
    /// Leaves out what is known, and what only leads to that. Output nodes always run.
    ///
    /// Each step stands behind what it needs or may need.
    pub(super) fn new(steps: Vec<Step>, known: Known<'_>) -> Self {
        let order = steps.iter().enumerate().map(|(at, step)| (step.node_id.clone(), at)).collect();
        let mut plan = Self { steps: VecDeque::new(), spare: Vec::new(), cached: Vec::new(), order };
        plan.take(steps, HashSet::new(), known);
        plan.drop_impossible();
        plan
    }

    /// Takes what output nodes and the nodes of these ids need; the rest is spare.
    fn take(&mut self, steps: Vec<Step>, mut needed: HashSet<NodeId>, known: Known<'_>) {
        let mut cached = Vec::new();
        for step in steps.into_iter().rev() {
            let is_output = step.definition.role == Role::Output;
            if !is_output && !needed.contains(&step.node_id) {
                self.spare.push(step);
                continue;
            }
            let signature = known.signatures.get(&step.node_id).filter(|_| !is_output);
            if let Some(results) = signature.and_then(|signature| known.cache.get(signature)) {
                cached.push((step.node_id, results));
                continue;
            }
            needed.extend(step.links().map(|(node_id, _)| node_id.clone()));
            self.steps.push_front(step);
        }
        cached.reverse();
        self.cached.append(&mut cached);
        self.spare.reverse();
        let order = &self.order;
        self.steps.make_contiguous().sort_by_key(|step| order.get(&step.node_id).copied());
    }

    /// The step that is next.
    pub(super) fn next(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// How many steps there still are, as far as is known.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// What earlier runs gave and was not asked for yet.
    pub(super) fn take_cached(&mut self) -> Vec<(NodeId, Results)> {
        std::mem::take(&mut self.cached)
    }

    /// All results that steps may read, as often as they do.
    pub(super) fn possible_links(&self) -> impl Iterator<Item = (NodeId, usize)> {
        let links = self.steps.iter().chain(&self.spare).flat_map(Step::possible_links);
        links.map(|(node_id, slot)| (node_id.clone(), slot))
    }

    /// Makes what a switch chose needed: the step comes again when that is there.
    pub(super) fn choose(&mut self, mut step: Step, chosen: &[&str], known: Known<'_>) {
        let (wanted, _): (Vec<_>, Vec<_>) =
            std::mem::take(&mut step.lazy).into_iter().partition(|(name, _)| chosen.contains(name));
        let needed = wanted.iter().filter_map(|(_, source)| source.link());
        let needed = needed.map(|(node_id, _)| node_id.clone()).collect();
        step.sources.extend(wanted);
        let spare = std::mem::take(&mut self.spare);
        self.steps.push_front(step);
        self.take(spare, needed, known);
        self.drop_impossible();
    }

    /// Forgets what nothing can come to need any more.
    fn drop_impossible(&mut self) {
        let mut possible: HashSet<NodeId> =
            self.steps.iter().flat_map(Step::possible_links).map(|(node_id, _)| node_id.clone()).collect();
        let mut kept = Vec::new();
        for step in std::mem::take(&mut self.spare).into_iter().rev() {
            if possible.contains(&step.node_id) {
                possible.extend(step.possible_links().map(|(node_id, _)| node_id.clone()));
                kept.push(step);
            }
        }
        kept.reverse();
        self.spare = kept;
    }
}
