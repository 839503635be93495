//! The prompt: ComfyUI's API-format graph.

mod cycles;
mod diff;
mod doubled;
mod edit;
mod edit_error;
mod find;
mod free_ids;
mod graph;
mod hash;
mod merge;
mod new_node;
mod node;
mod nodes;
mod order;
mod parse;
mod place;
mod reach;
mod read;
mod relabel;
mod rewire;
mod selector;
mod settings;
mod source_map;
mod summary;
#[cfg(test)]
mod tests;
mod wrapper;
mod write_into;

pub use diff::{GivenInput, InputChange, NodeChange, PromptDiff};
pub(crate) use doubled::refuse_doubled_nodes;
pub use edit::Edited;
pub use edit_error::{EditError, NamedBy};
pub use graph::{Graph, LinkedInput};
pub use hash::{InvalidHash, PromptHash};
pub use new_node::NewNode;
pub use node::{Input, Link, Node};
pub use nodes::Removed;
pub use order::GraphError;
pub use parse::ParsePromptError;
pub use place::{Place, Step, ToPlace};
pub use read::{ReadOptions, ReadPrompt};
pub use selector::Selector;
pub use settings::{Setting, SettingKind, SettingMut};
pub use source_map::{EntryPosition, SourceMap};
pub use summary::{NodeList, NodeSummary};
pub use wrapper::Wrapper;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::{JsonPath, Number, Object, Value};

/// A prompt: node id → node, kept exactly as it was read.
///
/// Whatever else the file held, top-level entries that are not nodes and unknown keys included, stays
/// where it was; [`nodes`](Self::nodes) shows the nodes.
///
/// ```
/// use comfyicu_model::Prompt;
///
/// let json = br#"{"9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}}"#;
/// let prompt = Prompt::parse(json)?;
/// let save = prompt.node("9").expect("it is there");
/// assert_eq!(save.class_type(), Some("SaveImage"));
/// assert_eq!(save.link("images").map(|link| link.node_id), Some("8"));
/// # Ok::<(), comfyicu_model::ParsePromptError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt(Object);

impl Prompt {
    /// The nodes, in the order of the file.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = Node<'_>> {
        self.0.iter().filter_map(|(id, entry)| Node::of_entry(id, entry))
    }

    /// The node of an id.
    pub fn node(&self, id: &str) -> Option<Node<'_>> {
        let (id, entry) = self.0.get_key_value(id)?;
        Node::of_entry(id, entry)
    }

    /// The entries that are not nodes, such as a version or a comment, in the order of the file. ComfyUI takes
    /// every entry for a node, and so refuses a prompt that has others.
    pub fn extra_entries(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> {
        self.0.iter().filter(|(id, entry)| Node::of_entry(id, entry).is_none())
    }

    /// Each `NaN` and infinity in the prompt, and where it is: Python reads and writes them, but they are not
    /// valid in JSON, and no request holds them.
    pub fn non_finite(&self) -> Vec<(JsonPath, &Number)> {
        self.0.non_finite()
    }

    /// The whole prompt as it was read.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }

    /// Gives the prompt back as JSON data.
    pub fn into_object(self) -> Object {
        self.0
    }

    /// Writes the prompt as JSON on one line.
    pub fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// Writes the prompt as JSON for people to read.
    pub fn to_json_pretty(&self) -> String {
        self.0.to_json_pretty()
    }
}

impl From<Prompt> for Value {
    fn from(prompt: Prompt) -> Self {
        Self::Object(prompt.0)
    }
}

/// Fails on `NaN` and the infinities, which JSON cannot express.
impl Serialize for Prompt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Works with `serde_json` only, see [`Value`].
impl<'de> Deserialize<'de> for Prompt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
