//! What can be told of a prompt without node definitions.

mod known_classes;

use super::advice::Advice;
use super::findings::Findings;
use super::output_prefix;
use super::problem::Problem;
use crate::finding::Finding;
use crate::ids::NodeId;
use crate::json::{Number, Object, Value};
use crate::prompt::{Graph, Input, Node, Prompt};

pub(super) fn check(prompt: &Prompt, findings: &mut Findings) {
    for (id, entry) in prompt.as_object().iter() {
        match prompt.node(id) {
            None => findings.push(no_node(id, entry)),
            Some(node) => {
                check_shape(node, findings);
                check_links(prompt, node, findings);
                check_prefix(node, findings);
            }
        }
    }
    check_cycles(&prompt.graph(), findings);
    check_outputs(prompt, findings);
}

/// What is said of an entry that is no node.
pub(super) fn no_node(id: &str, entry: &Value) -> Finding {
    let found = entry.kind();
    let message = match entry {
        Value::Object(_) => "the entry has no class_type, and is no node".to_owned(),
        _ => format!("the entry is {found}, and no node"),
    };
    let code = if entry.as_object().is_some() { "missing_node_type" } else { "not_a_node" };
    let finding = Finding::new(code, message).at_node(id.into(), None);
    finding.suggest("take it out of the prompt: ComfyUI takes each entry for a node, and fails on this one")
}

/// Checks what a node is made of, and the numbers in it.
pub(super) fn check_shape(node: Node<'_>, findings: &mut Findings) {
    if node.class_type().is_none() {
        let finding = Finding::new("missing_node_type", "the node has no class_type").about(node);
        findings.push(finding.suggest("the editor leaves it out where a node's class was unknown to it"));
    }
    match node.as_object().get("inputs") {
        Some(Value::Object(_)) => {}
        found => {
            let message = match found {
                None => "the node has no `inputs`".to_owned(),
                Some(value) => format!("the `inputs` of the node are {}, and no object", value.kind()),
            };
            let finding = Finding::new("exception_during_validation", message).about(node);
            findings.push(finding.suggest("write `\"inputs\": {}` where it has none"));
        }
    }
    for (key, value) in node.as_object().iter() {
        if key != "inputs" {
            check_numbers(node, None, key, value, findings);
        }
    }
    for (name, value) in given(node).into_iter().flat_map(Object::iter) {
        check_numbers(node, Some(name), name, value, findings);
    }
}

/// The inputs as they stand in the prompt.
pub(super) fn given(node: Node<'_>) -> Option<&Object> {
    node.as_object().get("inputs").and_then(Value::as_object)
}

/// Finds the first number in a value that is not finite.
fn check_numbers(node: Node<'_>, input: Option<&str>, place: &str, value: &Value, findings: &mut Findings) {
    let Some(number) = non_finite(value) else { return };
    let message = match input {
        Some(_) => format!("{number} is no number that can be sent"),
        None => format!("{number} in `{place}` is no number that can be sent"),
    };
    let finding = Finding::new("non_finite_number", message).about(node);
    let finding = input.into_iter().fold(finding, Finding::at_input);
    findings.push(finding.suggest(match input {
        Some(_) => "JSON has no such number: put another in its place",
        None => "JSON has no such number: take it out, nothing runs by it",
    }));
}

/// The first number in a value that is not finite, found without recursion.
fn non_finite(value: &Value) -> Option<&Number> {
    let (mut left, mut next) = (Vec::new(), Some(value));
    while let Some(value) = next {
        match value {
            Value::Number(number) if number.is_non_finite() => return Some(number),
            Value::Array(items) => left.extend(items.iter().rev()),
            Value::Object(object) => left.extend(object.iter().rev().map(|(_, value)| value)),
            _ => {}
        }
        next = left.pop();
    }
    None
}

/// Checks the lists at the inputs of a node: each should be a link, and lead somewhere.
pub(super) fn check_links(prompt: &Prompt, node: Node<'_>, findings: &mut Findings) {
    for (name, input) in node.inputs() {
        let problem = match input {
            Input::Literal(Value::Array(items)) => Some(malformed_link(items)),
            Input::Literal(_) => None,
            Input::Link(link) if prompt.node(link.node_id).is_none() => Some(Problem::Dangling(link.node_id)),
            Input::Link(link) => match link.slot {
                Some(_) => None,
                None => {
                    given(node).and_then(|given| given.get(name)?.as_array()?.get(1)).and_then(slot_problem)
                }
            },
        };
        if let Some(problem) = problem {
            findings.push(Advice::plain().finding(&problem, None).about(node).at_input(name));
        }
    }
}

fn malformed_link(items: &[Value]) -> Problem<'_> {
    match items {
        [Value::String(_), slot] => Problem::LinkSlot(slot),
        [node_id, _] => Problem::LinkNode(node_id),
        _ => Problem::LinkLength(items),
    }
}

/// Checks where the files of a node that saves would go.
fn check_prefix(node: Node<'_>, findings: &mut Findings) {
    let prefix = node.literal(output_prefix::INPUT);
    if let Some(problem) = prefix.and_then(|prefix| output_prefix::judge(prefix).err()) {
        findings.push(Advice::plain().finding(&problem, None).about(node).at_input(output_prefix::INPUT));
    }
}

/// A slot below zero counts from the last, in Python.
fn slot_problem(slot: &Value) -> Option<Problem<'_>> {
    slot.as_number().is_none_or(|slot| !slot.is_integer()).then_some(Problem::LinkSlot(slot))
}

pub(super) fn check_cycles(graph: &Graph<'_>, findings: &mut Findings) {
    for cycle in graph.cycles() {
        let Some(start) = cycle.first().and_then(|id| graph.node(id.as_str())) else { continue };
        let message = format!("the nodes need each other: {}", path(&cycle));
        let finding = Finding::new("dependency_cycle", message).about(start);
        findings.push(finding.suggest("take one of these links out"));
    }
}

/// The most nodes of a cycle that are named.
const MAX_SHOWN: usize = 20;

fn path(ids: &[NodeId]) -> String {
    let joined = |ids: &[NodeId]| ids.iter().map(NodeId::as_str).collect::<Vec<_>>().join(" → ");
    match (ids.split_at_checked(MAX_SHOWN), ids.last()) {
        (Some((first, rest)), Some(last)) if rest.len() > 1 => {
            format!("{} → … {} more … → {last}", joined(first), rest.len() - 1)
        }
        _ => joined(ids),
    }
}

/// Checks that something comes out of the prompt, by the names of its classes.
fn check_outputs(prompt: &Prompt, findings: &mut Findings) {
    let classes = || prompt.nodes().filter_map(|node| node.class_type());
    if prompt.nodes().next().is_none() {
        findings.push(empty());
    } else if !classes().any(known_classes::looks_like_output) {
        let finding = if classes().all(known_classes::is_known_not_to_be_output) {
            no_outputs()
        } else {
            let message = "no class of the prompt looks like that of an output node";
            Finding::warning("prompt_no_outputs", message)
        };
        findings.push(finding.suggest(ADD_AN_OUTPUT));
    } else if classes().filter(|class| known_classes::looks_like_output(class)).all(known_classes::is_preview)
    {
        findings.push(nothing_kept());
    }
}

const ADD_AN_OUTPUT: &str = "add one that saves, such as SaveImage";

pub(super) fn empty() -> Finding {
    Finding::new("prompt_no_outputs", "the prompt has no nodes, so nothing would run")
}

pub(super) fn no_outputs() -> Finding {
    Finding::new("prompt_no_outputs", "the prompt has no output node, so nothing would run")
        .suggest(ADD_AN_OUTPUT)
}

pub(super) fn nothing_kept() -> Finding {
    let finding =
        Finding::warning("outputs_not_kept", "the prompt only previews: nothing it makes would be kept");
    finding.suggest("use a node that saves, such as SaveImage in place of PreviewImage")
}

/// Whether the outputs of a class go away with the run.
pub(super) fn is_preview(class_type: &str) -> bool {
    known_classes::is_preview(class_type)
}
