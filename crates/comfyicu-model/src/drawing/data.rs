//! As data.

use super::Drawing;
use super::parts::{Edge, NodeBox};
use crate::json::{Object, Value};

pub(super) fn write(drawing: &Drawing<'_>) -> Object {
    let nodes: Vec<Value> = drawing.graph.nodes().map(|node| Value::from(entry(&node))).collect();
    let links: Vec<Value> =
        drawing.edges.iter().filter_map(|edge| Some(link(&drawing.nodes, edge)?.into())).collect();
    Object::from_iter([("nodes", nodes), ("links", links)])
}

fn entry(node: &crate::prompt::Node<'_>) -> Object {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    Object::from_iter([
        ("id", Value::from(node.id())),
        ("class_type", text(node.class_type())),
        ("title", text(node.title())),
    ])
}

fn link(nodes: &[NodeBox], edge: &Edge) -> Option<Object> {
    let (from, to) = (nodes.get(edge.from.0)?, nodes.get(edge.to.0)?);
    let (slot, _) = from.outputs.get(edge.from.1)?;
    let type_name = Some(edge.type_name.as_str()).filter(|name| !name.is_empty());
    Some(Object::from_iter([
        ("from", Value::from(from.id.as_str())),
        ("slot", u64::try_from(*slot).unwrap_or(u64::MAX).into()),
        ("to", to.id.as_str().into()),
        ("input", to.inputs.get(edge.to.1)?.as_str().into()),
        ("type", type_name.map_or(Value::Null, Value::from)),
    ]))
}
