//! A node in a word or two, for messages.

use std::fmt;

use super::Node;
use crate::ids::NodeId;

/// The most nodes that a list in a message names.
const MAX_NAMED: usize = 20;

/// What people know a node by: its id, its class, its title.
///
/// Its `Display` is `6 (CLIPTextEncode, "Positive Prompt")`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NodeSummary {
    /// Its id.
    pub id: NodeId,
    /// Its class; real files have nodes without one.
    pub class_type: Option<String>,
    /// Its title, when the file has one.
    pub title: Option<String>,
}

impl From<Node<'_>> for NodeSummary {
    fn from(node: Node<'_>) -> Self {
        Self {
            id: node.id().into(),
            class_type: node.class_type().map(str::to_owned),
            title: node.title().map(str::to_owned),
        }
    }
}

impl Node<'_> {
    /// What people know the node by.
    pub fn summary(self) -> NodeSummary {
        self.into()
    }
}

impl fmt::Display for NodeSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class_type = self.class_type.as_deref().unwrap_or("no class");
        write!(f, "{} ({}", Printable(self.id.as_str()), Printable(class_type))?;
        // Most titles are the class again.
        match self.title.as_deref().filter(|title| *title != class_type) {
            Some(title) => write!(f, ", {title:?})"),
            None => f.write_str(")"),
        }
    }
}

/// A text without what would move a terminal's cursor: control characters as escapes.
pub(super) struct Printable<'a>(pub(super) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(char::is_control) {
            let plain = part.trim_end_matches(char::is_control);
            f.write_str(plain)?;
            part.chars()
                .skip(plain.chars().count())
                .try_for_each(|control| write!(f, "{}", control.escape_debug()))?;
        }
        Ok(())
    }
}

/// Some nodes of a prompt, in the order of the file.
///
/// Its `Display` names the first twenty, and says how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeList(Vec<NodeSummary>);

impl NodeList {
    /// The nodes.
    pub fn as_slice(&self) -> &[NodeSummary] {
        &self.0
    }
}

impl<'a> FromIterator<Node<'a>> for NodeList {
    fn from_iter<I: IntoIterator<Item = Node<'a>>>(nodes: I) -> Self {
        Self(nodes.into_iter().map(NodeSummary::from).collect())
    }
}

impl fmt::Display for NodeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no nodes");
        }
        for (position, node) in self.0.iter().take(MAX_NAMED).enumerate() {
            f.write_str(if position > 0 { ", " } else { "" })?;
            node.fmt(f)?;
        }
        match self.0.len().saturating_sub(MAX_NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
