//! The prompt as a graph: its links, seen from both ends.

use std::collections::HashMap;

use super::{Link, Node, Prompt};
use crate::ids::NodeId;

/// The links of a prompt, indexed from both ends.
///
/// It is built once, in one pass, by [`Prompt::graph`]; what it answers takes no longer than what it answers
/// is long, or one pass over the links. Nothing here recurses: a prompt may be deeper than any stack.
///
/// ```
/// use comfyicu_model::Prompt;
///
/// let prompt = Prompt::parse(br#"{
///     "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
///     "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["4", 1]}},
///     "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}}
/// }"#)?;
/// let graph = prompt.graph();
/// let users: Vec<_> = graph.consumers_of("4", 1).map(|used| (used.node.id(), used.input)).collect();
/// assert_eq!(users, [("6", "clip"), ("7", "clip")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    by_id: HashMap<&'a str, usize>,
    /// For each node the links at its inputs.
    links: Vec<Vec<Edge<'a>>>,
    /// For each node the links to its outputs.
    consumers: Vec<Vec<Edge<'a>>>,
}

/// A link, seen from one of its ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge<'a> {
    /// The node at the other end, by its index; `None` when the link leads nowhere.
    pub(super) other: Option<usize>,
    /// The input at which the link stands.
    pub(super) input: &'a str,
    pub(super) link: Link<'a>,
}

/// An input of a node, with the link that stands at it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LinkedInput<'a> {
    /// The node that has the input.
    pub node: Node<'a>,
    /// The name of the input.
    pub input: &'a str,
    /// The output that it takes.
    pub link: Link<'a>,
}

impl Prompt {
    /// Indexes the links of the prompt, in one pass over them.
    pub fn graph(&self) -> Graph<'_> {
        let nodes: Vec<_> = self.nodes().collect();
        let by_id: HashMap<_, _> = nodes.iter().enumerate().map(|(at, node)| (node.id(), at)).collect();
        let mut consumers = vec![Vec::new(); nodes.len()];
        let mut links = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let edges = node.links().map(|(input, link)| Edge {
                other: by_id.get(link.node_id).copied(),
                input,
                link,
            });
            let edges: Vec<_> = edges.collect();
            for edge in &edges {
                if let Some(used) = edge.other.and_then(|source| consumers.get_mut(source)) {
                    Vec::push(used, Edge { other: Some(at), ..*edge });
                }
            }
            links.push(edges);
        }
        Graph { nodes, by_id, links, consumers }
    }
}

impl<'a> Graph<'a> {
    /// The nodes, in the order of the file.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = Node<'a>> + ExactSizeIterator {
        self.nodes.iter().copied()
    }

    /// The node of an id.
    pub fn node(&self, id: &str) -> Option<Node<'a>> {
        self.at(self.index_of(id)?)
    }

    /// The inputs that take an output of a node, in the order of the file; none when there is no such node.
    pub fn consumers(&self, id: &str) -> impl Iterator<Item = LinkedInput<'a>> {
        let edges = self.index_of(id).and_then(|at| self.consumers.get(at));
        edges.into_iter().flatten().filter_map(|edge| self.linked_input(edge.other?, edge))
    }

    /// The inputs that take one output of a node, in the order of the file.
    pub fn consumers_of(&self, id: &str, slot: usize) -> impl Iterator<Item = LinkedInput<'a>> {
        self.consumers(id).filter(move |used| used.link.slot == Some(slot))
    }

    /// The links to nodes that are not there, in the order of the file.
    pub fn dangling(&self) -> impl Iterator<Item = LinkedInput<'a>> {
        let edges =
            self.links.iter().enumerate().flat_map(|(at, edges)| edges.iter().map(move |edge| (at, edge)));
        edges.filter(|(_, edge)| edge.other.is_none()).filter_map(|(at, edge)| self.linked_input(at, edge))
    }

    /// The nodes whose outputs nothing takes: where the graph ends. Nodes that save or show something are
    /// among them, and so are nodes that are of no use.
    pub fn ends(&self) -> impl Iterator<Item = Node<'a>> {
        self.nodes.iter().zip(&self.consumers).filter(|(_, used)| used.is_empty()).map(|(node, _)| *node)
    }

    pub(super) const fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn index_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn at(&self, at: usize) -> Option<Node<'a>> {
        self.nodes.get(at).copied()
    }

    pub(super) fn ids(&self, indices: impl IntoIterator<Item = usize>) -> Vec<NodeId> {
        indices.into_iter().filter_map(|at| self.at(at)).map(|node| node.id().into()).collect()
    }

    pub(super) fn links_of(&self, at: usize) -> &[Edge<'a>] {
        self.links.get(at).map_or(&[], Vec::as_slice)
    }

    pub(super) fn uses_of(&self, at: usize) -> &[Edge<'a>] {
        self.consumers.get(at).map_or(&[], Vec::as_slice)
    }

    fn linked_input(&self, at: usize, edge: &Edge<'a>) -> Option<LinkedInput<'a>> {
        Some(LinkedInput { node: self.at(at)?, input: edge.input, link: edge.link })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::prompt_of;
    use super::*;

    #[test]
    fn links_are_seen_from_both_ends() {
        let prompt = prompt_of(&[("a", &["b", "b"]), ("b", &[]), ("c", &["b", "gone"])]);
        let graph = prompt.graph();
        let names = |used: LinkedInput<'_>| format!("{}.{}", used.node.id(), used.input);
        assert_eq!(graph.consumers("b").map(names).collect::<Vec<_>>(), ["a.in0", "a.in1", "c.in0"]);
        assert_eq!(graph.consumers_of("b", 1).count(), 0);
        assert_eq!(graph.consumers("gone").count(), 0);
        assert_eq!(graph.dangling().map(names).collect::<Vec<_>>(), ["c.in1"]);
        assert_eq!(graph.ends().map(|node| node.id()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(graph.node("c").map(|node| node.id()), Some("c"));
    }
}
