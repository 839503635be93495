//! Where the nodes and inputs of a prompt stand in its text.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::finding::Finding;
use crate::json::{self, JsonPath, Lines, Position};

/// Where a key and its value stand in a text. The key is covered with its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EntryPosition {
    /// The key.
    pub key: Position,
    /// The value.
    pub value: Position,
}

/// Where the nodes and inputs of a prompt stand in the text that it was read from, for messages that point
/// at them and for changes that leave the rest of the text as it is.
///
/// It describes the text as it was read, and knows nothing of later changes to the prompt.
///
/// ```
/// use comfyicu_model::{Prompt, ReadOptions};
///
/// let mut text = r#"{"3": {"class_type": "KSampler", "inputs": {"seed":   1, "steps": 20}}}"#.to_owned();
/// let read = Prompt::read(text.as_bytes(), ReadOptions::default().source_map(true))?;
/// let seed = read.source_map.and_then(|map| map.input("3", "seed")).expect("it is there");
/// assert_eq!(seed.key.to_string(), "1:45");
/// text.replace_range(seed.value.range(), "42");
/// assert_eq!(text, r#"{"3": {"class_type": "KSampler", "inputs": {"seed":   42, "steps": 20}}}"#);
/// # Ok::<(), comfyicu_model::ParsePromptError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMap {
    prompt: Position,
    nodes: HashMap<Box<str>, NodeSource>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct NodeSource {
    node: EntryPosition,
    class_type: Option<EntryPosition>,
    inputs: Option<EntryPosition>,
    by_name: HashMap<Box<str>, EntryPosition>,
}

impl SourceMap {
    /// Scans the text of a document that was read, and has its prompt at `path`.
    pub(super) fn of(text: &[u8], path: &JsonPath, lines: &Lines) -> Option<Self> {
        let span = json::span_at(text, path)?;
        let entries = json::entries(text, span.start);
        let nodes = entries.map(|entry| (entry.key.as_ref().into(), NodeSource::of(text, &entry, lines)));
        Some(Self { nodes: nodes.collect(), prompt: lines.position(span) })
    }

    /// Where the prompt stands.
    pub const fn prompt(&self) -> Position {
        self.prompt
    }

    /// Where a node stands: its id, and the node.
    pub fn node(&self, id: &str) -> Option<EntryPosition> {
        Some(self.nodes.get(id)?.node)
    }

    /// Where the class of a node stands.
    pub fn class_type(&self, id: &str) -> Option<EntryPosition> {
        self.nodes.get(id)?.class_type
    }

    /// Where the inputs of a node stand, all of them together.
    pub fn inputs(&self, id: &str) -> Option<EntryPosition> {
        self.nodes.get(id)?.inputs
    }

    /// Where an input of a node stands: its name, and what is at it.
    pub fn input(&self, id: &str, input: &str) -> Option<EntryPosition> {
        self.nodes.get(id)?.by_name.get(input).copied()
    }

    /// Says of each finding that has no position yet where in the text it is: at the value of its input; where
    /// that is not there, at the class or the id of its node.
    pub fn locate(&self, findings: &mut [Finding]) {
        for finding in findings.iter_mut().filter(|finding| finding.position.is_none()) {
            finding.position = self.position_of(finding);
        }
    }

    fn position_of(&self, finding: &Finding) -> Option<Position> {
        let node = self.nodes.get(finding.node_id.as_ref()?.as_str())?;
        let input = finding.input.as_ref().and_then(|input| node.by_name.get(input.as_str()));
        let is_about_class = finding.code == "missing_node_type";
        let class_type = node.class_type.filter(|_| is_about_class).map(|class_type| class_type.value);
        Some(input.map(|input| input.value).or(class_type).unwrap_or(node.node.key))
    }
}

impl NodeSource {
    fn of(text: &[u8], node: &json::Entry<'_>, lines: &Lines) -> Self {
        let mut source =
            Self { node: position_of(node, lines), class_type: None, inputs: None, by_name: HashMap::new() };
        for entry in json::entries(text, node.value_span.start) {
            match entry.key.as_ref() {
                "class_type" => source.class_type = Some(position_of(&entry, lines)),
                // Where `inputs` stands twice, the last one counts.
                "inputs" => {
                    source.inputs = Some(position_of(&entry, lines));
                    source.by_name = json::entries(text, entry.value_span.start)
                        .map(|input| (input.key.as_ref().into(), position_of(&input, lines)))
                        .collect();
                }
                _ => {}
            }
        }
        source
    }
}

fn position_of(entry: &json::Entry<'_>, lines: &Lines) -> EntryPosition {
    EntryPosition {
        key: lines.position(entry.key_span.clone()),
        value: lines.position(entry.value_span.clone()),
    }
}
