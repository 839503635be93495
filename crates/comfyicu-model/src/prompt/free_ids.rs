//! Ids that no node has yet.

use std::collections::HashSet;

use super::Prompt;
use crate::ids::NodeId;

/// The ids that are taken in a prompt, and the next one that is not.
pub(super) struct FreeIds {
    taken: HashSet<Box<str>>,
    /// Where the search goes on.
    next: u64,
}

impl FreeIds {
    /// Takes stock of prompts. An id is taken by any entry, node or not, and by a link that leads nowhere: a
    /// node of that id would catch it.
    pub(super) fn of(prompts: &[&Prompt]) -> Self {
        let mut ids = Self { taken: HashSet::new(), next: 1 };
        for prompt in prompts {
            let targets = prompt.nodes().flat_map(|node| node.links()).map(|(_, link)| link.node_id);
            for id in prompt.as_object().keys().chain(targets) {
                ids.take(id);
            }
        }
        ids
    }

    pub(super) fn is_taken(&self, id: &str) -> bool {
        self.taken.contains(id)
    }

    pub(super) fn take(&mut self, id: &str) {
        self.taken.insert(id.into());
        // The editor counts its nodes, and `12:3` is inside its node 12.
        let number = id.split(':').next().and_then(|first| first.parse::<u64>().ok());
        if let Some(next) = number.and_then(|number| number.checked_add(1)).filter(|next| *next > self.next) {
            self.next = next;
        }
    }

    /// The number after the highest; where there is none, the lowest that is free.
    pub(super) fn fresh(&mut self) -> NodeId {
        let is_free = |number: &u64| !self.taken.contains(number.to_string().as_str());
        let free = (self.next..=u64::MAX).chain(1..self.next).find(is_free);
        let id = free.unwrap_or_default().to_string();
        self.take(&id);
        NodeId::new(id)
    }
}
