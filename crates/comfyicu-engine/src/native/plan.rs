//! What of a prompt has to run: what the output nodes need, as far as no earlier run gave it.

use std::collections::{HashMap, HashSet};

use comfyicu_model::NodeId;

use super::cache::{Cache, Results};
use super::definition::Role;
use super::signature::Signature;
use super::steps::{Source, Step};

/// The steps of a run.
#[derive(Debug)]
pub(super) struct Plan {
    /// What is executed, in order.
    pub(super) steps: Vec<Step>,
    /// What earlier runs gave, and these steps need, in the order of the nodes.
    pub(super) cached: Vec<(NodeId, Results)>,
}

impl Plan {
    /// Leaves out what is known, and what only leads to that. Output nodes always run.
    ///
    /// Each step stands behind what it needs.
    pub(super) fn new(steps: Vec<Step>, signatures: &HashMap<NodeId, Signature>, cache: &Cache) -> Self {
        let mut needed: HashSet<NodeId> = HashSet::new();
        let mut plan = Self { steps: Vec::new(), cached: Vec::new() };
        for step in steps.into_iter().rev() {
            let is_output = step.definition.role == Role::Output;
            if !is_output && !needed.contains(&step.node_id) {
                continue;
            }
            let known = signatures.get(&step.node_id).filter(|_| !is_output);
            if let Some(results) = known.and_then(|signature| cache.get(signature)) {
                plan.cached.push((step.node_id, results));
                continue;
            }
            needed.extend(step.sources.iter().filter_map(|(_, source)| match source {
                Source::Link { node_id, .. } => Some(node_id.clone()),
                Source::Literal(_) => None,
            }));
            plan.steps.push(step);
        }
        plan.steps.reverse();
        plan.cached.reverse();
        plan
    }
}
