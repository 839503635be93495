//! Why an edit cannot be made.

use std::fmt;

use super::{NodeList, NodeSummary, Place};
use crate::ids::NodeId;
use crate::json::Kind;

/// Why something in a prompt cannot be found or changed. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The text does not name an input of a node.
    #[error("`{path}` is not NODE.INPUT, such as 6.text")]
    Path {
        /// The text as it was given.
        path: String,
    },
    /// There is no such node.
    #[error("no node has the {by} `{name}`{}; the prompt has: {nodes}", DidYouMean(nearest.as_deref()))]
    NoNode {
        /// What the name was taken for.
        by: NamedBy,
        /// The name that was looked for.
        name: String,
        /// The name most like it.
        nearest: Option<String>,
        /// The nodes of the prompt.
        nodes: NodeList,
    },
    /// Several nodes have the title or the class.
    #[error("{} nodes have the {by} `{name}`, name one by its id: {nodes}", nodes.as_slice().len())]
    Ambiguous {
        /// What the name was taken for.
        by: NamedBy,
        /// The name.
        name: String,
        /// The nodes that have it.
        nodes: NodeList,
    },
    /// The node has no such input.
    #[error(
        "node {node} has no input `{input}`{}; it has: {}",
        DidYouMean(nearest.as_deref()),
        if inputs.is_empty() { "none".to_owned() } else { inputs.join(", ") }
    )]
    NoInput {
        /// The node.
        node: Box<NodeSummary>,
        /// The input that was looked for.
        input: String,
        /// The input whose name is most like it.
        nearest: Option<String>,
        /// The inputs that the node has.
        inputs: Vec<String>,
    },
    /// The value at an input has no such part.
    #[error("there is no `{place}`: what it would be a part of is {found}{}", Count(*len))]
    NoPart {
        /// The place that was looked for.
        place: Place,
        /// What stands where the part was looked for.
        found: Kind,
        /// How many items it has, when it is a list.
        len: Option<usize>,
    },
    /// What the node has as `inputs` is not an object.
    #[error("the `inputs` of node {node} are {found}, and not an object")]
    BadInputs {
        /// The node.
        node: Box<NodeSummary>,
        /// What it has as `inputs`.
        found: Kind,
    },
    /// The id is in use: by an entry of the prompt, or by a link that leads nowhere and would lead there.
    #[error("the id `{id}` is taken")]
    IdTaken {
        /// The id.
        id: NodeId,
    },
    /// Other nodes take the node's outputs.
    #[error("node {node} is in use: {} {}", if uses.len() == 1 { "it feeds" } else { "it feeds each of" }, Places(uses))]
    InUse {
        /// The node.
        node: Box<NodeSummary>,
        /// The inputs that take its outputs.
        uses: Vec<Place>,
    },
}

/// What the name of a node was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NamedBy {
    /// Its id: the name has only digits and colons.
    Id,
    /// Its id or, where only one node has it, its class.
    IdOrClass,
    /// Its class.
    Class,
    /// Its title: the name had a `@` before it.
    Title,
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "id",
            Self::IdOrClass => "id or class",
            Self::Class => "class",
            Self::Title => "title",
        })
    }
}

struct DidYouMean<'a>(Option<&'a str>);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, " (did you mean `{name}`?)"))
    }
}

struct Count(Option<usize>);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(0) => f.write_str(" without items"),
            Some(1) => f.write_str(" of 1 item, [0]"),
            Some(len) => write!(f, " of {len} items, [0] to [{}]", len - 1),
        }
    }
}

struct Places<'a>(&'a [Place]);

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_NAMED: usize = 20;
        for (position, place) in self.0.iter().take(MAX_NAMED).enumerate() {
            write!(f, "{}{place}", if position > 0 { ", " } else { "" })?;
        }
        match self.0.len().saturating_sub(MAX_NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
