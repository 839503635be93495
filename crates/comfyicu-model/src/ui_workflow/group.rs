//! Group nodes, which subgraphs replaced in 2025: a node that stands for a few others, of which the file has
//! the definition in `extra.groupNodes`.
//!
//! A group node is read as a graph of its own. Its nodes have their places in the definition for ids, as the
//! editor exported them while there were group nodes: `12:3`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::ConvertError;
use super::graph::{Boundary, Graph, Link, Node, NodeAt, Origin, Role};
use super::load::Loader;
use super::view::{LinkId, NodeView, SavedValues, SlotView, integer, objects};
use super::widgets::Place;
use crate::json::{Object, Value};

/// Makes the graph of one group node.
pub(super) fn unfold<'a>(
    loader: &mut Loader<'a>,
    definition: &'a Object,
    outer: NodeView<'a>,
) -> Result<Graph<'a>, ConvertError> {
    let views: Vec<_> = objects(definition.get("nodes")).map(NodeView).collect();
    let mut group = Group {
        graph: Graph { is_group: true, ..Graph::default() },
        config: definition.get("config").and_then(Value::as_object),
        next_link: 0,
    };
    for (at, view) in views.iter().enumerate() {
        // A node that cannot be read still has its place, so that the links keep their meaning.
        let Some(node) = loader.node(*view, at.to_string())? else { continue };
        group.graph.by_id.insert(at.to_string(), group.graph.nodes.len());
        group.graph.nodes.push(node);
    }
    let links: Vec<_> = links(definition).collect();
    for link in &links {
        group.link(link);
    }
    group.set_values(outer);
    group.show_inputs(outer);
    group.show_outputs(&links, &external(definition));
    group.graph.index();
    Ok(group.graph)
}

/// A link between two nodes of a definition, by their places in it.
struct InnerLink {
    origin: usize,
    origin_slot: usize,
    target: usize,
    target_slot: usize,
}

/// The links inside; those from outside have no origin.
fn links(definition: &Object) -> impl Iterator<Item = InnerLink> {
    definition.get("links").and_then(Value::as_array).unwrap_or_default().iter().filter_map(|link| {
        let [origin, origin_slot, target, target_slot, ..] = link.as_array()? else { return None };
        let place = |value| integer(value).and_then(|value| usize::try_from(value).ok());
        Some(InnerLink {
            origin: place(origin)?,
            origin_slot: place(origin_slot)?,
            target: place(target)?,
            target_slot: place(target_slot)?,
        })
    })
}

/// The outputs that are linked inside, and outside too: the place of the node, and the slot.
fn external(definition: &Object) -> HashSet<(i64, i64)> {
    let entries = definition.get("external").and_then(Value::as_array).unwrap_or_default();
    let read = |entry: &Value| {
        let [node, slot, ..] = entry.as_array()? else { return None };
        Some((node.as_object()?.get("index").and_then(integer)?, integer(slot)?))
    };
    entries.iter().filter_map(read).collect()
}

struct Group<'a> {
    graph: Graph<'a>,
    config: Option<&'a Object>,
    next_link: LinkId,
}

impl<'a> Group<'a> {
    fn new_link(&mut self, link: Link) -> LinkId {
        let id = self.next_link;
        self.next_link += 1;
        self.graph.links.insert(id, link);
        id
    }

    fn place(&self, index: usize) -> Option<NodeAt> {
        self.graph.find(&index.to_string())
    }

    /// Joins two nodes inside. The target's slot counts the inputs as the file has them.
    fn link(&mut self, link: &InnerLink) {
        let (Some(origin), Some(target)) = (self.place(link.origin), self.place(link.target)) else { return };
        let id = self.new_link(Link { origin: Origin::Node(origin), origin_slot: link.origin_slot });
        let Some(node) = self.graph.nodes.get_mut(target) else { return };
        let name = node.view.inputs().nth(link.target_slot).map(SlotView::name);
        let by_name = name.and_then(|name| node.inputs.iter().position(|slot| slot.name == name));
        if let Some(slot) = node.inputs.get_mut(by_name.unwrap_or(link.target_slot)) {
            slot.link = Some(id);
        }
    }

    /// What a definition says of an input or output of one of its nodes.
    fn configured(&self, node: &Node<'_>, side: &str, slot: &str) -> Option<&'a Object> {
        let node = self.config?.get(&node.id)?.as_object()?;
        node.get(side)?.as_object()?.get(slot)?.as_object()
    }

    /// Gives the widgets inside the values that the group node lists, one after the other. Those that are linked
    /// inside have none; those that are hidden have one in newer files.
    fn set_values(&mut self, outer: NodeView<'a>) {
        let SavedValues::Listed(values) = outer.saved_values() else { return };
        let all = self.value_places(true);
        let places = if values.len() < all.len() { self.value_places(false) } else { all };
        for ((node, widget), value) in places.into_iter().zip(values) {
            let node = self.graph.nodes.get_mut(node);
            if let Some(widget) = widget.and_then(|widget| node.and_then(|node| node.widgets.get_mut(widget)))
            {
                widget.value = value.clone();
            }
        }
    }

    /// The places in the group node's list: the node inside, and its widget where the place is one's.
    fn value_places(&self, with_hidden: bool) -> Vec<(NodeAt, Option<usize>)> {
        let mut places = Vec::new();
        for (at, node) in self.graph.nodes.iter().enumerate() {
            let mut shown = true;
            for place in &node.places {
                let widget = match place {
                    Place::Silent(_) => None,
                    Place::Widget(widget) => Some(*widget),
                };
                if let Some(widget) = widget.and_then(|widget| node.widgets.get(widget)) {
                    let linked =
                        node.inputs.iter().any(|slot| slot.name == *widget.name && slot.link.is_some());
                    let visible = self
                        .configured(node, "input", &widget.name)
                        .and_then(|config| config.get("visible")?.as_bool());
                    shown = !linked && (with_hidden || visible != Some(false));
                }
                if shown {
                    places.push((at, widget));
                }
            }
        }
        places
    }

    /// Makes an input of the group of each input inside that nothing inside is linked to.
    fn show_inputs(&mut self, outer: NodeView<'a>) {
        let mut sockets = outer.inputs().filter(|slot| slot.widget_name().is_none());
        let converted: HashMap<_, _> =
            outer.inputs().filter_map(|slot| Some((slot.widget_name()?, slot.name()))).collect();
        let mut names = HashSet::new();
        let mut shown = Vec::new();
        for (at, node) in self.graph.nodes.iter().enumerate() {
            for (slot_at, slot) in node.inputs.iter().enumerate().filter(|(_, slot)| slot.link.is_none()) {
                let name = self.shown_name(node, &slot.name, &mut names);
                let outer_name = match slot.widget {
                    Some(_) => converted.get(name.as_str()).copied(),
                    None => sockets.next().map(SlotView::name),
                };
                shown.extend(outer_name.map(|name| (at, slot_at, name, slot.type_name.clone())));
            }
        }
        for (node, slot, name, type_name) in shown {
            let origin_slot = self.graph.inputs.len();
            let id = self.new_link(Link { origin: Origin::Boundary, origin_slot });
            if let Some(slot) = self.graph.nodes.get_mut(node).and_then(|node| node.inputs.get_mut(slot)) {
                slot.link = Some(id);
            }
            self.graph.inputs.push(Boundary { name: Cow::Borrowed(name), type_name, links: vec![id] });
        }
    }

    /// The name that an input inside has on the group node: its own or a configured one, with the node's title
    /// before it where another has that name.
    fn shown_name(&self, node: &Node<'_>, slot: &str, taken: &mut HashSet<String>) -> String {
        let configured = self.configured(node, "input", slot).and_then(|config| config.get_str("name"));
        let name = configured.unwrap_or(slot).to_owned();
        if taken.insert(name.clone()) {
            return name;
        }
        let titled = format!("{} {name}", node.view.title().unwrap_or(node.class));
        taken.insert(titled.clone());
        titled
    }

    /// Makes an output of the group of each output inside that is not used up inside.
    fn show_outputs(&mut self, links: &[InnerLink], external: &HashSet<(i64, i64)>) {
        let used: HashSet<_> = links.iter().map(|link| (link.origin, link.origin_slot)).collect();
        let mut shown = Vec::new();
        for (at, node) in self.graph.nodes.iter().enumerate() {
            let Ok(index) = node.id.parse::<usize>() else { continue };
            let count = if matches!(node.role, Role::Virtual(_)) {
                node.view.outputs().count()
            } else {
                node.outputs.len()
            };
            for slot in 0..count {
                let is_external = i64::try_from(index)
                    .ok()
                    .zip(i64::try_from(slot).ok())
                    .is_some_and(|at| external.contains(&at));
                let configured = self.configured(node, "output", &slot.to_string());
                let visible = configured.and_then(|config| config.get("visible")?.as_bool());
                if visible.unwrap_or(is_external || !used.contains(&(index, slot))) {
                    shown.push((at, slot));
                }
            }
        }
        for (node, origin_slot) in shown {
            let id = self.new_link(Link { origin: Origin::Node(node), origin_slot });
            self.graph.outputs.push(Boundary {
                name: Cow::Borrowed(""),
                type_name: Cow::Borrowed("*"),
                links: vec![id],
            });
        }
    }
}
