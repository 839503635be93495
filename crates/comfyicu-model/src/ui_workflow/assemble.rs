//! From the unfolded graphs to the prompt.

use super::graph::{Node, NodeAt, Role};
use super::resolve::{Source, source_of};
use super::scope::{ScopeAt, Scopes};
use super::view::Mode;
use super::widgets::Export;
use super::{ConvertError, ConvertOptions};
use crate::json::{Object, Value};

/// Makes the nodes of the prompt, in the editor's order: whole numbers ascending, as JavaScript's objects have
/// them, then the paths into subgraphs in the order of execution.
pub(super) fn assemble(scopes: &Scopes<'_>, options: &ConvertOptions) -> Result<Object, ConvertError> {
    let mut nodes = Vec::new();
    visit(scopes, 0, &mut |scope, at, node| {
        nodes.push((scopes.prompt_id(scope, node), prompt_node(scopes, scope, at, node, options)?));
        Ok(())
    })?;
    nodes.sort_by_key(|(id, _)| id.parse::<u32>().unwrap_or(u32::MAX));
    Ok(nodes.into_iter().collect())
}

/// Shows each node that goes into the prompt, instances unfolded where they stand.
fn visit<'s>(
    scopes: &'s Scopes<'_>,
    root: ScopeAt,
    show: &mut dyn FnMut(ScopeAt, NodeAt, &'s Node<'s>) -> Result<(), ConvertError>,
) -> Result<(), ConvertError> {
    let mut stack = vec![(root, ordered(scopes, root).into_iter())];
    while let Some((scope, nodes)) = stack.last_mut() {
        let scope = *scope;
        let Some(at) = nodes.next() else {
            stack.pop();
            continue;
        };
        let Some(node) = scopes.node(scope, at).filter(|node| node.mode == Mode::Active) else { continue };
        match node.role {
            Role::Plain => show(scope, at, node)?,
            Role::Instance(_) => {
                stack.extend(
                    scopes.inside(scope, at).map(|inner| (inner, ordered(scopes, inner).into_iter())),
                );
            }
            Role::Virtual(_) => {}
        }
    }
    Ok(())
}

/// The nodes of a scope: of the root in the order of execution that the file has, of a subgraph as they stand in
/// the file.
fn ordered(scopes: &Scopes<'_>, scope: ScopeAt) -> Vec<NodeAt> {
    let Some(graph) = scopes.graph(scope) else { return Vec::new() };
    let mut nodes: Vec<_> = (0..graph.nodes.len()).collect();
    if scope != 0 {
        return nodes;
    }
    nodes.sort_by_key(|at| graph.node(*at).and_then(|node| node.view.order()).unwrap_or(i64::MAX));
    nodes
}

fn prompt_node(
    scopes: &Scopes<'_>,
    scope: ScopeAt,
    at: NodeAt,
    node: &Node<'_>,
    _options: &ConvertOptions,
) -> Result<Object, ConvertError> {
    let mut inputs = Object::new();
    for widget in &node.widgets {
        let own = scopes.override_of(scope, at, &widget.name).unwrap_or(&widget.value);
        inputs.insert(widget.name.as_str(), exported(widget.export, own));
    }
    for (slot_at, slot) in node.inputs.iter().enumerate().filter(|(_, slot)| slot.link.is_some()) {
        match source_of(scopes, scope, at, slot_at)? {
            Source::Nothing => {}
            Source::Value(value) => {
                inputs.insert(&*slot.name, wrapped(value));
            }
            Source::Output { scope, node, slot: origin_slot } => {
                let Some(origin) = scopes.node(scope, node) else { continue };
                let link = [Value::from(scopes.prompt_id(scope, origin)), Value::from(origin_slot as u64)];
                inputs.insert(&*slot.name, Value::Array(link.into()));
            }
        }
    }
    let mut object = Object::new();
    object.insert("inputs", inputs);
    object.insert("class_type", node.class);
    object.insert("_meta", meta(node));
    Ok(object)
}

/// What the editor says of a node beside what it does: its title, and the pack that it is from.
fn meta(node: &Node<'_>) -> Object {
    let mut meta = Object::from_iter([("title", node.view.title().unwrap_or(node.default_title))]);
    for key in ["cnr_id", "aux_id", "ver"] {
        if let Some(text) = node.view.property(key).and_then(Value::as_str) {
            meta.insert(key, text);
        }
    }
    meta
}

fn exported(export: Export, value: &Value) -> Value {
    match export {
        Export::Curve if !value.is_null() => {
            Object::from_iter([("__type__", Value::from("CURVE")), ("__value__", value.clone())]).into()
        }
        _ => wrapped(value.clone()),
    }
}

/// A list is wrapped, so that nobody takes it for a link.
fn wrapped(value: Value) -> Value {
    match value {
        Value::Array(_) => Object::from_iter([("__value__", value)]).into(),
        _ => value,
    }
}
