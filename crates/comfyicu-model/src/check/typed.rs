//! What can be told of a prompt with node definitions.

use std::collections::HashSet;

use super::advice::Advice;
use super::findings::Findings;
use super::input::Rules;
use super::live_inputs::{LiveInput, live_inputs};
use super::placed_files::PlacedFiles;
use super::problem::Problem;
use super::structure;
use crate::finding::{Finding, Severity};
use crate::json::{Object, Value};
use crate::object_info::{NodeDefinition, ObjectInfo};
use crate::prompt::{Link, Node, Prompt};

/// Inputs that editors of old wrote for their upload buttons; nothing is meant by them.
const BUTTONS: &[&str] = &["upload", "choose file to upload"];

pub(super) fn check(
    prompt: &Prompt,
    object_info: &ObjectInfo,
    files: &PlacedFiles<'_>,
    findings: &mut Findings,
) {
    let graph = prompt.graph();
    let outputs = prompt.nodes().filter(|node| is_output(*node, object_info));
    let needed: HashSet<&str> = graph.needed(outputs.map(|node| node.id())).iter().map(Node::id).collect();
    let rules = Rules { entries: prompt.as_object(), object_info, files };
    let mut checker = Checker { prompt, rules, advice: Advice::by(object_info), findings };
    for (id, entry) in prompt.as_object().iter() {
        match prompt.node(id) {
            None => checker.findings.push(structure::no_node(id, entry)),
            Some(node) => checker.check_node(node, needed.contains(id)),
        }
    }
    structure::check_cycles(&graph, findings);
    check_outputs(prompt, object_info, findings);
}

struct Checker<'a, 'f> {
    prompt: &'a Prompt,
    rules: Rules<'a>,
    advice: Advice<'a>,
    findings: &'f mut Findings,
}

impl<'a> Checker<'a, '_> {
    fn check_node(&mut self, node: Node<'a>, is_needed: bool) {
        structure::check_shape(node, self.findings);
        let Some(class_type) = node.class_type() else { return };
        let Some(definition) = self.rules.object_info.definition(class_type) else {
            self.unknown_class(node, class_type);
            return structure::check_links(self.prompt, node, self.findings);
        };
        if definition.is_deprecated() {
            let message = "the class is deprecated: its author wants another to be used";
            self.findings.push(Finding::warning("deprecated_node", message).about(node));
        }
        let Some(given) = structure::given(node) else { return };
        let inputs = live_inputs(definition, given);
        for input in &inputs {
            if let Err(problem) = self.rules.judge(class_type, input, given) {
                self.problem(node, input, &problem, is_needed);
            }
        }
        self.check_undeclared(node, definition, &inputs, given);
    }

    fn unknown_class(&mut self, node: Node<'a>, class_type: &str) {
        let object_info = self.rules.object_info;
        let suggestion = self.advice.nearest(class_type, object_info.class_types()).map_or_else(
            || "install the custom node that has it".to_owned(),
            |near| format!("was `{near}` meant?"),
        );
        let message = format!("there is no class `{class_type}`");
        self.findings.push(Finding::new("missing_node_type", message).about(node).suggest(suggestion));
    }

    fn problem(&mut self, node: Node<'a>, input: &LiveInput<'a>, problem: &Problem<'a>, is_needed: bool) {
        let severity = if is_needed { Severity::Error } else { Severity::Warning };
        self.findings.push_with(severity, || {
            let mut finding = self.advice.finding(problem, Some(&input.definition));
            if !is_needed {
                finding.message.push_str(", but no output needs the node");
            }
            finding.about(node).at_input(&*input.name)
        });
    }

    /// Looks at what stands at inputs that the class does not have.
    fn check_undeclared(
        &mut self,
        node: Node<'a>,
        definition: NodeDefinition<'a>,
        inputs: &[LiveInput<'a>],
        given: &'a Object,
    ) {
        // As many as there are inputs, and all of them found: nothing else stands there.
        let declared = |name: &str| inputs.iter().any(|input| input.name == name);
        if inputs.len() <= MAX_SCANNED {
            let undeclared = given.iter().filter(|(name, _)| !declared(name));
            undeclared.for_each(|(name, value)| self.undeclared(node, definition, inputs, (name, value)));
        } else {
            let names: HashSet<&str> = inputs.iter().map(|input| &*input.name).collect();
            let undeclared = given.iter().filter(|(name, _)| !names.contains(name));
            undeclared.for_each(|(name, value)| self.undeclared(node, definition, inputs, (name, value)));
        }
    }

    fn undeclared(
        &mut self,
        node: Node<'a>,
        definition: NodeDefinition<'a>,
        inputs: &[LiveInput<'a>],
        (name, value): (&str, &Value),
    ) {
        // ComfyUI follows links at such inputs, too.
        if let Some(link) = Link::of(value).filter(|link| self.prompt.node(link.node_id).is_none()) {
            let finding = self.advice.finding(&Problem::Dangling(link.node_id), None);
            return self.findings.push(finding.about(node).at_input(name));
        }
        if BUTTONS.contains(&name) || definition.hidden().any(|hidden| hidden.name() == name) {
            return;
        }
        self.findings.push_with(Severity::Warning, || {
            let message = "the class has no such input, and ignores it";
            let finding = Finding::warning("unknown_input", message).about(node).at_input(name);
            let meant = self.advice.nearest(name, inputs.iter().map(|input| &*input.name));
            meant.into_iter().fold(finding, |finding, meant| finding.suggest(format!("was `{meant}` meant?")))
        });
    }
}

/// Up to how many inputs it is quicker to look through them than to make a table.
const MAX_SCANNED: usize = 64;

fn is_output(node: Node<'_>, object_info: &ObjectInfo) -> bool {
    let definition = node.class_type().and_then(|class_type| object_info.definition(class_type));
    definition.is_some_and(|definition| definition.is_output())
}

fn check_outputs(prompt: &Prompt, object_info: &ObjectInfo, findings: &mut Findings) {
    let is_known =
        |node: Node<'_>| node.class_type().is_some_and(|class| object_info.definition(class).is_some());
    let outputs = || prompt.nodes().filter(|node| is_output(*node, object_info));
    if prompt.nodes().next().is_none() {
        findings.push(structure::empty());
    } else if !prompt.nodes().all(is_known) {
        // The output may be the very node whose class is unknown.
    } else if outputs().next().is_none() {
        findings.push(structure::no_outputs());
    } else if outputs().all(|node| node.class_type().is_some_and(structure::is_preview)) {
        findings.push(structure::nothing_kept());
    }
}
