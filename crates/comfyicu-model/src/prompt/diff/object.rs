//! A diff as JSON.

use super::{GivenInput, InputChange, NodeChange, PromptDiff};
use crate::json::{Object, Value};
use crate::prompt::NodeSummary;

impl PromptDiff {
    /// Writes the diff as JSON:
    ///
    /// ```text
    /// {"added":   [{"id", "class_type", "title", "inputs": {NAME: VALUE}}],
    ///  "removed": [the same],
    ///  "changed": [{"id", "class_type", "title", "new_id"?, "new_class_type"?, "new_title"?,
    ///               "inputs": {NAME: {"old"?: VALUE, "new"?: VALUE}}}],
    ///  "renumbered": {OLD: NEW}}
    /// ```
    ///
    /// `new_…` stands there where it differs; of `old` and `new` one is missing where the input is new or gone.
    /// Links are as they stand in the two files.
    pub fn to_object(&self) -> Object {
        let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for change in &self.changes {
            match change {
                NodeChange::Added { node, inputs } => added.push(whole(node, inputs)),
                NodeChange::Removed { node, inputs } => removed.push(whole(node, inputs)),
                NodeChange::Changed { old, new, inputs } => changed.push(delta(old, new, inputs)),
            }
        }
        let renumbered = self.renumbered.iter().map(|(old, new)| (old.as_str(), new.as_str()));
        let mut object = Object::new();
        object.insert("added", added);
        object.insert("removed", removed);
        object.insert("changed", changed);
        object.insert("renumbered", renumbered.collect::<Object>());
        object
    }
}

fn summary(node: &NodeSummary) -> Object {
    let mut object = Object::new();
    object.insert("id", node.id.as_str());
    object.insert("class_type", node.class_type.as_deref());
    object.insert("title", node.title.as_deref());
    object
}

fn whole(node: &NodeSummary, inputs: &[(String, GivenInput)]) -> Object {
    let mut object = summary(node);
    let inputs = inputs.iter().map(|(name, given)| (name.as_str(), given.value.clone()));
    object.insert("inputs", inputs.collect::<Object>());
    object
}

fn delta(old: &NodeSummary, new: &NodeSummary, inputs: &[InputChange]) -> Object {
    let mut object = summary(old);
    if old.id != new.id {
        object.insert("new_id", new.id.as_str());
    }
    if old.class_type != new.class_type {
        object.insert("new_class_type", new.class_type.as_deref());
    }
    if old.title != new.title {
        object.insert("new_title", new.title.as_deref());
    }
    let sides = |change: &InputChange| -> Value {
        let sides = [("old", &change.old), ("new", &change.new)].into_iter();
        let sides = sides.filter_map(|(key, given)| Some((key, given.as_ref()?.value.clone())));
        sides.collect::<Object>().into()
    };
    let inputs = inputs.iter().map(|change| (change.name.as_str(), sides(change)));
    object.insert("inputs", inputs.collect::<Object>());
    object
}
