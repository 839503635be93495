//! Whether a prompt can run, and in which steps. Nothing is executed before the whole prompt has passed.

mod coerce;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use comfyicu_model::{Finding, GraphError, Input as Given, Link, Node, NodeId, Prompt};

use super::definition::{Definition, Input, Kind, Role};
use super::order::in_order;
use super::registry;
use super::value::Literal;
use coerce::coerce;

/// One node to run, with where each of its arguments comes from.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) node_id: NodeId,
    pub(super) definition: &'static Definition,
    pub(super) sources: Vec<(&'static str, Source)>,
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
}

/// What is wrong at one input.
#[derive(Debug)]
struct Fault {
    code: &'static str,
    message: String,
    suggestion: Option<&'static str>,
}

impl Fault {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), suggestion: None }
    }

    fn at(self, node: Node<'_>, input: &str) -> Finding {
        let finding = Finding::new(self.code, self.message);
        let finding = finding.at_node(node.id().into(), node.class_type()).at_input(input);
        self.suggestion.into_iter().fold(finding, Finding::suggest)
    }
}

/// Checks a prompt, and gives the steps that its output nodes need, each after what it needs itself.
///
/// As in ComfyUI, every class must be known, but only nodes that run must have their inputs in order.
pub(super) fn check(prompt: &Prompt) -> Result<Vec<Step>, Vec<Finding>> {
    let unknown: Vec<_> = prompt.nodes().filter_map(unknown_class).collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let outputs: Vec<_> = prompt.nodes().filter(|node| is_output(*node)).map(|node| node.id()).collect();
    if outputs.is_empty() {
        let finding =
            Finding::new("prompt_no_outputs", "the prompt has no output node, so nothing would run");
        return Err(vec![finding.suggest("add a SaveImage or a PreviewImage")]);
    }
    let mut findings = Vec::new();
    let needed = needed(prompt, &outputs);
    let steps = needed.iter().map(|node| step(prompt, *node, &mut findings)).collect::<Vec<_>>();
    if !findings.is_empty() {
        return Err(findings);
    }
    prompt.execution_order(outputs.iter().copied()).map_err(|error| vec![no_order(&error)])?;
    Ok(in_order(steps.into_iter().flatten().collect(), &outputs))
}

fn definition(node: Node<'_>) -> Option<&'static Definition> {
    node.class_type().and_then(registry::find)
}

fn is_output(node: Node<'_>) -> bool {
    definition(node).is_some_and(|definition| definition.role == Role::Output)
}

fn unknown_class(node: Node<'_>) -> Option<Finding> {
    let Some(class_type) = node.class_type() else {
        let finding = Finding::new("missing_node_type", "the node has no class_type");
        return Some(finding.at_node(node.id().into(), None));
    };
    if registry::find(class_type).is_some() {
        return None;
    }
    let message = format!("the native executor has no node class `{class_type}`");
    let elsewhere =
        "other classes need a real ComfyUI: `comfyicu-server serve --comfyui URL`, where your version has it";
    let suggestion = registry::object_info()
        .nearest(class_type)
        .map_or_else(|| elsewhere.to_owned(), |near| format!("was `{near}` meant? {elsewhere}"));
    let finding = Finding::new("missing_node_type", message);
    Some(finding.at_node(node.id().into(), Some(class_type)).suggest(suggestion))
}

/// The nodes that the outputs need, as far as links lead to nodes.
fn needed<'a>(prompt: &'a Prompt, outputs: &[&'a str]) -> Vec<Node<'a>> {
    let mut seen: HashSet<_> = outputs.iter().copied().collect();
    let mut nodes: Vec<_> = outputs.iter().filter_map(|id| prompt.node(id)).collect();
    let mut at = 0;
    while let Some(node) = nodes.get(at).copied() {
        at += 1;
        let linked = node.links().filter_map(|(_, link)| prompt.node(link.node_id));
        nodes.extend(linked.filter(|linked| seen.insert(linked.id())));
    }
    nodes
}

fn step(prompt: &Prompt, node: Node<'_>, findings: &mut Vec<Finding>) -> Option<Step> {
    let definition = definition(node)?;
    let mut sources = Vec::new();
    for input in definition.inputs {
        match source(prompt, node, input) {
            Ok(source) => sources.extend(source.map(|source| (input.name, source))),
            Err(fault) => findings.push(fault.at(node, input.name)),
        }
    }
    Some(Step { node_id: node.id().into(), definition, sources })
}

/// Where an input gets its value from; `None` where it can be left out, and is.
fn source(prompt: &Prompt, node: Node<'_>, input: &Input) -> Result<Option<Source>, Fault> {
    let source = match node.input(input.name) {
        None if input.required => Err(Fault::new("required_input_missing", "the required input is missing")),
        None => return Ok(None),
        Some(Given::Literal(value)) => coerce(value, input.kind).map(Source::Literal),
        Some(Given::Link(link)) => link_source(prompt, link, input.kind),
    };
    source.map(Some)
}

fn link_source(prompt: &Prompt, link: Link<'_>, kind: Kind) -> Result<Source, Fault> {
    let target = prompt.node(link.node_id).and_then(|node| Some((node, definition(node)?)));
    let Some((target, definition)) = target else {
        let message = format!("it is linked to node {}, which the prompt does not have", link.node_id);
        return Err(Fault::new("dangling_link", message));
    };
    let named = format!("node {} ({})", target.id(), definition.class_type);
    let output = link.slot.and_then(|slot| Some((slot, definition.outputs.get(slot)?)));
    let Some((slot, output)) = output else {
        let count = definition.outputs.len();
        let message = match count {
            0 => format!("it is linked to {named}, which has no outputs"),
            _ => {
                format!("it is linked to a slot that {named} does not have: its slots are 0 to {}", count - 1)
            }
        };
        return Err(Fault::new("slot_out_of_range", message));
    };
    if !kind.takes(output.kind) {
        let given = output.kind.name();
        let message = format!("it takes {}, but slot {slot} of {named} gives {given}", kind.name());
        return Err(Fault::new("return_type_mismatch", message));
    }
    Ok(Source::Link { node_id: target.id().into(), slot })
}

fn no_order(error: &GraphError) -> Finding {
    let code = match error {
        GraphError::Cycle { .. } => "dependency_cycle",
        _ => "dangling_link",
    };
    Finding::new(code, error.to_string())
}
