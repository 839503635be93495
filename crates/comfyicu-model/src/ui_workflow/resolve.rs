//! Where a link really comes from: through nodes that exist in the editor only, bypassed nodes, and the
//! walls of subgraphs.

use std::collections::HashSet;

use super::graph::{Node, NodeAt, Origin, Role, Virtual};
use super::load::link_of_output;
use super::promoted::widget_behind;
use super::scope::{ScopeAt, Scopes};
use super::view::Mode;
use super::{ConvertError, limits};
use crate::ids::NodeId;
use crate::json::Value;

/// What an input gets.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// Nothing: the input's widget keeps its value.
    Nothing,
    /// A name that no node gives anything.
    Unnamed(String),
    /// A link that the file does not have.
    Lost,
    /// A value, from a widget elsewhere.
    Value(Value),
    /// An output of a node of the prompt.
    Output { scope: ScopeAt, node: NodeAt, slot: usize },
}

/// Where the walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Input { scope: ScopeAt, node: NodeAt, slot: usize },
    Output { scope: ScopeAt, node: NodeAt, slot: usize },
}

/// What the input at the start of the walk takes.
struct Wanted<'a> {
    type_name: &'a str,
    /// The scope of the input, when it has a widget. A primitive node gives its value to widgets of its own
    /// scope only.
    widget_in: Option<ScopeAt>,
}

/// One step of the walk.
enum Step {
    Go(At),
    End(Source),
}

/// Follows an input of a node to its source.
///
/// # Errors
/// When the way leads in a circle, or is longer than any that people make.
pub(super) fn source_of(
    scopes: &Scopes<'_>,
    scope: ScopeAt,
    node: NodeAt,
    slot: usize,
) -> Result<Source, ConvertError> {
    let Some(owner) = scopes.node(scope, node) else { return Ok(Source::Nothing) };
    let Some(input) = owner.inputs.get(slot) else { return Ok(Source::Nothing) };
    let wanted = Wanted { type_name: &input.type_name, widget_in: input.widget.as_ref().map(|_| scope) };
    let mut at = At::Input { scope, node, slot };
    let mut seen = HashSet::new();
    while seen.insert(at) {
        limits::STEPS.check(seen.len())?;
        let step = match at {
            At::Input { scope, node, slot } => from_input(scopes, scope, node, slot),
            At::Output { scope, node, slot } => from_output(scopes, scope, node, slot, &wanted),
        };
        match step.unwrap_or(Step::End(Source::Nothing)) {
            Step::Go(next) => at = next,
            Step::End(source) => return Ok(source),
        }
    }
    let node_id = NodeId::new(scopes.prompt_id(scope, owner));
    Err(ConvertError::Circle { node_id, input: input.name.to_string() })
}

/// From an input along its link.
fn from_input(scopes: &Scopes<'_>, scope: ScopeAt, node: NodeAt, slot: usize) -> Option<Step> {
    let graph = scopes.graph(scope)?;
    let input = graph.node(node)?.inputs.get(slot)?;
    let Some(link) = graph.links.get(&input.link?) else { return Some(Step::End(Source::Lost)) };
    match link.origin {
        Origin::Node(node) => Some(Step::Go(At::Output { scope, node, slot: link.origin_slot })),
        Origin::Boundary => out_of(scopes, scope, link.origin_slot),
    }
}

/// From an input of a subgraph to what its instance has there: a link outside, or a value.
fn out_of(scopes: &Scopes<'_>, scope: ScopeAt, slot: usize) -> Option<Step> {
    let (outer, instance) = scopes.scope(scope)?.parent?;
    let input = scopes.node(outer, instance)?.inputs.get(slot)?;
    if input.link.is_some_and(|link| scopes.graph(outer).is_some_and(|graph| graph.links.contains_key(&link)))
    {
        return Some(Step::Go(At::Input { scope: outer, node: instance, slot }));
    }
    let value = input.promoted.clone().or_else(|| shown_value(scopes, scope, slot));
    Some(Step::End(value.map_or(Source::Nothing, Source::Value)))
}

/// The value that an instance shows for an input of which it holds none: that of the widget inside, or of
/// the nearest instance on the way that holds one.
fn shown_value(scopes: &Scopes<'_>, scope: ScopeAt, slot: usize) -> Option<Value> {
    let definition = scopes.scope(scope)?.graph;
    let behind = widget_behind(&scopes.graphs, definition, slot)?;
    let node = scopes.graphs.all.get(behind.graph)?.node(behind.node)?;
    let name = node.inputs.get(behind.slot)?.widget.as_deref()?;
    node.widget(name).map(|widget| widget.value.clone())
}

/// From an output to what feeds it.
fn from_output(
    scopes: &Scopes<'_>,
    scope: ScopeAt,
    at: NodeAt,
    slot: usize,
    wanted: &Wanted<'_>,
) -> Option<Step> {
    let node = scopes.node(scope, at)?;
    if node.mode == Mode::Muted {
        return None;
    }
    if node.mode == Mode::Bypassed {
        let input = bypass(node, slot, wanted.type_name)?;
        return Some(Step::Go(At::Input { scope, node: at, slot: input }));
    }
    match node.role {
        Role::Virtual(Virtual::Reroute | Virtual::Set) => {
            Some(Step::Go(At::Input { scope, node: at, slot: 0 }))
        }
        Role::Virtual(Virtual::Primitive) if wanted.widget_in == Some(scope) => {
            node.widgets.first().map(|widget| Step::End(Source::Value(widget.value.clone())))
        }
        Role::Virtual(Virtual::Get) => Some(given_as(scopes, scope, node.given_name()?)),
        Role::Virtual(Virtual::Primitive | Virtual::Note) => None,
        Role::Instance(_) => into(scopes, scope, at, slot),
        Role::Plain => Some(Step::End(Source::Output { scope, node: at, slot })),
    }
}

/// From a name to the input of the node that gives something that name, in the same graph or around it.
fn given_as(scopes: &Scopes<'_>, scope: ScopeAt, name: &str) -> Step {
    let mut next = Some(scope);
    while let Some(scope) = next {
        let setter = scopes.graph(scope).and_then(|graph| graph.setters.get(name));
        if let Some(node) = setter {
            return Step::Go(At::Input { scope, node: *node, slot: 0 });
        }
        next = scopes.scope(scope).and_then(|scope| scope.parent).map(|(outer, _)| outer);
    }
    Step::End(Source::Unnamed(name.to_owned()))
}

/// From an output of an instance to what feeds it inside.
fn into(scopes: &Scopes<'_>, scope: ScopeAt, instance: NodeAt, slot: usize) -> Option<Step> {
    let inner = scopes.inside(scope, instance)?;
    let graph = scopes.graph(inner)?;
    let link = graph.links.get(&link_of_output(graph, slot)?)?;
    match link.origin {
        Origin::Node(node) => Some(Step::Go(At::Output { scope: inner, node, slot: link.origin_slot })),
        Origin::Boundary => out_of(scopes, inner, link.origin_slot),
    }
}

/// The input that a bypassed node passes on at an output.
fn bypass(node: &Node<'_>, output: usize, wanted: &str) -> Option<usize> {
    let inputs = &node.inputs;
    if matches!(wanted, "*" | "") {
        return (!inputs.is_empty()).then_some(if output < inputs.len() { output } else { 0 });
    }
    let output_type = node.outputs.get(output).map_or("*", |name| &**name);
    let opposite = inputs
        .get(output)
        .is_some_and(|slot| fits(&slot.type_name, output_type) && fits(&slot.type_name, wanted));
    if opposite {
        return Some(output);
    }
    let exact = inputs.iter().position(|slot| slot.type_name == wanted);
    exact.or_else(|| inputs.iter().position(|slot| fits(&slot.type_name, wanted)))
}

/// Whether the editor lets two types be linked: equal without regard to case, one of them anything, or a
/// type in common between lists of types.
fn fits(a: &str, b: &str) -> bool {
    let anything = |name: &str| matches!(name, "" | "*" | "0");
    anything(a)
        || anything(b)
        || a.split(',').any(|a| b.split(',').any(|b| a.trim().eq_ignore_ascii_case(b.trim())))
}
