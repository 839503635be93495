//! The results of nodes while a run goes on, each kept until nobody needs it any more.

use std::collections::HashMap;
use std::sync::Arc;

use comfyicu_model::NodeId;

use super::call::{Arguments, Call};
use super::context::Context;
use super::steps::{Source, Step};
use super::value::{Argument, Literal, Value};

/// The results that are still needed.
#[derive(Debug, Default)]
pub(super) struct Results(HashMap<(NodeId, usize), Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// How many inputs are still to read it.
    readers: usize,
    /// The list that an output gave; of one value for most.
    values: Vec<Value>,
}

impl Results {
    /// Counts who will read what; what nobody will read any more is dropped.
    pub(super) fn expect(&mut self, links: impl Iterator<Item = (NodeId, usize)>) {
        self.0.values_mut().for_each(|kept| kept.readers = 0);
        for link in links {
            let kept = self.0.entry(link).or_default();
            kept.readers += 1;
        }
        self.0.retain(|_, kept| kept.readers > 0);
    }

    /// Which values a boolean has: one, or those of a list.
    pub(super) fn booleans(&self, source: &Source) -> Vec<bool> {
        let boolean = |literal: &Literal| matches!(literal, Literal::Bool(true));
        match source {
            Source::Literal(literal) => vec![boolean(literal)],
            Source::Link { node_id, slot } => {
                let kept = self.0.get(&(node_id.clone(), *slot));
                let values = kept.into_iter().flat_map(|kept| &kept.values);
                values.map(|value| matches!(value, Value::Scalar(literal) if boolean(literal))).collect()
            }
        }
    }

    /// Gathers the arguments of a step, and makes the calls that it takes: one, or where a list meets a node
    /// that takes single values, one for each value of the longest list; a shorter list repeats its last.
    pub(super) fn calls(&mut self, step: &Step, context: &Arc<Context>) -> Vec<Call> {
        let arguments = step.sources.iter().map(|(name, source)| (*name, self.arguments(source)));
        let mut arguments: Arguments = arguments.collect();
        let call = |arguments| Call::new(step.node_id.clone(), Arc::clone(context), arguments);
        if step.definition.takes_lists {
            return vec![call(arguments)];
        }
        let count = arguments.iter().map(|(_, list)| list.len()).max().unwrap_or(1);
        // From the last call to the first, so that the last to need a value gets the value itself.
        let mut calls: Vec<Call> = (0..count).rev().map(|at| call(nth(&mut arguments, at))).collect();
        calls.reverse();
        calls
    }

    fn arguments(&mut self, source: &Source) -> Vec<Argument> {
        match source {
            Source::Literal(literal) => vec![Argument::Literal(literal.clone())],
            Source::Link { node_id, slot } => {
                self.read(&(node_id.clone(), *slot)).into_iter().map(Argument::from).collect()
            }
        }
    }

    /// The last reader gets the values themselves and not a share of them.
    fn read(&mut self, key: &(NodeId, usize)) -> Vec<Value> {
        let Some(kept) = self.0.get_mut(key) else { return Vec::new() };
        kept.readers -= 1;
        if kept.readers > 0 {
            return kept.values.clone();
        }
        self.0.remove(key).map(|kept| kept.values).unwrap_or_default()
    }

    /// Keeps what a node gave, as far as somebody will read it.
    pub(super) fn keep(&mut self, node_id: &NodeId, values: Vec<Vec<Value>>) {
        for (slot, values) in values.into_iter().enumerate() {
            if let Some(kept) = self.0.get_mut(&(node_id.clone(), slot)) {
                kept.values.extend(values);
            }
        }
    }
}

/// The arguments of one of several calls, taken from the ends of the lists where this is the last use.
fn nth(arguments: &mut Arguments, at: usize) -> Arguments {
    let of_list = |list: &mut Vec<Argument>| {
        let argument = if at > 0 && at >= list.len() { list.last().cloned() } else { None };
        argument.or_else(|| list.pop()).into_iter().collect()
    };
    arguments.iter_mut().map(|(name, list)| (*name, of_list(list))).collect()
}
