//! The results of nodes while a run goes on, each kept until nobody needs it any more.

use std::collections::HashMap;
use std::sync::Arc;

use comfyicu_model::NodeId;

use super::call::{Call, Failure};
use super::check::{Source, Step};
use super::context::Context;
use super::limit::MAX_LIVE_VALUES;
use super::value::{Argument, Value};

/// The results that are still needed.
#[derive(Debug, Default)]
pub(super) struct Results(HashMap<(NodeId, usize), Kept>);

#[derive(Debug)]
struct Kept {
    /// How many inputs are still to read it.
    readers: usize,
    value: Option<Value>,
}

impl Results {
    /// Counts who will read what.
    pub(super) fn new(steps: &[Step]) -> Self {
        let mut results = HashMap::new();
        for (_, source) in steps.iter().flat_map(|step| &step.sources) {
            if let Source::Link { node_id, slot } = source {
                let kept =
                    results.entry((node_id.clone(), *slot)).or_insert(Kept { readers: 0, value: None });
                kept.readers += 1;
            }
        }
        Self(results)
    }

    /// Gathers the arguments of a step. The last reader gets the value itself and not a share of it.
    pub(super) fn call(&mut self, step: &Step, context: &Arc<Context>) -> Call {
        let arguments = step.sources.iter().filter_map(|(name, source)| {
            let argument = match source {
                Source::Literal(literal) => Argument::Literal(literal.clone()),
                Source::Link { node_id, slot } => Argument::Value(self.read(&(node_id.clone(), *slot))?),
            };
            Some((*name, argument))
        });
        let arguments = arguments.collect();
        Call::new(step.node_id.clone(), Arc::clone(context), arguments)
    }

    fn read(&mut self, key: &(NodeId, usize)) -> Option<Value> {
        let kept = self.0.get_mut(key)?;
        kept.readers -= 1;
        if kept.readers > 0 { kept.value.clone() } else { self.0.remove(key)?.value }
    }

    /// Keeps what a node gave, as far as somebody will read it.
    pub(super) fn keep(&mut self, node_id: &NodeId, values: Vec<Value>) -> Result<(), Failure> {
        for (slot, value) in values.into_iter().enumerate() {
            if let Some(kept) = self.0.get_mut(&(node_id.clone(), slot)) {
                kept.value = Some(value);
            }
        }
        let live: usize = self.0.values().filter_map(|kept| kept.value.as_ref()).map(Value::size).sum();
        if live > MAX_LIVE_VALUES {
            let message = "the images of this run, those still needed together, are more than can be held";
            return Err(Failure::new("MemoryError", message));
        }
        Ok(())
    }
}
