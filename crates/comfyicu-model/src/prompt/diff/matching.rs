//! Which node of one prompt is which of another.

use std::collections::HashMap;
use std::hash::Hash;

use super::super::hash::PromptHash;
use super::super::{Graph, Node};

/// For each node of the old prompt, the node of the new one that it is: see
/// [`Prompt::diff`](super::Prompt::diff) for the rules. Each step takes one pass over nodes or links.
pub(super) fn partners(old: &Graph<'_>, new: &Graph<'_>) -> Vec<Option<usize>> {
    let hashes = (old.node_hashes(), new.node_hashes());
    let mut matching = Matching {
        old,
        new,
        partners: vec![None; old.len()],
        is_taken: vec![false; new.len()],
        fresh: Vec::new(),
    };
    if ids_are_names(old, new) && !differ_in_ids_only(&hashes) {
        matching.by_id(true);
        matching.by_content(&hashes);
    } else {
        matching.by_content(&hashes);
        matching.by_id(true);
        matching.along_links();
    }
    matching.only_ones(|node| Some((node.class_type()?, node.title())));
    matching.only_ones(|node| node.class_type());
    matching.by_id(false);
    matching.partners
}

fn ids_are_names(old: &Graph<'_>, new: &Graph<'_>) -> bool {
    let is_known =
        |node: &Node<'_>| new.node(node.id()).is_some_and(|other| other.class_type() == node.class_type());
    2 * old.nodes().filter(is_known).count() >= old.len().min(new.len())
}

fn differ_in_ids_only((old, new): &(Vec<PromptHash>, Vec<PromptHash>)) -> bool {
    let sorted = |hashes: &[PromptHash]| {
        let mut hashes = hashes.to_vec();
        hashes.sort_unstable();
        hashes
    };
    old.len() == new.len() && sorted(old) == sorted(new)
}

struct Matching<'g, 'a> {
    old: &'g Graph<'a>,
    new: &'g Graph<'a>,
    partners: Vec<Option<usize>>,
    is_taken: Vec<bool>,
    /// Pairs from which links have not been followed yet.
    fresh: Vec<(usize, usize)>,
}

impl<'a> Matching<'_, 'a> {
    fn pair(&mut self, old: usize, new: usize) {
        let (Some(partner @ None), Some(is_taken @ false)) =
            (self.partners.get_mut(old), self.is_taken.get_mut(new))
        else {
            return;
        };
        (*partner, *is_taken) = (Some(new), true);
        self.fresh.push((old, new));
    }

    /// Nodes of the same id and, where that is asked for, of the same class.
    fn by_id(&mut self, same_class: bool) {
        for (at, node) in self.old.nodes().enumerate() {
            let Some(other) = self.new.index_of(node.id()) else { continue };
            let class_type = self.new.at(other).map(|node| node.class_type());
            if !same_class || class_type == Some(node.class_type()) {
                self.pair(at, other);
            }
        }
    }

    /// Nodes that compute the same: first where the id is the same too or there is no choice, then what feeds
    /// these, then the others in the order of the files.
    fn by_content(&mut self, (old_hashes, new_hashes): &(Vec<PromptHash>, Vec<PromptHash>)) {
        for (at, node) in self.old.nodes().enumerate() {
            let other = self.new.index_of(node.id());
            if let Some(other) = other.filter(|other| old_hashes.get(at) == new_hashes.get(*other)) {
                self.pair(at, other);
            }
        }
        let old_groups = grouped(old_hashes, |at| self.is_free_old(at));
        let mut new_groups = grouped(new_hashes, |at| !self.is_taken(at));
        let groups = old_groups.into_iter().filter_map(|(hash, old)| Some((old, new_groups.remove(&hash)?)));
        let mut groups: Vec<_> = groups.collect();
        groups.sort_unstable();
        let (only, several): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(old, new)| old.len() == 1 && new.len() == 1);
        self.pair_in_order(only);
        self.along_links();
        for group in several {
            self.pair_in_order([group]);
            self.along_links();
        }
    }

    fn pair_in_order(&mut self, groups: impl IntoIterator<Item = (Vec<usize>, Vec<usize>)>) {
        for (old, new) in groups {
            let old: Vec<_> = old.into_iter().filter(|at| self.is_free_old(*at)).collect();
            let new: Vec<_> = new.into_iter().filter(|at| !self.is_taken(*at)).collect();
            old.into_iter().zip(new).for_each(|(old, new)| self.pair(old, new));
        }
    }

    /// What feeds the same input of a pair, and has the same class, is a pair too.
    fn along_links(&mut self) {
        while let Some((old, new)) = self.fresh.pop() {
            let new_sources: HashMap<_, _> =
                self.new.links_of(new).iter().map(|edge| (edge.input, edge.other)).collect();
            for edge in self.old.links_of(old) {
                let Some((source, Some(other))) = edge.other.zip(new_sources.get(edge.input).copied()) else {
                    continue;
                };
                let classes = (self.old.at(source), self.new.at(other));
                if classes.0.map(|node| node.class_type()) == classes.1.map(|node| node.class_type()) {
                    self.pair(source, other);
                }
            }
        }
    }

    /// Nodes that are the only ones left, in both prompts, of which `key` is the same.
    fn only_ones<K: Eq + Hash>(&mut self, key: impl Fn(Node<'a>) -> Option<K>) {
        let lone = |nodes: &mut dyn Iterator<Item = (usize, Node<'a>)>| {
            let mut lone: HashMap<K, Option<usize>> = HashMap::new();
            for (at, node) in nodes {
                if let Some(key) = key(node) {
                    lone.entry(key).and_modify(|only| *only = None).or_insert(Some(at));
                }
            }
            lone
        };
        let old = lone(&mut self.old.nodes().enumerate().filter(|(at, _)| self.is_free_old(*at)));
        let new = lone(&mut self.new.nodes().enumerate().filter(|(at, _)| !self.is_taken(*at)));
        let pairs = old.into_iter().filter_map(|(key, old)| Some((old?, (*new.get(&key)?)?)));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        for (old, new) in pairs {
            self.pair(old, new);
        }
        self.along_links();
    }

    fn is_free_old(&self, at: usize) -> bool {
        self.partners.get(at) == Some(&None)
    }

    fn is_taken(&self, at: usize) -> bool {
        self.is_taken.get(at) != Some(&false)
    }
}

/// The free nodes of each hash, in order.
fn grouped(hashes: &[PromptHash], is_free: impl Fn(usize) -> bool) -> HashMap<PromptHash, Vec<usize>> {
    let mut groups: HashMap<_, Vec<_>> = HashMap::new();
    for (at, hash) in hashes.iter().enumerate().filter(|(at, _)| is_free(*at)) {
        groups.entry(*hash).or_default().push(at);
    }
    groups
}
