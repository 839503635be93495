//! Two prompts made one.

use std::collections::{BTreeMap, HashMap};

use super::Prompt;
use super::free_ids::FreeIds;
use crate::ids::NodeId;

impl Prompt {
    /// Puts the nodes of another prompt behind those of this one, without a link between the two, and returns
    /// for each of them the id that it had and the id that it has now.
    ///
    /// An id that is free stays. For one that is taken here, by an entry or by a link that leads nowhere, the
    /// numbers after the highest of both prompts are used, in the order of the file: the same two prompts
    /// always give the same result. Links follow; one that leads nowhere in `other` still leads nowhere.
    /// Other top-level entries of `other` come along where their key is free.
    ///
    /// ```
    /// # use comfyicu_model::Prompt;
    /// let mut prompt = Prompt::parse(br#"{"1": {"class_type": "EmptyImage", "inputs": {}}}"#)?;
    /// let other = Prompt::parse(br#"{
    ///     "1": {"class_type": "LoadImage", "inputs": {}},
    ///     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
    /// }"#)?;
    /// let ids = prompt.merge(other);
    /// assert_eq!(ids["1"].as_str(), "3");
    /// assert_eq!(prompt.get("2.images")?.to_json(), r#"["3",0]"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merge(&mut self, mut other: Self) -> BTreeMap<NodeId, NodeId> {
        let taken = FreeIds::of(&[self]);
        let mut free = FreeIds::of(&[self, &other]);
        let targets = other.nodes().flat_map(|node| node.links()).map(|(_, link)| link.node_id);
        let ids = other.nodes().map(|node| node.id()).chain(targets);
        let mut new_ids = HashMap::new();
        for id in ids.filter(|id| taken.is_taken(id)) {
            new_ids.entry(NodeId::from(id)).or_insert_with(|| free.fresh());
        }
        let new_id = |id: &str| new_ids.get(id).cloned().unwrap_or_else(|| id.into());
        let mapping = other.nodes().map(|node| (node.id().into(), new_id(node.id()))).collect();
        // What is no node, or has no place here.
        let left = other.0.iter().filter(|(id, _)| other.node(id).is_none() && self.0.contains_key(id));
        for id in left.map(|(id, _)| id.to_owned()).collect::<Vec<_>>() {
            other.0.remove(&id);
        }
        other.rename(&new_ids);
        for (id, entry) in other.0 {
            self.0.insert(id, entry);
        }
        mapping
    }
}
