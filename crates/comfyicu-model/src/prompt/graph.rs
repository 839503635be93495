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
    links: Edges<'a>,
    /// For each node the links to its outputs.
    consumers: Edges<'a>,
}

/// Links by node: one list for all of them, and not one for each, since most are short.
#[derive(Clone, Debug, Default)]
struct Edges<'a> {
    all: Vec<Edge<'a>>,
    /// Where the links of each node end; they begin where those of the node before end.
    ends: Vec<usize>,
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
        let mut links = Edges::default();
        for node in &nodes {
            let other = |link: Link<'_>| by_id.get(link.node_id).copied();
            links.all.extend(node.links().map(|(input, link)| Edge { other: other(link), input, link }));
            links.ends.push(links.all.len());
        }
        Graph { consumers: links.reversed(), nodes, by_id, links }
    }
}

impl<'a> Edges<'a> {
    /// Those of a node, by its index.
    fn of(&self, at: usize) -> &[Edge<'a>] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(at).and_then(|end| self.all.get(start..*end)).unwrap_or_default()
    }

    /// Each with the index of its node.
    fn iter(&self) -> impl Iterator<Item = (usize, &Edge<'a>)> {
        (0..self.ends.len()).flat_map(|at| self.of(at).iter().map(move |edge| (at, edge)))
    }

    /// The same links by the nodes at their other ends, for each of those in the order that they are in here.
    fn reversed(&self) -> Self {
        let linked =
            || self.iter().filter_map(|(at, edge)| Some((edge.other?, Edge { other: Some(at), ..*edge })));
        let mut ends = vec![0; self.ends.len()];
        for (source, _) in linked() {
            ends.get_mut(source).into_iter().for_each(|count| *count += 1);
        }
        // First each says where those of its node begin. It moves on with every one that is put there, to where they
        // end.
        let mut start = 0;
        for end in &mut ends {
            start += std::mem::replace(end, start);
        }
        let mut all = self.all.clone();
        all.truncate(start);
        for (source, edge) in linked() {
            let Some(next) = ends.get_mut(source) else { continue };
            all.get_mut(*next).into_iter().for_each(|place| *place = edge);
            *next += 1;
        }
        Self { all, ends }
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
        let edges = self.index_of(id).map(|at| self.consumers.of(at));
        edges.into_iter().flatten().filter_map(|edge| self.linked_input(edge.other?, edge))
    }

    /// The inputs that take one output of a node, in the order of the file.
    pub fn consumers_of(&self, id: &str, slot: usize) -> impl Iterator<Item = LinkedInput<'a>> {
        self.consumers(id).filter(move |used| used.link.slot == Some(slot))
    }

    /// The links to nodes that are not there, in the order of the file.
    pub fn dangling(&self) -> impl Iterator<Item = LinkedInput<'a>> {
        self.links
            .iter()
            .filter(|(_, edge)| edge.other.is_none())
            .filter_map(|(at, edge)| self.linked_input(at, edge))
    }

    /// The nodes whose outputs nothing takes: where the graph ends. Nodes that save or show something are
    /// among them, and so are nodes that are of no use.
    pub fn ends(&self) -> impl Iterator<Item = Node<'a>> {
        let is_end = |at: &usize| self.consumers.of(*at).is_empty();
        (0..self.len()).filter(is_end).filter_map(|at| self.at(at))
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
        self.links.of(at)
    }

    pub(super) fn uses_of(&self, at: usize) -> &[Edge<'a>] {
        self.consumers.of(at)
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
