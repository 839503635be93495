//! The walk from an output to all that it needs, as ComfyUI goes it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::vec;

use super::{Dialect, NodeError, NodeErrors};
use crate::check::input::{Rules, Sound};
use crate::check::live_inputs::{LiveInput, live_inputs};
use crate::check::problem::{ComfyVerdict, Problem};
use crate::ids::NodeId;
use crate::json::{Object, Value};
use crate::prompt::{Graph, Prompt};

/// What came out of one node; each is looked at once, however many outputs need it.
#[derive(Debug)]
struct Outcome<'a> {
    is_valid: bool,
    reasons: Vec<Reason<'a>>,
}

#[derive(Debug)]
enum Reason<'a> {
    Problem {
        input: Cow<'a, str>,
        problem: Problem<'a>,
    },
    /// The input that led to the node; none led to an output.
    Exception {
        led_here: Option<Cow<'a, str>>,
    },
    Cycle,
}

/// A node that is being looked at.
struct Frame<'a> {
    id: &'a str,
    class_type: &'a str,
    given: &'a Object,
    inputs: vec::IntoIter<LiveInput<'a>>,
    led_here: Option<Cow<'a, str>>,
    is_valid: bool,
    reasons: Vec<Reason<'a>>,
}

pub(super) struct Walk<'a> {
    rules: Rules<'a>,
    dialect: Dialect,
    outcomes: HashMap<&'a str, Outcome<'a>>,
    /// A stack of its own: a prompt may be deeper than the thread's.
    stack: Vec<Frame<'a>>,
    open: HashSet<&'a str>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(rules: Rules<'a>, dialect: Dialect) -> Self {
        let (outcomes, stack, open) = (HashMap::new(), Vec::new(), HashSet::new());
        Self { rules, dialect, outcomes, stack, open }
    }

    /// Whether an output can run.
    pub(super) fn is_valid(&mut self, output: &'a str) -> bool {
        if !self.outcomes.contains_key(output) {
            self.enter(output, None);
        }
        while !self.stack.is_empty() {
            self.step();
        }
        self.outcomes.get(output).is_some_and(|outcome| outcome.is_valid)
    }

    fn enter(&mut self, id: &'a str, led_here: Option<Cow<'a, str>>) {
        let entry = self.rules.entries.get(id).and_then(Value::as_object);
        let class_type = entry.and_then(|entry| entry.get_str("class_type"));
        let definition = class_type.and_then(|class_type| self.rules.object_info.definition(class_type));
        let given = entry.and_then(|entry| entry.get("inputs")).and_then(Value::as_object);
        let (Some(definition), Some(given)) = (definition, given) else {
            self.leave(id, Outcome { is_valid: false, reasons: vec![Reason::Exception { led_here }] });
            return;
        };
        self.open.insert(id);
        self.stack.push(Frame {
            id,
            class_type: definition.class_type(),
            given,
            inputs: live_inputs(definition, given).into_iter(),
            led_here,
            is_valid: true,
            reasons: Vec::new(),
        });
    }

    /// Looks at the next input of the node on top.
    fn step(&mut self) {
        let Some(frame) = self.stack.last_mut() else { return };
        let Some(input) = frame.inputs.next() else {
            return self.close();
        };
        match self.rules.judge(frame.class_type, &input, frame.given) {
            Ok(Sound::Absent | Sound::Literal) => {}
            Ok(Sound::Link(target)) => match self.outcomes.get(target) {
                Some(outcome) => frame.is_valid &= outcome.is_valid,
                None if self.open.contains(target) => self.close_cycle(target),
                None => self.enter(target, Some(input.name)),
            },
            Err(problem) => match problem.verdict() {
                ComfyVerdict::Pass => {}
                ComfyVerdict::Error => frame.reasons.push(Reason::Problem { input: input.name, problem }),
                ComfyVerdict::Exception => self.fail(),
            },
        }
    }

    /// The node on top has no more inputs.
    fn close(&mut self) {
        let Some(frame) = self.stack.pop() else { return };
        let is_valid = frame.is_valid && frame.reasons.is_empty();
        self.leave(frame.id, Outcome { is_valid, reasons: frame.reasons });
    }

    /// The look at the node on top ends at once, and what was found is lost.
    fn fail(&mut self) {
        let Some(frame) = self.stack.pop() else { return };
        let reasons = vec![Reason::Exception { led_here: frame.led_here }];
        self.leave(frame.id, Outcome { is_valid: false, reasons });
    }

    fn leave(&mut self, id: &'a str, outcome: Outcome<'a>) {
        self.open.remove(id);
        // A node of a cycle has its outcome already.
        let outcome = self.outcomes.entry(id).or_insert(outcome);
        if let Some(parent) = self.stack.last_mut() {
            parent.is_valid &= outcome.is_valid;
        }
    }

    /// A link leads back to a node that is being looked at: all from there to here fail.
    fn close_cycle(&mut self, back_to: &str) {
        for frame in self.stack.iter().skip_while(|frame| frame.id != back_to) {
            let reasons = match self.dialect {
                Dialect::Old => Vec::new(),
                Dialect::Current => vec![Reason::Cycle],
            };
            self.outcomes.insert(frame.id, Outcome { is_valid: false, reasons });
        }
        if let Some(frame) = self.stack.last_mut() {
            frame.is_valid = false;
        }
    }

    /// What is wrong with the nodes, in the order of the prompt.
    pub(super) fn into_node_errors(mut self, prompt: &Prompt, failed: &[&str]) -> Vec<NodeErrors> {
        if failed.is_empty() {
            return Vec::new();
        }
        let mut dependents = Dependents::new(prompt, failed);
        let mut node_errors = Vec::new();
        for node in prompt.nodes() {
            let Some(outcome) = self.outcomes.remove(node.id()) else { continue };
            if outcome.reasons.is_empty() {
                continue;
            }
            node_errors.push(NodeErrors {
                node_id: node.id().into(),
                class_type: node.class_type().unwrap_or_default().to_owned(),
                errors: outcome.reasons.iter().map(Reason::to_error).collect(),
                dependent_outputs: dependents.of(node.id()),
            });
        }
        node_errors
    }
}

impl Reason<'_> {
    fn to_error(&self) -> NodeError {
        let (code, message, input) = match self {
            Self::Problem { input, problem } => {
                (problem.code(), problem.comfy_message(), Some(input.as_ref()))
            }
            Self::Exception { led_here: None } => {
                ("exception_during_validation", "Exception when validating node".to_owned(), None)
            }
            Self::Exception { led_here: Some(input) } => (
                "exception_during_inner_validation",
                "Exception when validating inner node".to_owned(),
                Some(input.as_ref()),
            ),
            Self::Cycle => ("dependency_cycle", "Dependency cycle detected".to_owned(), None),
        };
        NodeError { code, message, input: input.map(str::to_owned) }
    }
}

/// Which of the failed outputs need a node.
struct Dependents<'a> {
    /// With their places in the prompt.
    failed: HashMap<&'a str, usize>,
    graph: Graph<'a>,
    steps_left: usize,
}

/// The most links that are followed to find the outputs that need nodes: a prompt with very many of both
/// would keep the machine busy for minutes. Beyond it, none are named.
const MAX_STEPS: usize = 5_000_000;

impl<'a> Dependents<'a> {
    fn new(prompt: &'a Prompt, failed: &[&'a str]) -> Self {
        let failed = failed.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        Self { failed, graph: prompt.graph(), steps_left: MAX_STEPS }
    }

    fn of(&mut self, node_id: &'a str) -> Vec<NodeId> {
        let mut seen = HashSet::from([node_id]);
        let mut next = vec![node_id];
        let mut found = Vec::new();
        while let Some(id) = next.pop() {
            found.extend(self.failed.get(id).map(|place| (*place, id)));
            for user in self.graph.consumers(id) {
                let Some(left) = self.steps_left.checked_sub(1) else { return Vec::new() };
                self.steps_left = left;
                if seen.insert(user.node.id()) {
                    next.push(user.node.id());
                }
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id.into()).collect()
    }
}
