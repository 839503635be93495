//! From the file to its graphs.

use std::borrow::Cow;
use std::collections::HashMap;

use super::graph::{Boundary, Graph, GraphAt, Link, Node, Origin, Role, Slot, Virtual};
use super::renumber::Numbering;
use super::view::{LinkId, LinkView, NodeView, SavedValues, SlotView, objects, slots};
use super::widgets::{Export, Layout, Place, Socket, Widget};
use super::{ConvertError, everywhere, group, limits, promoted, unknown_class, widgets};
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
    /// How many nodes were read.
    nodes: usize,
}

/// Reads the graphs of a file.
pub(super) fn load<'a>(
    workflow: &'a Object,
    object_info: &'a ObjectInfo,
) -> Result<Graphs<'a>, ConvertError> {
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
        nodes: 0,
    };
    let mut all = Vec::with_capacity(sources.len());
    for source in &sources {
        all.push(loader.graph(*source)?);
    }
    all.extend(loader.group_graphs);
    let mut graphs = Graphs { all };
    promoted::connect_instances(&mut graphs)?;
    Ok(graphs)
}

impl<'a> Loader<'a> {
    fn graph(&mut self, source: Source<'a>) -> Result<Graph<'a>, ConvertError> {
        let mut graph = Graph::default();
        for view in objects(source.object.get("nodes")).map(NodeView) {
            let (Some(own_id), Some(id)) = (view.id(), self.numbering.id(view)) else { continue };
            let Some(node) = self.node(view, id)? else { continue };
            graph.by_id.entry(own_id).or_insert(graph.nodes.len());
            graph.nodes.push(node);
        }
        let links = source.object.get("links").and_then(Value::as_array).unwrap_or_default();
        for link in links.iter().filter_map(LinkView::read) {
            if let Some(origin) = origin(&graph, source, &link) {
                graph.links.insert(link.id, Link { origin, origin_slot: link.origin_slot });
            }
        }
        if !source.is_root {
            graph.inputs = slots(source.object.get("inputs")).map(boundary).collect();
            graph.outputs = slots(source.object.get("outputs")).map(boundary).collect();
            limits::INPUTS.check(graph.inputs.len())?;
        }
        everywhere::draw_links(&mut graph, source.object)?;
        graph.index();
        Ok(graph)
    }

    /// Lays out a node; one without a class is none.
    pub(super) fn node(&mut self, view: NodeView<'a>, id: String) -> Result<Option<Node<'a>>, ConvertError> {
        let Some(class) = view.class() else { return Ok(None) };
        self.nodes += 1;
        limits::NODES.check(self.nodes)?;
        limits::INPUTS.check(view.inputs().count())?;
        let role = self.role(class, view)?;
        let definition = self.object_info.definition(class).filter(|_| role == Role::Plain);
        let layout = match (role, definition) {
            (Role::Plain, Some(definition)) => widgets::lay_out(definition, view.saved_values()),
            (Role::Plain, None) => unknown_class::lay_out(view),
            (Role::Virtual(Virtual::Primitive), _) => primitive(view),
            _ => Layout::default(),
        };
        let saved: Vec<_> = view.outputs().map(SlotView::type_name).collect();
        Ok(Some(Node {
            id,
            view,
            class,
            default_title: definition.map_or(class, |definition| definition.display_name()),
            mode: view.mode(),
            role,
            inputs: match definition {
                Some(_) => known_slots(view, &layout),
                None => view.inputs().map(file_slot).collect(),
            },
            outputs: definition.map_or(saved.clone(), |definition| known_outputs(definition, &saved)),
            widgets: layout.widgets,
            places: layout.places,
            doubts: layout.doubts,
            overrides: HashMap::new(),
        }))
    }

    fn role(&mut self, class: &'a str, view: NodeView<'a>) -> Result<Role, ConvertError> {
        if let Some(at) = self.definitions.get(class) {
            return Ok(Role::Instance(*at));
        }
        match editor_role(class, self.object_info) {
            Some(role) => Ok(Role::Virtual(role)),
            None if self.object_info.definition(class).is_some() => Ok(Role::Plain),
            None => Ok(self.group_role(class, view)?.unwrap_or(Role::Plain)),
        }
    }

    /// The role of a group node, whose graph is made here.
    fn group_role(&mut self, class: &'a str, view: NodeView<'a>) -> Result<Option<Role>, ConvertError> {
        let name = class.strip_prefix("workflow/").or_else(|| class.strip_prefix("workflow>"));
        let definition = name.and_then(|name| self.groups?.get(name)?.as_object());
        let Some(definition) = definition.filter(|_| self.depth < MAX_GROUP_DEPTH) else { return Ok(None) };
        self.depth += 1;
        let graph = group::unfold(self, definition, view)?;
        self.depth -= 1;
        self.group_graphs.push(graph);
        Ok(Some(Role::Instance(self.first_group + self.group_graphs.len() - 1)))
    }
}

/// What a class is that exists in the editor only. The server's classes come before those of packs.
pub(super) fn editor_role(class: &str, object_info: &ObjectInfo) -> Option<Virtual> {
    match class {
        "Note" | "MarkdownNote" => Some(Virtual::Note),
        "Reroute" => Some(Virtual::Reroute),
        "PrimitiveNode" => Some(Virtual::Primitive),
        _ if object_info.definition(class).is_some() => None,
        "SetNode" | "easy setNode" => Some(Virtual::Set),
        "GetNode" | "easy getNode" => Some(Virtual::Get),
        "Reroute (rgthree)" => Some(Virtual::Reroute),
        _ => unknown_class::is_editor_only(class).then_some(Virtual::Note),
    }
}

/// The widget of a primitive node: what it is called is up to the widgets that it is linked to.
fn primitive(view: NodeView<'_>) -> Layout<'_> {
    let values: Vec<_> = match view.saved_values() {
        SavedValues::Listed(values) => values.iter().collect(),
        SavedValues::Named(values) => values.iter().map(|(_, value)| value).collect(),
    };
    let place = |at| if at == 0 { Place::Widget(0) } else { Place::Silent("control_after_generate") };
    let widget =
        |value: &&Value| Widget { name: "value".to_owned(), value: (*value).clone(), export: Export::Plain };
    Layout {
        sockets: Vec::new(),
        widgets: values.first().map(widget).into_iter().collect(),
        places: (0..values.len()).map(place).collect(),
        doubts: Vec::new(),
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
    let mut all = Vec::with_capacity(saved.len());
    for socket in &layout.sockets {
        match socket {
            Socket::Plain { name, type_name } => {
                all.push(socket_slot(name, type_name, take(&mut saved, name)));
            }
            Socket::Growing { name } => {
                let items = saved
                    .iter_mut()
                    .filter(|slot| slot.as_ref().is_some_and(|slot| is_item(&slot.name, name)));
                all.extend(items.filter_map(Option::take));
            }
        }
    }
    for Widget { name, .. } in &layout.widgets {
        let slot = take(&mut saved, name);
        let type_name = slot.as_ref().map_or(Cow::Borrowed("*"), |slot| slot.type_name.clone());
        let link = slot.and_then(|slot| slot.link);
        let name: Cow<'_, str> = Cow::Owned(name.clone());
        all.push(Slot { name: name.clone(), type_name, link, widget: Some(name), promoted: None });
    }
    all.extend(saved.into_iter().flatten());
    all
}

/// Takes the input of a name from those of the file.
fn take<'a>(saved: &mut [Option<Slot<'a>>], name: &str) -> Option<Slot<'a>> {
    saved.iter_mut().find(|slot| slot.as_ref().is_some_and(|slot| slot.name == name)).and_then(Option::take)
}

/// Whether a name is that of an item of a growing list: `images.image0` of `images`.
fn is_item(name: &str, list: &str) -> bool {
    name.strip_prefix(list).is_some_and(|rest| rest.starts_with('.'))
}

/// A declared socket, with the link that the file has for it.
fn socket_slot<'a>(name: &str, declared: &Cow<'a, str>, saved: Option<Slot<'a>>) -> Slot<'a> {
    Slot {
        name: Cow::Owned(name.to_owned()),
        type_name: declared_type(declared, saved.as_ref()),
        link: saved.and_then(|slot| slot.link),
        widget: None,
        promoted: None,
    }
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
