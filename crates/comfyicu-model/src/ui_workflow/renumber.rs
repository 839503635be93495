//! Node ids that stand in more than one graph of a file: the editor gives all but the first new numbers when
//! it opens the file, and the prompt has the new ones.

use std::collections::HashSet;

use super::view::{NodeView, integer, objects};
use crate::json::{Object, Value};

/// Hands out ids, graph by graph in the order of the file.
#[derive(Debug)]
pub(super) struct Numbering {
    used: HashSet<i64>,
    last: i64,
}

impl Numbering {
    /// Starts behind the last id that the file says it gave.
    pub(super) fn of(workflow: &Object) -> Self {
        let state = workflow.get("state").and_then(Value::as_object);
        let last = workflow.get("last_node_id").or_else(|| state?.get("lastNodeId")).and_then(integer);
        let mut numbering = Self { used: HashSet::new(), last: last.unwrap_or(0).max(0) };
        // The root keeps its numbers, wherever else they stand.
        for id in objects(workflow.get("nodes")).filter_map(|node| node.get("id").and_then(integer)) {
            numbering.last = numbering.last.max(id);
        }
        numbering
    }

    /// The id of a node: its own, or a new one where that is taken. Ids that are no numbers are left alone.
    pub(super) fn id(&mut self, view: NodeView<'_>) -> Option<String> {
        let own = view.id()?;
        let number = view.0.get("id").and_then(integer).filter(|id| id.to_string() == own);
        let Some(id) = number else { return Some(own) };
        let id = if self.used.contains(&id) { self.next() } else { id };
        self.used.insert(id);
        self.last = self.last.max(id);
        Some(id.to_string())
    }

    /// A number that no node has had so far.
    pub(super) fn next(&mut self) -> i64 {
        loop {
            self.last = self.last.saturating_add(1);
            if self.last == i64::MAX || !self.used.contains(&self.last) {
                return self.last;
            }
        }
    }
}
