//! In which order nodes run: ComfyUI's, which shows in the numbers of files that share a prefix.

use std::collections::{BTreeSet, HashMap, HashSet};

use comfyicu_model::NodeId;

use super::definition::Role;
use super::steps::Step;

/// How soon a node is taken among those that could run: outputs first, then what leads to one shortly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Output,
    BeforeOutput,
    TwoBeforeOutput,
    Other,
}

/// Puts steps, which are all that the outputs need, in the order in which ComfyUI runs them.
///
/// A step that waits for itself over others is left out; the check has refused such prompts.
pub(super) fn in_order(steps: Vec<Step>, outputs: &[&str]) -> Vec<Step> {
    let order = Graph::new(&steps).order(&steps, outputs);
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| steps.get_mut(at).and_then(Option::take)).collect()
}

/// Who needs whom, by position.
struct Graph<'a> {
    position: HashMap<&'a str, usize>,
    /// In the order of the inputs.
    links: Vec<Vec<usize>>,
    needs: Vec<HashSet<usize>>,
    readers: Vec<HashSet<usize>>,
}

impl<'a> Graph<'a> {
    fn new(steps: &'a [Step]) -> Self {
        let position: HashMap<&str, usize> =
            steps.iter().enumerate().map(|(at, step)| (step.node_id.as_str(), at)).collect();
        let linked = |(node_id, _): (&NodeId, usize)| position.get(node_id.as_str()).copied();
        let links: Vec<Vec<usize>> =
            steps.iter().map(|step| step.possible_links().filter_map(linked).collect()).collect();
        let needs: Vec<HashSet<usize>> = links.iter().map(|links| links.iter().copied().collect()).collect();
        let mut readers = vec![HashSet::new(); steps.len()];
        for (reader, needs) in needs.iter().enumerate() {
            for needed in needs {
                if let Some(readers) = readers.get_mut(*needed) {
                    readers.insert(reader);
                }
            }
        }
        Self { position, links, needs, readers }
    }

    fn order(&self, steps: &[Step], outputs: &[&str]) -> Vec<usize> {
        let (urgency, rank) = (self.urgencies(steps), self.ranks(outputs));
        let key = |at: usize| (urgency.get(at).copied(), rank.get(at).copied(), at);
        let mut waits_for: Vec<usize> = self.needs.iter().map(HashSet::len).collect();
        let mut ready: BTreeSet<_> =
            waits_for.iter().enumerate().filter(|(_, count)| **count == 0).map(|(at, _)| key(at)).collect();
        let mut order = Vec::with_capacity(steps.len());
        while let Some((.., at)) = ready.pop_first() {
            order.push(at);
            for reader in self.readers_of(at) {
                if let Some(count) = waits_for.get_mut(reader) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(key(reader));
                    }
                }
            }
        }
        order
    }

    fn readers_of(&self, at: usize) -> impl Iterator<Item = usize> {
        self.readers.get(at).into_iter().flatten().copied()
    }

    /// When each node is met, going from one output after the other to what it needs, the last input first.
    fn ranks(&self, outputs: &[&str]) -> Vec<usize> {
        let mut ranks = vec![usize::MAX; self.links.len()];
        let mut next = 0;
        for output in outputs {
            let mut to_visit: Vec<usize> = self.position.get(output).copied().into_iter().collect();
            while let Some(at) = to_visit.pop() {
                if let Some(rank) = ranks.get_mut(at).filter(|rank| **rank == usize::MAX) {
                    *rank = next;
                    next += 1;
                    to_visit.extend(self.links.get(at).into_iter().flatten());
                }
            }
        }
        ranks
    }

    fn urgencies(&self, steps: &[Step]) -> Vec<Urgency> {
        let is_output = |at: usize| steps.get(at).is_some_and(|step| step.definition.role == Role::Output);
        let leads_to_output = |at: usize| self.readers_of(at).any(is_output);
        let urgency = |at: usize| {
            if is_output(at) {
                Urgency::Output
            } else if leads_to_output(at) {
                Urgency::BeforeOutput
            } else if self.readers_of(at).any(leads_to_output) {
                Urgency::TwoBeforeOutput
            } else {
                Urgency::Other
            }
        };
        (0..steps.len()).map(urgency).collect()
    }
}
