//! What a prompt holds and the editor's format has no place for, kept beside it: in a property of each node, and
//! in `extra` for entries that are no nodes.
//!
//! The editor leaves both alone. A kept input counts only while the conversion gives what it gave when it was
//! kept, so that what is changed in the editor is what the prompt has.

use std::collections::HashSet;

use super::view::{NodeView, id_text};
use crate::json::{Object, Value};
use crate::prompt::Prompt;

/// The key in a node's properties, and in the workflow's `extra`.
const KEY: &str = "comfyicu";

/// What is kept of one node.
pub(super) struct Record<'a>(&'a Object);

impl<'a> Record<'a> {
    pub(super) fn of(view: NodeView<'a>) -> Option<Self> {
        view.property(KEY)?.as_object().map(Self)
    }

    /// Puts what was kept into a node of the prompt.
    pub(super) fn restore(&self, title: Option<&str>, node: &mut Object) {
        let part = |key| self.0.get(key).and_then(Value::as_object);
        if let (Some(kept), Some(inputs)) =
            (part("inputs"), node.get_mut("inputs").and_then(Value::as_object_mut))
        {
            for (name, kept) in kept.iter().filter_map(|(name, kept)| Some((name, kept.as_object()?))) {
                restore_input(name, kept, inputs);
            }
        }
        let Some(rest) = part("node") else { return };
        if rest.get_str("title_then") == title {
            node.remove("_meta");
        }
        for (key, value) in rest.get("keys").and_then(Value::as_object).into_iter().flat_map(Object::iter) {
            if !node.contains_key(key) {
                node.insert(key, value.clone());
            }
        }
        if rest.get("no_inputs").is_some() && is_empty(node.get("inputs")) {
            node.remove("inputs");
        }
    }
}

/// An input as it was, if it still comes out as it did when it was kept.
fn restore_input(name: &str, kept: &Object, inputs: &mut Object) {
    if inputs.get(name) != kept.get("then") {
        return;
    }
    match kept.get("value") {
        Some(value) => {
            inputs.insert(name, value.clone());
        }
        None => {
            inputs.remove(name);
        }
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    value.and_then(Value::as_object).is_none_or(Object::is_empty)
}

/// The entries of a prompt that are no nodes of the workflow.
pub(super) fn entries(workflow: &Object) -> impl Iterator<Item = (String, Value)> {
    let kept =
        workflow.get("extra").and_then(|extra| extra.as_object()?.get(KEY)?.as_object()?.get("entries"));
    let entries = kept.and_then(Value::as_object).into_iter().flat_map(Object::iter);
    entries.map(|(id, entry)| (id.to_owned(), entry.clone()))
}

/// Keeps what `prompt` has and `back`, the workflow's conversion, has not.
pub(super) fn keep(workflow: &mut Object, prompt: &Prompt, back: &Prompt) {
    let mut made = HashSet::new();
    let nodes = match workflow.get_mut("nodes") {
        Some(Value::Array(nodes)) => nodes.as_mut_slice(),
        _ => &mut [],
    };
    for node in nodes.iter_mut().filter_map(Value::as_object_mut) {
        let Some(id) = node.get("id").and_then(id_text) else { continue };
        let entry = |prompt: &Prompt| prompt.as_object().get(&id).and_then(Value::as_object).cloned();
        if let (Some(wanted), Some(got)) = (entry(prompt), entry(back)) {
            let title = node.get_str("title").map(str::to_owned);
            let properties = node.get_mut("properties").and_then(Value::as_object_mut);
            if let (Some(properties), Some(record)) = (properties, record(&wanted, &got, title.as_deref())) {
                properties.insert(KEY, record);
            }
            made.insert(id);
        }
    }
    let rest: Object = prompt
        .as_object()
        .iter()
        .filter(|(id, _)| !made.contains(*id))
        .map(|(id, entry)| (id, entry.clone()))
        .collect();
    if let Some(extra) = workflow.get_mut("extra").and_then(Value::as_object_mut).filter(|_| !rest.is_empty())
    {
        extra.insert(KEY, Object::from_iter([("entries", rest)]));
    }
}

/// What must be kept of a node, if anything.
fn record(wanted: &Object, got: &Object, title: Option<&str>) -> Option<Object> {
    if wanted == got {
        return None;
    }
    let inputs = |node: &Object| node.get("inputs").and_then(Value::as_object).cloned().unwrap_or_default();
    let (wanted_inputs, got_inputs) = (inputs(wanted), inputs(got));
    let mut kept = Object::new();
    // A name that stands in both comes twice, with the same outcome.
    for name in wanted_inputs.keys().chain(got_inputs.keys()) {
        let (value, then) = (wanted_inputs.get(name), got_inputs.get(name));
        if value != then {
            let parts = [("value", value), ("then", then)];
            kept.insert(
                name,
                parts.into_iter().filter_map(|(key, part)| Some((key, part?.clone()))).collect::<Object>(),
            );
        }
    }
    let mut record = Object::new();
    if !kept.is_empty() {
        record.insert("inputs", kept);
    }
    let keys: Object = wanted
        .iter()
        .filter(|(key, _)| !matches!(*key, "inputs" | "class_type"))
        .map(|(key, value)| (key, value.clone()))
        .collect();
    let mut node = Object::from_iter([("keys", Value::from(keys))]);
    if let Some(title) = title {
        node.insert("title_then", title);
    }
    if !wanted.contains_key("inputs") {
        node.insert("no_inputs", true);
    }
    record.insert("node", node);
    Some(record)
}
