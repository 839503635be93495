//! Giving nodes other ids.

use std::collections::{HashMap, HashSet};

use super::{EditError, Link, Prompt};
use crate::ids::NodeId;
use crate::json::{Object, Value};

impl Prompt {
    /// Gives nodes other ids, old → new; links follow, and the order stays. Ids can be swapped.
    ///
    /// # Errors
    /// When an old id is none of a node, or a new one would not be its own: two nodes would have it, another
    /// entry has it, or a link that leads nowhere names it. Nothing is changed then.
    ///
    /// ```
    /// # use comfyicu_model::Prompt;
    /// let mut prompt = Prompt::parse(br#"{
    ///     "1": {"class_type": "EmptyImage", "inputs": {}},
    ///     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
    /// }"#)?;
    /// prompt.relabel([("1", "canvas"), ("2", "1")])?;
    /// assert_eq!(prompt.get("1.images")?.to_json(), r#"["canvas",0]"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn relabel<A: Into<NodeId>, B: Into<NodeId>>(
        &mut self,
        ids: impl IntoIterator<Item = (A, B)>,
    ) -> Result<(), EditError> {
        let mut new_ids = HashMap::new();
        for (old, new) in ids {
            let old = old.into();
            self.find_id(old.as_str())?;
            new_ids.insert(old, new.into());
        }
        self.check_unique(&new_ids)?;
        self.rename(&new_ids);
        Ok(())
    }

    fn check_unique(&self, new_ids: &HashMap<NodeId, NodeId>) -> Result<(), EditError> {
        let stay = self.0.keys().filter(|id| !new_ids.contains_key(*id));
        let targets = self.nodes().flat_map(|node| node.links()).map(|(_, link)| link.node_id);
        let mut taken: HashSet<&str> = stay.chain(targets.filter(|id| self.node(id).is_none())).collect();
        // In the order of the file, so that the same mistake is always the same error.
        let mut new = self.0.keys().filter_map(|id| new_ids.get(id));
        match new.find(|id| !taken.insert(id.as_str())) {
            Some(id) => Err(EditError::IdTaken { id: id.clone() }),
            None => Ok(()),
        }
    }

    /// Renames nodes, and what links name, without a check.
    pub(super) fn rename(&mut self, new_ids: &HashMap<NodeId, NodeId>) {
        let new_id = |id: String| new_ids.get(id.as_str()).map_or(id, |new| new.as_str().to_owned());
        let entries = std::mem::take(&mut self.0).into_iter();
        self.0 = entries.map(|(id, entry)| (new_id(id), entry)).collect();
        for entry in self.0.values_mut() {
            let node = entry.as_object_mut();
            let inputs = node.and_then(|node| node.get_mut("inputs")?.as_object_mut());
            for value in inputs.into_iter().flat_map(Object::values_mut) {
                if let Some(new) = Link::of(value).and_then(|link| new_ids.get(link.node_id)).cloned() {
                    set_target(value, &new);
                }
            }
        }
    }
}

/// Only the id changes: the slot stays as it is written.
fn set_target(link: &mut Value, new: &NodeId) {
    if let Value::Array(parts) = link
        && let Some(id) = parts.first_mut()
    {
        *id = new.as_str().into();
    }
}
