//! From the file to its graphs.

use std::borrow::Cow;
use std::collections::HashMap;

use super::graph::{Boundary, Graph, GraphAt, Link, Node, Origin, Role, Slot, Virtual};
use super::renumber::Numbering;
use super::view::{LinkId, LinkView, NodeView, SavedValues, SlotView, objects, slots};
use super::widgets::{Export, Layout, Place, Socket, Widget};
use super::{group, promoted, unknown_class, widgets};
use crate::json::{Object, Value};
use crate::object_info::{NodeDefinition, ObjectInfo};

/// The ids of a subgraph's own ends in its links.
const INPUT_NODE: &str = "-10";

/// How many group nodes may be inside each other: the editor makes none that are.
const MAX_GROUP_DEPTH: usize = 8;

/// All graphs of a file.
#[derive(Debug)]
pub(super) struct Graphs<'a> {
    /// The root first, then the definitions.
    pub(super) all: Vec<Graph<'a>>,
}

/// A graph as the file has it, before its nodes are laid out.
#[derive(Clone, Copy)]
struct Source<'a> {
    object: &'a Object,
    is_root: bool,
}

/// What is needed to lay out a node.
pub(super) struct Loader<'a> {
    object_info: &'a ObjectInfo,
    /// The definitions of group nodes.
    groups: Option<&'a Object>,
    numbering: Numbering,
    definitions: HashMap<&'a str, GraphAt>,
    /// The place of the first graph that was a group node.
    first_group: GraphAt,
    /// A graph for each group node: they hold values of their own.
    group_graphs: Vec<Graph<'a>>,
    /// How many group nodes inside each other are being read.
    depth: usize,
}

/// Reads the graphs of a file.
pub(super) fn load<'a>(workflow: &'a Object, object_info: &'a ObjectInfo) -> Graphs<'a> {
    let root = Source { object: workflow, is_root: true };
    let definitions = objects(workflow.get("definitions").and_then(|all| all.as_object()?.get("subgraphs")));
    let sources: Vec<_> =
        [root].into_iter().chain(definitions.map(|object| Source { object, is_root: false })).collect();
    let names = sources
        .iter()
        .enumerate()
        .skip(1)
        .filter_map(|(at, source)| Some((source.object.get_str("id")?, at)));
    let groups = workflow.get("extra").and_then(|extra| extra.as_object()?.get("groupNodes")?.as_object());
    let mut loader = Loader {
        object_info,
        groups,
        numbering: Numbering::of(workflow),
        definitions: names.collect(),
        first_group: sources.len(),
        group_graphs: Vec::new(),
        depth: 0,
    };
    let mut graphs = Graphs { all: sources.iter().map(|source| loader.graph(*source)).collect() };
    graphs.all.extend(loader.group_graphs);
    promoted::connect_instances(&mut graphs);
    graphs
}

impl<'a> Loader<'a> {
    fn graph(&mut self, source: Source<'a>) -> Graph<'a> {
        let mut graph = Graph::default();
        for view in objects(source.object.get("nodes")).map(NodeView) {
            let (Some(own_id), Some(id)) = (view.id(), self.numbering.id(view)) else { continue };
            let Some(node) = self.node(view, id) else { continue };
            graph.by_id.entry(own_id).or_insert(graph.nodes.len());
            graph.nodes.push(node);
        }
        let links = source.object.get("links").and_then(Value::as_array).unwrap_or_default();
        for link in links.iter().filter_map(LinkView::read) {
            if let Some(origin) = origin(&graph, source, &link) {
                let target = graph.find(&link.target_id);
                graph.links.insert(link.id, Link { origin, origin_slot: link.origin_slot, target });
            }
        }
        if !source.is_root {
            graph.inputs = slots(source.object.get("inputs")).map(boundary).collect();
            graph.outputs = slots(source.object.get("outputs")).map(boundary).collect();
        }
        graph
    }

    /// Lays out a node.
    pub(super) fn node(&mut self, view: NodeView<'a>, id: String) -> Option<Node<'a>> {
        let class = view.class()?;
        let role = self.role(class, view);
        let (layout, inputs) = match (role, self.object_info.definition(class)) {
            (Role::Plain, Some(definition)) => {
                let layout = widgets::lay_out(definition, view.saved_values());
                let inputs = known_slots(view, &layout);
                (layout, inputs)
            }
            (Role::Plain, None) => (unknown_class::lay_out(view), view.inputs().map(file_slot).collect()),
            (Role::Virtual(Virtual::Primitive), _) => (primitive(view), Vec::new()),
            _ => (Layout::default(), view.inputs().map(file_slot).collect()),
        };
        let saved: Vec<_> = view.outputs().map(SlotView::type_name).collect();
        Some(Node {
            id,
            view,
            class,
            default_title: self
                .object_info
                .definition(class)
                .map_or(class, |definition| definition.display_name()),
            mode: view.mode(),
            role,
            inputs,
            outputs: match self.object_info.definition(class) {
                Some(definition) if role == Role::Plain => known_outputs(definition, &saved),
                _ => saved,
            },
            widgets: layout.widgets,
            places: layout.places,
            overrides: Vec::new(),
        })
    }

    fn role(&mut self, class: &'a str, view: NodeView<'a>) -> Role {
        if let Some(at) = self.definitions.get(class) {
            return Role::Instance(*at);
        }
        match class {
            "Note" | "MarkdownNote" => Role::Virtual(Virtual::Note),
            "Reroute" => Role::Virtual(Virtual::Reroute),
            "PrimitiveNode" => Role::Virtual(Virtual::Primitive),
            _ if self.object_info.definition(class).is_some() => Role::Plain,
            "SetNode" => Role::Virtual(Virtual::Set),
            "GetNode" => Role::Virtual(Virtual::Get),
            "Reroute (rgthree)" => Role::Virtual(Virtual::Reroute),
            _ if unknown_class::is_editor_only(class) => Role::Virtual(Virtual::Note),
            _ => self.group_role(class, view).unwrap_or(Role::Plain),
        }
    }

    /// The role of a group node, whose graph is made here.
    fn group_role(&mut self, class: &'a str, view: NodeView<'a>) -> Option<Role> {
        let name = class.strip_prefix("workflow/").or_else(|| class.strip_prefix("workflow>"))?;
        let definition = self.groups?.get(name)?.as_object()?;
        if self.depth >= MAX_GROUP_DEPTH {
            return None;
        }
        self.depth += 1;
        let graph = group::unfold(self, definition, view);
        self.depth -= 1;
        self.group_graphs.push(graph);
        Some(Role::Instance(self.first_group + self.group_graphs.len() - 1))
    }
}

/// The widget of a primitive node: what it is called is up to the widgets that it is linked to.
fn primitive(view: NodeView<'_>) -> Layout<'_> {
    let values: Vec<_> = match view.saved_values() {
        SavedValues::Listed(values) => values.iter().collect(),
        SavedValues::Named(values) => values.iter().map(|(_, value)| value).collect(),
    };
    let place = |at| if at == 0 { Place::Widget(0) } else { Place::Silent };
    let widget =
        |value: &&Value| Widget { name: "value".to_owned(), value: (*value).clone(), export: Export::Plain };
    Layout {
        sockets: Vec::new(),
        widgets: values.first().map(widget).into_iter().collect(),
        places: (0..values.len()).map(place).collect(),
    }
}

fn origin(graph: &Graph<'_>, source: Source<'_>, link: &LinkView) -> Option<Origin> {
    if !source.is_root && link.origin_id == INPUT_NODE {
        return Some(Origin::Boundary);
    }
    graph.find(&link.origin_id).map(Origin::Node)
}

fn boundary(slot: SlotView<'_>) -> Boundary<'_> {
    Boundary { name: slot.name().into(), type_name: slot.type_name(), links: slot.link_ids().collect() }
}

/// An input as the file has it.
fn file_slot(view: SlotView<'_>) -> Slot<'_> {
    Slot {
        name: view.name().into(),
        type_name: view.type_name(),
        link: view.link(),
        widget: view.widget_name().map(Cow::Borrowed),
        promoted: None,
    }
}

/// The inputs of a node whose class is known: those that the class declares, in the editor's order, sockets
/// before those of widgets; then those that only the file has.
fn known_slots<'a>(view: NodeView<'a>, layout: &Layout<'a>) -> Vec<Slot<'a>> {
    let mut saved: Vec<Option<Slot<'a>>> = view.inputs().map(file_slot).map(Some).collect();
    let mut take = |wanted: &dyn Fn(&str) -> bool| {
        saved
            .iter_mut()
            .find(|slot| slot.as_ref().is_some_and(|slot| wanted(&slot.name)))
            .and_then(Option::take)
    };
    let mut all = Vec::new();
    for socket in &layout.sockets {
        match socket {
            Socket::Plain { name, type_name } => {
                let slot = take(&|saved| saved == name);
                all.push(Slot {
                    name: name.clone().into(),
                    link: slot.as_ref().and_then(|slot| slot.link),
                    type_name: declared_type(type_name, slot.as_ref()),
                    widget: None,
                    promoted: None,
                });
            }
            Socket::Growing { name } => {
                let inside =
                    |saved: &str| saved.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'));
                all.extend(std::iter::from_fn(|| take(&inside)));
            }
        }
    }
    for Widget { name, .. } in &layout.widgets {
        let slot = take(&|saved| saved == name);
        let type_name = slot.as_ref().map_or(Cow::Borrowed("*"), |slot| slot.type_name.clone());
        let link = slot.and_then(|slot| slot.link);
        all.push(Slot {
            name: name.clone().into(),
            type_name,
            link,
            widget: Some(name.clone().into()),
            promoted: None,
        });
    }
    all.extend(saved.into_iter().flatten());
    all
}

/// A type that is matched to what is linked is known to the file only.
fn declared_type<'a>(declared: &Cow<'a, str>, saved: Option<&Slot<'a>>) -> Cow<'a, str> {
    match saved {
        Some(slot) if declared == "COMFY_MATCHTYPE_V3" => slot.type_name.clone(),
        _ => declared.clone(),
    }
}

/// The types of a node's outputs: those that the class declares, as far as they do not depend on what is
/// linked.
fn known_outputs<'a>(definition: NodeDefinition<'a>, saved: &[Cow<'a, str>]) -> Vec<Cow<'a, str>> {
    let count = definition.outputs().len().max(saved.len());
    let declared = |at| definition.output(at).filter(|output| output.match_template().is_none());
    let of_file = |at| saved.get(at).cloned().unwrap_or(Cow::Borrowed("*"));
    (0..count)
        .map(|at| declared(at).map_or_else(|| of_file(at), |output| output.slot_type().name().into()))
        .collect()
}

/// The links of a graph that end at an output of its subgraph, by the output's place.
pub(super) fn link_of_output(graph: &Graph<'_>, output: usize) -> Option<LinkId> {
    graph.outputs.get(output)?.links.iter().copied().find(|link| graph.links.contains_key(link))
}
