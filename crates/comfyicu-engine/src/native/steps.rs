//! The steps of a prompt: what its good outputs need, with where each argument comes from.
//!
//! Whether a prompt can run, the check of the model has said before. What it lets pass, and what stands at
//! nodes that it does not look at, can still fail, and then does when its node runs.

#[cfg(test)]
mod tests;

use comfyicu_model::json::{Number, Value as Json};
use comfyicu_model::{Finding, Input as Given, Node, NodeId, Prompt};

use super::definition::{Definition, Input, Kind};
use super::order::in_order;
use super::registry;
use super::value::{Literal, ValueType};

/// One node to run, with where each of its arguments comes from.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) node_id: NodeId,
    pub(super) definition: &'static Definition,
    pub(super) sources: Vec<(&'static str, Source)>,
    /// What is needed only when the node's switch chooses it.
    pub(super) lazy: Vec<(&'static str, Source)>,
}

/// Where an argument comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Literal(Literal),
    Link { node_id: NodeId, slot: usize },
}

impl Step {
    /// The values that stand in the prompt itself.
    pub(super) fn literals(&self) -> impl Iterator<Item = (&'static str, &Literal)> {
        self.sources.iter().filter_map(|(name, source)| match source {
            Source::Literal(literal) => Some((*name, literal)),
            Source::Link { .. } => None,
        })
    }

    /// The results that it needs, as often as it does.
    pub(super) fn links(&self) -> impl Iterator<Item = (&NodeId, usize)> {
        links(&self.sources)
    }

    /// The results that it needs or may need.
    pub(super) fn possible_links(&self) -> impl Iterator<Item = (&NodeId, usize)> {
        self.links().chain(links(&self.lazy))
    }
}

fn links<'a>(sources: &'a [(&'static str, Source)]) -> impl Iterator<Item = (&'a NodeId, usize)> {
    sources.iter().filter_map(|(_, source)| source.link())
}

impl Source {
    /// The result that it is.
    pub(super) const fn link(&self) -> Option<(&NodeId, usize)> {
        match self {
            Self::Link { node_id, slot } => Some((node_id, *slot)),
            Self::Literal(_) => None,
        }
    }
}

/// The steps that some output nodes need, each after what it needs itself.
///
/// Nodes that need each other over inputs that their classes do not have pass the check; there is no order
/// for them, and a finding is given in place of the steps.
pub(super) fn steps(prompt: &Prompt, outputs: &[NodeId]) -> Result<Vec<Step>, Vec<Finding>> {
    let outputs: Vec<&str> = outputs.iter().map(NodeId::as_str).collect();
    let nodes = prompt.graph().needed(outputs.iter().copied());
    if let Err(error) = prompt.execution_order(outputs.iter().copied()) {
        return Err(vec![Finding::new("dependency_cycle", error.to_string())]);
    }
    let steps = nodes.into_iter().filter_map(|node| step(prompt, node)).collect();
    Ok(in_order(steps, &outputs))
}

fn definition(node: Node<'_>) -> Option<&'static Definition> {
    node.class_type().and_then(registry::find)
}

fn step(prompt: &Prompt, node: Node<'_>) -> Option<Step> {
    let definition = definition(node)?;
    let named = |input: &Input| Some((input.name, source(prompt, node, input)?));
    let is_lazy = |(name, source): &(&str, Source)| {
        source.link().is_some() && definition.switch.is_some_and(|switch| switch.is_lazy(name))
    };
    let (lazy, sources) = definition.inputs.iter().filter_map(named).partition(is_lazy);
    Some(Step { node_id: node.id().into(), definition, sources, lazy })
}

/// Where an input gets its value from; `None` where it has none.
fn source(prompt: &Prompt, node: Node<'_>, input: &Input) -> Option<Source> {
    match node.input(input.name)? {
        Given::Literal(value) => literal(unwrapped(value), input).map(Source::Literal),
        Given::Link(link) => {
            let target = prompt.node(link.node_id)?;
            let slot = node.linked_slot(input.name, definition(target)?.outputs.len())?;
            Some(Source::Link { node_id: link.node_id.into(), slot })
        }
    }
}

/// Editors wrap a list that is meant as a value in an object.
fn unwrapped(value: &Json) -> &Json {
    value.as_object().and_then(|object| object.get("__value__")).unwrap_or(value)
}

/// Brings a value to the type of an input, as ComfyUI does. What cannot be brought there stays as it is, for
/// the node to fail on.
fn literal(value: &Json, input: &Input) -> Option<Literal> {
    let converted = match input.kind {
        Kind::Value(wanted) if wanted != ValueType::Any && value.is_null() => return None,
        Kind::Seed => value.to_python_int().map(seed),
        Kind::Value(_) => None,
        Kind::Int(_) => value.to_python_int().map(|number| Literal::Int(nearest(&number))),
        Kind::Float(_) => value.to_python_float().map(Literal::Float),
        Kind::Bool { .. } => Some(Literal::Bool(value.to_python_bool())),
        Kind::Text(_) => Some(Literal::Text(value.to_python_str())),
        Kind::Choice(_) | Kind::InputImage => value.as_str().map(|name| Literal::Text(name.to_owned())),
    };
    Some(converted.unwrap_or_else(|| Literal::Json(value.clone())))
}

/// A seed; one that is too large for an integer stays the number that it is.
fn seed(number: Number) -> Literal {
    number.as_i64().map_or_else(|| Literal::Json(number.into()), Literal::Int)
}

/// The integer itself, or the nearest that 64 bits can hold.
fn nearest(number: &Number) -> i64 {
    number.as_i64().unwrap_or(if number.as_f64() < 0.0 { i64::MIN } else { i64::MAX })
}
