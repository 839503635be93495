//! A graph of the file, ready to be followed: nodes with their slots and widgets, and links by number.
//!
//! The root is one, and so is each subgraph's definition.

use std::borrow::Cow;
use std::collections::HashMap;

use super::doubt::Doubt;
use super::view::{LinkId, Mode, NodeView, SavedValues};
use super::widgets::{Place, Widget};
use crate::json::Value;

/// The place of a graph among the graphs of a file; 0 is the root.
pub(super) type GraphAt = usize;

/// The place of a node in its graph.
pub(super) type NodeAt = usize;

/// A graph: the root, or a subgraph's definition.
#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    /// The nodes by the ids that the file has.
    pub(super) by_id: HashMap<String, NodeAt>,
    pub(super) links: HashMap<LinkId, Link>,
    /// The node and the input that a link goes to.
    pub(super) consumers: HashMap<LinkId, (NodeAt, usize)>,
    /// The nodes that name what they get, by the names.
    pub(super) setters: HashMap<&'a str, NodeAt>,
    /// The inputs that each instance of a definition has; none for the root.
    pub(super) inputs: Vec<Boundary<'a>>,
    /// The outputs that each instance of a definition has.
    pub(super) outputs: Vec<Boundary<'a>>,
    /// Whether it was a group node: its widgets have their values already.
    pub(super) is_group: bool,
}

/// A slot of a subgraph: outside, a slot of each instance; inside, the end of links.
#[derive(Debug)]
pub(super) struct Boundary<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) type_name: Cow<'a, str>,
    /// Its links inside.
    pub(super) links: Vec<LinkId>,
}

/// A link, from where it comes; to where it goes is known from the inputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) origin: Origin,
    pub(super) origin_slot: usize,
}

/// Where a link comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Node(NodeAt),
    /// An input of the subgraph that the link is in.
    Boundary,
}

/// A node of a graph.
#[derive(Debug)]
pub(super) struct Node<'a> {
    /// The id in the prompt, less the path to the graph.
    pub(super) id: String,
    pub(super) view: NodeView<'a>,
    pub(super) class: &'a str,
    /// What the editor shows where the node has no title of its own.
    pub(super) default_title: &'a str,
    pub(super) mode: Mode,
    pub(super) role: Role,
    pub(super) inputs: Vec<Slot<'a>>,
    pub(super) outputs: Vec<Cow<'a, str>>,
    pub(super) widgets: Vec<Widget>,
    pub(super) places: Vec<Place>,
    pub(super) doubts: Vec<Doubt>,
    /// On an instance: the values of widgets inside that no input stands for.
    pub(super) overrides: HashMap<NodeAt, Vec<(String, Value)>>,
}

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is a node of the prompt.
    Plain,
    /// It stands for a graph.
    Instance(GraphAt),
    /// It exists in the editor only.
    Virtual(Virtual),
}

/// The nodes that exist in the editor only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Virtual {
    /// Text, labels, switches for other nodes: nothing comes out of it.
    Note,
    /// Passes on what comes in.
    Reroute,
    /// Gives its value to the widgets that it is linked to.
    Primitive,
    /// Names what comes in.
    Set,
    /// Gives what a [`Set`](Self::Set) of its name was given.
    Get,
}

/// An input of a node.
#[derive(Clone, Debug)]
pub(super) struct Slot<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) type_name: Cow<'a, str>,
    pub(super) link: Option<LinkId>,
    /// The widget that it is the socket of.
    pub(super) widget: Option<Cow<'a, str>>,
    /// On an instance: the value that its own widget holds.
    pub(super) promoted: Option<Value>,
}

impl<'a> Graph<'a> {
    pub(super) fn node(&self, at: NodeAt) -> Option<&Node<'a>> {
        self.nodes.get(at)
    }

    /// Notes where the links go, and who names what.
    pub(super) fn index(&mut self) {
        self.consumers.clear();
        for (at, node) in self.nodes.iter().enumerate() {
            for (slot_at, slot) in node.inputs.iter().enumerate() {
                if let Some(link) = slot.link {
                    self.consumers.entry(link).or_insert((at, slot_at));
                }
            }
            if let (Role::Virtual(Virtual::Set), Some(name)) = (node.role, node.given_name()) {
                self.setters.entry(name).or_insert(at);
            }
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<NodeAt> {
        self.by_id.get(id).copied()
    }
}

impl<'a> Node<'a> {
    /// The name under which a node of the editor gives what it gets, or gets what another gives.
    pub(super) fn given_name(&self) -> Option<&'a str> {
        match self.view.saved_values() {
            SavedValues::Listed(values) => values.first()?.as_str(),
            SavedValues::Named(values) => values.iter().next()?.1.as_str(),
        }
    }

    pub(super) fn widget(&self, name: &str) -> Option<&Widget> {
        self.widgets.iter().find(|widget| widget.name == name)
    }
}
