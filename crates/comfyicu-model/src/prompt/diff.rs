//! What changed from one prompt to another, node by node and input by input.

mod display;
mod matching;
mod object;
mod text;

use std::collections::BTreeMap;

use super::{Graph, Link, Node, NodeSummary, Prompt};
use crate::ids::NodeId;
use crate::json::Value;

/// What changed from one prompt to another.
///
/// Its `Display` is for people, [`to_object`](Self::to_object) for programs. See [`Prompt::diff`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromptDiff {
    /// The changed nodes: those of the old prompt in their order, then the added ones in theirs.
    pub changes: Vec<NodeChange>,
    /// The nodes that have another id now, old → new, changed otherwise or not.
    pub renumbered: BTreeMap<NodeId, NodeId>,
}

/// What happened to one node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeChange {
    /// It is new.
    Added {
        /// The node.
        node: NodeSummary,
        /// What stands at its inputs.
        inputs: Vec<(String, GivenInput)>,
    },
    /// It is gone.
    Removed {
        /// The node.
        node: NodeSummary,
        /// What stood at its inputs.
        inputs: Vec<(String, GivenInput)>,
    },
    /// Its class, its title or its inputs changed.
    Changed {
        /// What it was known by.
        old: NodeSummary,
        /// What it is known by now.
        new: NodeSummary,
        /// The inputs that changed: those of the old node in their order, then the added ones in theirs.
        inputs: Vec<InputChange>,
    },
}

/// What happened to one input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputChange {
    /// The name of the input.
    pub name: String,
    /// What stood there; `None` when the input is new.
    pub old: Option<GivenInput>,
    /// What stands there now; `None` when the input is gone.
    pub new: Option<GivenInput>,
}

/// What stands at an input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GivenInput {
    /// The value, a literal or a link.
    pub value: Value,
    /// The node that the link leads to, when it is one and does not lead nowhere.
    pub source: Option<NodeSummary>,
}

impl Prompt {
    /// What changed from this prompt to another: nodes added and removed, and of the others the class, the
    /// title, and each input. What else a node or the file holds is not compared, nor is any order. Values are
    /// the same when they are written the same, up to the order of keys and the spelling of floats; `1` and
    /// `1.0` differ.
    ///
    /// Which nodes are the same is decided by their ids, where at least half of the nodes of the smaller prompt
    /// have the same id and the same class in the other one. Else, or when the two differ in nothing but the
    /// ids, it is decided by content:
    ///
    /// 1. nodes that compute the same, with all that they need;
    /// 2. then, from each pair that is found, the nodes of one class that feed the same input of the two;
    /// 3. then nodes of the same id and class;
    /// 4. then nodes that are the only ones left of their class and title, or of their class;
    /// 5. then nodes of the same id, whose class changed.
    ///
    /// After the ids, the other rules find what moved to another id. Links are the same when they lead to the
    /// same output of the same node, whatever its id.
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let old = Prompt::parse(br#"{"3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20}}}"#)?;
    /// let new = Prompt::parse(br#"{"3": {"class_type": "KSampler", "inputs": {"seed": 8, "steps": 20}}}"#)?;
    /// assert_eq!(old.diff(&new).to_string(), "~ 3 (KSampler)\n    seed: 7 → 8\n");
    /// assert!(old.diff(&old).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn diff(&self, new: &Self) -> PromptDiff {
        let (old, new) = (self.graph(), new.graph());
        Comparison { partners: matching::partners(&old, &new), old, new }.diff()
    }
}

impl PromptDiff {
    /// Whether nothing changed: then the two prompts have the same [`content_hash`](Prompt::content_hash), and
    /// the same titles.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.renumbered.is_empty()
    }
}

/// Two prompts, and which node of the new one each node of the old one is.
struct Comparison<'a> {
    old: Graph<'a>,
    new: Graph<'a>,
    partners: Vec<Option<usize>>,
}

impl<'a> Comparison<'a> {
    fn diff(&self) -> PromptDiff {
        let mut diff = PromptDiff { changes: Vec::new(), renumbered: BTreeMap::new() };
        let mut is_new = vec![true; self.new.len()];
        for (node, partner) in self.old.nodes().zip(&self.partners) {
            let Some((at, partner)) = partner.and_then(|at| Some((at, self.new.at(at)?))) else {
                let inputs = given_inputs(&self.old, node);
                diff.changes.push(NodeChange::Removed { node: node.into(), inputs });
                continue;
            };
            if let Some(is_new) = is_new.get_mut(at) {
                *is_new = false;
            }
            diff.changes.extend(self.changed(node, partner));
            if node.id() != partner.id() {
                diff.renumbered.insert(node.id().into(), partner.id().into());
            }
        }
        let added = self.new.nodes().zip(is_new).filter(|(_, is_new)| *is_new).map(|(node, _)| node);
        let added =
            added.map(|node| NodeChange::Added { node: node.into(), inputs: given_inputs(&self.new, node) });
        diff.changes.extend(added);
        diff
    }

    fn changed(&self, old: Node<'a>, new: Node<'a>) -> Option<NodeChange> {
        let given = |graph: &Graph<'a>, node: Node<'a>, name| Some(GivenInput::of(graph, node.value(name)?));
        let mut inputs = Vec::new();
        for (name, _) in old.inputs() {
            if !self.is_same(old.value(name), new.value(name)) {
                let (old, new) = (given(&self.old, old, name), given(&self.new, new, name));
                inputs.push(InputChange { name: name.to_owned(), old, new });
            }
        }
        for (name, _) in new.inputs().filter(|(name, _)| old.value(name).is_none()) {
            inputs.push(InputChange { name: name.to_owned(), old: None, new: given(&self.new, new, name) });
        }
        let is_same = inputs.is_empty() && class_type(old) == class_type(new) && old.title() == new.title();
        (!is_same).then(|| NodeChange::Changed { old: old.into(), new: new.into(), inputs })
    }

    fn is_same(&self, old: Option<&Value>, new: Option<&Value>) -> bool {
        let (Some(old), Some(new)) = (old, new) else { return false };
        let (Some(old_link), Some(new_link)) = (Link::of(old), Link::of(new)) else { return old == new };
        let slot = |link: &Value| link.as_array().and_then(|parts| parts.get(1)).cloned();
        slot(old) == slot(new) && self.is_same_source(old_link, new_link)
    }

    fn is_same_source(&self, old: Link<'_>, new: Link<'_>) -> bool {
        match (self.old.index_of(old.node_id), self.new.index_of(new.node_id)) {
            (Some(old), Some(new)) => self.partners.get(old) == Some(&Some(new)),
            (None, None) => old.node_id == new.node_id,
            _ => false,
        }
    }
}

/// The class as it stands in the file; what is no string is no class, but may differ.
fn class_type(node: Node<'_>) -> Option<&Value> {
    node.as_object().get("class_type").filter(|class_type| !class_type.is_null())
}

fn given_inputs(graph: &Graph<'_>, node: Node<'_>) -> Vec<(String, GivenInput)> {
    let inputs = node.inputs().filter_map(|(name, _)| Some((name, node.value(name)?)));
    inputs.map(|(name, value)| (name.to_owned(), GivenInput::of(graph, value))).collect()
}

impl GivenInput {
    fn of(graph: &Graph<'_>, value: &Value) -> Self {
        let source = Link::of(value).and_then(|link| graph.node(link.node_id));
        Self { value: value.clone(), source: source.map(NodeSummary::from) }
    }
}
