//! Where the nodes and inputs of a prompt stand in its text.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use crate::finding::Finding;
use crate::json::{JsonPath, Lines, Position, Scanner};

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
    /// Goes once over the text of a document that was read, and has its prompt at `path`.
    pub(super) fn of(text: &[u8], path: &JsonPath, lines: &Lines) -> Option<Self> {
        let mut nodes = HashMap::new();
        let span = Scanner::before(text, path)?.object(|scanner, id, key_span| {
            if let Some(node) = NodeSource::scan(scanner, key_span, lines) {
                nodes.insert(id.as_ref().into(), node);
            }
        });
        Some(Self { nodes, prompt: lines.position(span?) })
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
    /// Goes over a node, behind its key.
    fn scan(scanner: &mut Scanner<'_>, key_span: Range<usize>, lines: &Lines) -> Option<Self> {
        let (mut class_type, mut inputs, mut by_name) = (None, None, HashMap::new());
        let position = |key, value| EntryPosition { key: lines.position(key), value: lines.position(value) };
        let span = scanner.object(|scanner, key, key_span| {
            let value_span = match key.as_ref() {
                "inputs" => {
                    // Where `inputs` stands twice, the last one counts.
                    by_name.clear();
                    scanner.object(|scanner, name, name_span| {
                        if let Some(value_span) = scanner.value() {
                            by_name.insert(name.as_ref().into(), position(name_span, value_span));
                        }
                    })
                }
                _ => scanner.value(),
            };
            let place = value_span.map(|value_span| position(key_span, value_span));
            match key.as_ref() {
                "class_type" => class_type = place,
                "inputs" => inputs = place,
                _ => {}
            }
        });
        Some(Self { node: position(key_span, span?), class_type, inputs, by_name })
    }
}
