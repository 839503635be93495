//! From the unfolded graphs to the prompt.

use super::graph::{Node, NodeAt, Role};
use super::record::{self, Record};
use super::resolve::{Source, source_of};
use super::scope::{ScopeAt, Scopes};
use super::text::{self, Dice};
use super::view::Mode;
use super::widgets::{Export, Widget};
use super::{Conversion, ConvertError, ConvertOptions};
use crate::finding::Finding;
use crate::ids::NodeId;
use crate::json::{Object, Value};
use crate::prompt::Prompt;

/// Makes the nodes of the prompt, in the editor's order: whole numbers ascending, as JavaScript's objects have
/// them, then the paths into subgraphs.
pub(super) fn assemble(scopes: &Scopes<'_>, options: &ConvertOptions) -> Result<Conversion, ConvertError> {
    let mut assembler =
        Assembler { scopes, options, dice: options.choice_seed.map(Dice::new), findings: Vec::new() };
    let mut nodes = Vec::new();
    visit(scopes, &mut |scope, at, node| {
        nodes.push((scopes.prompt_id(scope, node), Value::from(assembler.node(scope, at, node)?)));
        Ok(())
    })?;
    nodes.sort_by_key(|(id, _)| id.parse::<u32>().unwrap_or(u32::MAX));
    let mut findings = assembler.findings;
    nodes.extend(record::entries(scopes.workflow));
    if nodes.is_empty() {
        findings.push(Finding::warning("prompt_no_nodes", "nothing in the workflow runs"));
    }
    Ok(Conversion { prompt: Prompt::of_nodes(nodes.into_iter().collect()), findings })
}

/// Shows each node that goes into the prompt, instances unfolded where they stand.
fn visit<'s>(
    scopes: &'s Scopes<'_>,
    show: &mut dyn FnMut(ScopeAt, NodeAt, &'s Node<'s>) -> Result<(), ConvertError>,
) -> Result<(), ConvertError> {
    let mut stack = vec![(0, ordered(scopes, 0).into_iter())];
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
    if scope == 0 {
        nodes.sort_by_key(|at| graph.node(*at).and_then(|node| node.view.order()).unwrap_or(i64::MAX));
    }
    nodes
}

struct Assembler<'s, 'a> {
    scopes: &'s Scopes<'a>,
    options: &'s ConvertOptions,
    dice: Option<Dice>,
    findings: Vec<Finding>,
}

impl Assembler<'_, '_> {
    fn node(&mut self, scope: ScopeAt, at: NodeAt, node: &Node<'_>) -> Result<Object, ConvertError> {
        let id = self.scopes.prompt_id(scope, node);
        let found = |finding: Finding| finding.at_node(NodeId::new(id.as_str()), Some(node.class));
        self.findings.extend(node.doubts.iter().map(|doubt| found(doubt.finding())));
        let mut inputs = Object::new();
        for widget in &node.widgets {
            let own = self.scopes.override_of(scope, at, &widget.name).unwrap_or(&widget.value);
            let (value, finding) = self.value(widget, own);
            self.findings.extend(finding.map(|finding| found(finding.at_input(&*widget.name))));
            inputs.insert(&*widget.name, value);
        }
        for (slot_at, slot) in node.inputs.iter().enumerate().filter(|(_, slot)| slot.link.is_some()) {
            let finding = match source_of(self.scopes, scope, at, slot_at)? {
                Source::Nothing => None,
                Source::Lost => Some(Finding::warning(
                    "lost_link",
                    "the file has no such link, or not the node that it is from",
                )),
                Source::Unnamed(name) => Some(Finding::warning(
                    "missing_set_node",
                    format!("no node gives anything the name {name:?}"),
                )),
                Source::Value(value) => {
                    inputs.insert(&*slot.name, wrapped(value));
                    None
                }
                Source::Output { scope, node, slot: origin_slot } => {
                    inputs.insert(&*slot.name, self.link(scope, node, origin_slot));
                    None
                }
            };
            self.findings.extend(finding.map(|finding| found(finding.at_input(&*slot.name))));
        }
        let mut object = Object::from_iter([
            ("inputs", Value::from(inputs)),
            ("class_type", Value::from(node.class)),
            ("_meta", Value::from(meta(node))),
        ]);
        if let Some(record) = Record::of(node.view) {
            record.restore(node.view.title(), &mut object);
        }
        Ok(object)
    }

    fn link(&self, scope: ScopeAt, node: NodeAt, slot: usize) -> Value {
        let id = self.scopes.node(scope, node).map(|node| self.scopes.prompt_id(scope, node));
        let slot = u64::try_from(slot).unwrap_or(u64::MAX);
        Value::Array(vec![id.unwrap_or_default().into(), slot.into()])
    }

    /// What a widget's value becomes in the prompt.
    fn value(&mut self, widget: &Widget, own: &Value) -> (Value, Option<Finding>) {
        match (widget.export, own) {
            (Export::Curve, curve) if !curve.is_null() => {
                let typed = [("__type__", Value::from("CURVE")), ("__value__", curve.clone())];
                (Object::from_iter(typed).into(), None)
            }
            (Export::DynamicPrompt, Value::String(text)) if text::is_dynamic(text) => match &mut self.dice {
                Some(dice) => (text::choose(text, dice).into(), None),
                None => (own.clone(), text.contains('{').then(kept_alternatives)),
            },
            (_, Value::String(text)) if widget.name == "filename_prefix" && text::has_placeholder(text) => {
                match self.options.now {
                    Some(now) => (
                        text::fill_in(text, now, |node, widget| self.widget_value(node, widget)).into(),
                        None,
                    ),
                    None => (own.clone(), Some(kept_placeholder())),
                }
            }
            _ => (wrapped(own.clone()), None),
        }
    }

    /// The value of a widget in the root, as text: the node by the name for search and replace, else by title.
    fn widget_value(&self, node: &str, widget: &str) -> Option<String> {
        let nodes = &self.scopes.graph(0)?.nodes;
        let by_name = |other: &&Node<'_>| {
            other.view.property("Node name for S&R").and_then(Value::as_str) == Some(node)
        };
        let by_title = |other: &&Node<'_>| other.view.title() == Some(node);
        let node = nodes.iter().find(by_name).or_else(|| nodes.iter().find(by_title))?;
        match &node.widget(widget)?.value {
            Value::String(text) => Some(text.clone()),
            Value::Null => Some(String::new()),
            other => Some(other.to_json()),
        }
    }
}

fn kept_alternatives() -> Finding {
    Finding::warning(
        "kept_text",
        "the editor would choose between the alternatives in the text; they were kept",
    )
}

fn kept_placeholder() -> Finding {
    Finding::warning("kept_text", "the editor would fill in what is between percent signs; it was kept")
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

/// A list is wrapped, so that nobody takes it for a link.
fn wrapped(value: Value) -> Value {
    match value {
        Value::Array(_) => Object::from_iter([("__value__", value)]).into(),
        _ => value,
    }
}
