//! From a prompt to a workflow that the editor can open.

use std::collections::{BTreeMap, HashMap};

use super::layout::{Place, places};
use super::load::editor_role;
use super::view::SavedValues;
use super::widgets::{self, Layout, Socket};
use crate::json::{Object, Value};
use crate::object_info::{NodeDefinition, ObjectInfo};
use crate::prompt::{Link, Node, Prompt};

/// Draws the nodes of a prompt and their links. Nodes that the editor would take for its own are left out.
pub(super) fn draw(prompt: &Prompt, object_info: &ObjectInfo) -> Object {
    let mut drawing = Drawing { prompt, object_info, links: Vec::new(), outputs: HashMap::new() };
    let drawn: Vec<_> = prompt.nodes().filter_map(|node| drawing.node(node)).collect();
    let rows: HashMap<_, _> = drawn.iter().map(|node| (node.id, node.rows)).collect();
    let places = places(prompt, |id| rows.get(id).copied().unwrap_or(0));
    let last_id = drawn.iter().filter_map(|node| node.id.parse::<u64>().ok()).max().unwrap_or(0);
    let nodes: Vec<_> = drawn.into_iter().map(|node| drawing.finish(node, &places)).collect();
    let last_link = u64::try_from(drawing.links.len()).unwrap_or(u64::MAX);
    let mut extra = Object::new();
    // Nothing is broadcast that the prompt does not link.
    extra.insert("ue_links", Vec::<Value>::new());
    Object::from_iter([
        ("last_node_id", Value::from(last_id)),
        ("last_link_id", last_link.into()),
        ("nodes", nodes.into()),
        ("links", drawing.links.into()),
        ("groups", Vec::<Value>::new().into()),
        ("config", Object::new().into()),
        ("extra", extra.into()),
        ("version", 0.4.into()),
    ])
}

struct Drawing<'a> {
    prompt: &'a Prompt,
    object_info: &'a ObjectInfo,
    links: Vec<Value>,
    /// The links that leave a node, by slot.
    outputs: HashMap<&'a str, BTreeMap<usize, Vec<Value>>>,
}

/// A node without what is known only when all are drawn: its outputs, its place.
struct Drawn<'a> {
    id: &'a str,
    definition: Option<NodeDefinition<'a>>,
    object: Object,
    rows: u64,
}

impl<'a> Drawing<'a> {
    fn node(&mut self, node: Node<'a>) -> Option<Drawn<'a>> {
        let class = node.class_type()?;
        let is_group = class.starts_with("workflow/") || class.starts_with("workflow>");
        if editor_role(class, self.object_info).is_some() || is_group {
            return None;
        }
        let literals: Object =
            node.inputs().filter_map(|(name, _)| Some((name, unwrapped(node.literal(name)?)))).collect();
        let definition = self.object_info.definition(class);
        let layout = definition.map(|definition| widgets::lay_out(definition, SavedValues::Named(&literals)));
        let inputs = self.inputs(node, layout.as_ref());
        let mut object = Object::from_iter([
            ("id", id_value(node.id())),
            ("type", class.into()),
            ("flags", Object::new().into()),
            ("mode", 0_u64.into()),
        ]);
        if let Some(title) = node.title() {
            object.insert("title", title);
        }
        let mut properties = Object::from_iter([("Node name for S&R", class)]);
        for key in ["cnr_id", "aux_id", "ver"] {
            let meta = node.as_object().get("_meta").and_then(Value::as_object);
            if let Some(text) = meta.and_then(|meta| meta.get_str(key)) {
                properties.insert(key, text);
            }
        }
        object.insert("properties", properties);
        let rows = inputs.len() + literals.len() + 1;
        object.insert("inputs", inputs);
        match layout {
            Some(layout) => object.insert("widgets_values", layout.values()),
            None => object.insert("widgets_values", literals),
        };
        Some(Drawn { id: node.id(), definition, object, rows: u64::try_from(rows).unwrap_or(0) })
    }

    /// The inputs: declared sockets, and whatever is linked.
    fn inputs(&mut self, node: Node<'a>, layout: Option<&Layout<'_>>) -> Vec<Value> {
        let sockets = layout.map(|layout| layout.sockets.as_slice()).unwrap_or_default();
        let mut inputs = Vec::new();
        for socket in sockets {
            if let Socket::Plain { name, type_name } = socket {
                inputs.push(self.input(node, name, type_name, false));
            }
        }
        let plain = |name: &str| {
            sockets.iter().any(|socket| matches!(socket, Socket::Plain { name: own, .. } if own == name))
        };
        for (name, _) in node.links().filter(|(name, _)| !plain(name)) {
            let has_widget =
                layout.is_some_and(|layout| layout.widgets.iter().any(|widget| widget.name == name));
            inputs.push(self.input(node, name, "*", has_widget));
        }
        inputs
    }

    fn input(&mut self, node: Node<'a>, name: &str, type_name: &str, has_widget: bool) -> Value {
        let link = node.link(name).and_then(|link| self.link(link, node.id(), type_name));
        let mut input = Object::from_iter([
            ("name", Value::from(name)),
            ("type", type_name.into()),
            ("link", link.into()),
        ]);
        if has_widget {
            input.insert("widget", Object::from_iter([("name", name)]));
        }
        input.into()
    }

    /// Draws a link to the input that comes next, and gives its number.
    fn link(&mut self, link: Link<'a>, target: &str, type_name: &str) -> Option<Value> {
        let origin = self.prompt.node(link.node_id).filter(|origin| origin.class_type().is_some())?;
        let slot = link.slot.filter(|slot| *slot < MAX_OUTPUTS)?;
        let number = Value::from(u64::try_from(self.links.len()).ok()? + 1);
        let slots = (Value::from(u64::try_from(slot).ok()?), Value::from(0_u64));
        let ends =
            [number.clone(), id_value(origin.id()), slots.0, id_value(target), slots.1, type_name.into()];
        self.links.push(Value::Array(ends.into()));
        self.outputs.entry(origin.id()).or_default().entry(slot).or_default().push(number.clone());
        Some(number)
    }

    /// Adds the outputs and the place.
    fn finish(&mut self, drawn: Drawn<'a>, places: &HashMap<&str, Place>) -> Value {
        let mut links = self.outputs.remove(drawn.id).unwrap_or_default();
        let declared = drawn.definition.map_or(0, |definition| definition.outputs().len());
        let count = links.keys().next_back().map_or(0, |last| last + 1).max(declared);
        let output = |slot: usize| {
            let declared = drawn.definition.and_then(|definition| definition.output(slot));
            let type_name = declared.map_or("*", |output| output.slot_type().name());
            let name = declared.map_or("*", |output| output.name());
            let links = links.remove(&slot).unwrap_or_default();
            Value::from(Object::from_iter([
                ("name", Value::from(name)),
                ("type", type_name.into()),
                ("links", links.into()),
            ]))
        };
        let outputs: Vec<_> = (0..count).map(output).collect();
        let mut object = drawn.object;
        object.insert("outputs", outputs);
        if let Some(place) = places.get(drawn.id) {
            object.insert("pos", place.pos.to_vec());
            object.insert("size", place.size.to_vec());
            object.insert("order", place.order);
        }
        object.into()
    }
}

/// Outputs beyond this are no outputs: no class has more than a few dozen.
const MAX_OUTPUTS: usize = 1_000;

/// An id as the editor writes it: a number, where it is one.
fn id_value(id: &str) -> Value {
    let number = id.parse::<i64>().ok().filter(|number| number.to_string() == id);
    number.map_or_else(|| Value::from(id), Value::from)
}

/// A value without the wrapping that it has in prompts only.
fn unwrapped(value: &Value) -> Value {
    let inner = value.as_object().and_then(|object| object.get("__value__"));
    inner.unwrap_or(value).clone()
}
