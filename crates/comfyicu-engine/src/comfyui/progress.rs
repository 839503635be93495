//! What ComfyUI tells of a prompt, as events of the run.

use std::collections::{HashMap, HashSet};

use comfyicu_model::json::Value;
use comfyicu_model::{NodeId, ObjectInfo, Prompt};

use super::limit;
use super::message::{NodeProgress, SocketEvent};
use super::names::Names;
use crate::{Event, EventSink};

/// What a fraction of a node's work is told in.
const PARTS: f64 = 1000.0;

/// Turns what ComfyUI tells into events, with the ids of the prompt's own nodes.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    events: &'a dyn EventSink,
    names: &'a Names,
    /// The class of each node.
    classes: HashMap<NodeId, String>,
    /// How many nodes the run has: those that an output needs, where the definitions say which are outputs.
    total: usize,
    done: HashSet<NodeId>,
    running: Option<NodeId>,
    /// How much of the node that runs is done, from 0 to 1.
    fraction: f64,
    percent: u8,
}

impl<'a> Progress<'a> {
    pub(super) fn new(
        prompt: &Prompt,
        definitions: Option<&ObjectInfo>,
        names: &'a Names,
        events: &'a dyn EventSink,
    ) -> Self {
        let class = |node: comfyicu_model::Node<'_>| {
            (NodeId::from(node.id()), node.class_type().unwrap_or_default().to_owned())
        };
        let classes: HashMap<_, _> = prompt.nodes().map(class).collect();
        let is_output = |class_type: &str| {
            let definition = definitions.and_then(|all| all.definition(class_type));
            definition.is_some_and(|definition| definition.is_output())
        };
        let outputs: Vec<_> = classes
            .iter()
            .filter(|(_, class_type)| is_output(class_type))
            .map(|(id, _)| id.as_str())
            .collect();
        let needed = prompt.graph().needed(&outputs).len();
        let total = if needed == 0 { classes.len() } else { needed };
        Self { events, names, classes, total, done: HashSet::new(), running: None, fraction: 0.0, percent: 0 }
    }

    /// Takes what was told.
    pub(super) fn take(&mut self, event: &SocketEvent) {
        match event {
            SocketEvent::Cached { nodes } => {
                for node in nodes.iter().filter(|node| !self.names.is_added(node)) {
                    self.cached(node);
                }
            }
            // Nobody's but ours.
            SocketEvent::Executing { node, .. } if self.names.is_added(node) => {}
            SocketEvent::Executing { node, display_node } => {
                let node = self.own(node, display_node.as_ref());
                self.begin(node);
            }
            SocketEvent::Progress { node: Some(node), value, max } => {
                self.step(self.own(node, None), *value, *max);
            }
            SocketEvent::ProgressState { nodes } => self.state(nodes),
            SocketEvent::Preview { node, display_node, content_type, image } => {
                let node = node.as_ref().map(|node| self.own(node, display_node.as_ref()));
                if let Some(node_id) = node.or_else(|| self.running.clone())
                    && image.len() <= limit::PREVIEW_BYTES
                {
                    self.events.emit(Event::Preview { node_id, content_type, image: image.clone() });
                }
            }
            _ => {}
        }
        self.tell_percent();
    }

    /// Tells the texts that a node shows at the end.
    pub(super) fn texts(&self, node: &NodeId, texts: &Value) {
        let texts = texts.as_array().unwrap_or_default().iter().filter_map(Value::as_str);
        let texts: Vec<_> = texts.map(|text| self.names.restored(text)).collect();
        if !texts.is_empty() {
            self.events.emit(Event::NodeTexts { node_id: self.own(node, None), texts });
        }
    }

    /// The node of the prompt that a node belongs to: itself, or that which expanded into it.
    pub(super) fn own(&self, node: &NodeId, display_node: Option<&NodeId>) -> NodeId {
        let known = |id: &NodeId| self.classes.contains_key(id);
        if known(node) {
            return node.clone();
        }
        if let Some(display_node) = display_node.filter(|id| known(id)) {
            return display_node.clone();
        }
        let text = node.as_str();
        let prefixes = text.rmatch_indices('.').map(|(end, _)| text.get(..end).unwrap_or_default());
        let own = prefixes.map(NodeId::from).find(known);
        own.unwrap_or_else(|| node.clone())
    }

    /// The class of a node of the prompt.
    pub(super) fn class(&self, node: &NodeId) -> Option<&str> {
        self.classes.get(node).map(String::as_str)
    }

    fn cached(&mut self, node: &NodeId) {
        let node_id = self.own(node, None);
        if self.done.insert(node_id.clone()) {
            self.events.emit(Event::NodeCached { node_id });
        }
    }

    fn begin(&mut self, node: NodeId) {
        // It can be said twice, and an expansion says it for each of its parts.
        if self.running.as_ref() == Some(&node) {
            return;
        }
        if let Some(before) = self.running.replace(node.clone()) {
            self.done.insert(before);
        }
        self.done.remove(&node);
        self.fraction = 0.0;
        let class_type = self.class(&node).unwrap_or_default().to_owned();
        let (done, total) = (self.done.len(), self.total.max(self.done.len() + 1));
        self.events.emit(Event::NodeStarted { node_id: node, class_type, done, total });
    }

    fn step(&mut self, node_id: NodeId, value: f64, max: f64) {
        let Some((value, max)) = whole(value, max) else { return };
        if self.running.as_ref() == Some(&node_id) {
            #[expect(clippy::cast_precision_loss, reason = "a percentage")]
            let fraction = value as f64 / max as f64;
            self.fraction = fraction;
        }
        self.events.emit(Event::Progress { node_id, value, max });
    }

    /// Only what is not told otherwise: which nodes have ended.
    fn state(&mut self, nodes: &[NodeProgress]) {
        for state in nodes.iter().filter(|state| state.is_finished && state.node == state.display_node) {
            let node = self.own(&state.node, None);
            if self.running.as_ref() == Some(&node) {
                self.running = None;
            }
            self.done.insert(node);
        }
    }

    fn tell_percent(&mut self) {
        let running = if self.running.is_some() { self.fraction } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "a percentage")]
        let share = (self.done.len() as f64 + running) / self.total.max(self.done.len()).max(1) as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 100")]
        let percent = (share * 100.0).clamp(0.0, 100.0) as u8;
        if percent > self.percent {
            self.percent = percent;
            self.events.emit(Event::Overall { percent });
        }
    }
}

/// Progress in whole numbers: as it is where it is whole, else in thousandths.
fn whole(value: f64, max: f64) -> Option<(u64, u64)> {
    if !value.is_finite() || !max.is_finite() || max <= 0.0 {
        return None;
    }
    let value = value.clamp(0.0, max);
    let is_whole = value.fract() == 0.0 && max.fract() == 0.0;
    let (value, max) = if is_whole { (value, max) } else { (value / max * PARTS, PARTS) };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; `as` saturates"
    )]
    let pair = (value as u64, max as u64);
    (pair.1 > 0).then_some(pair)
}

#[cfg(test)]
mod tests;
