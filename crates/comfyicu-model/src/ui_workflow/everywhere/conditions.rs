//! Which inputs take links that nobody drew, and which nodes and inputs a broadcaster gives to.

use std::borrow::Cow;

use super::super::graph::{Node, Slot};
use super::super::view::{NodeView, SavedValues, SlotView, integer};
use super::pattern::Pattern;
use crate::json::{Object, Value};

/// Whether a node takes such links at all.
pub(super) fn takes_links(view: NodeView<'_>) -> bool {
    !view.property("rejects_ue_links").is_some_and(is_set)
}

/// Whether an input takes them: a socket, unless its node says otherwise; a widget only where its node says so.
/// In files that are older than that saying, the widgets take them that have been turned into inputs.
pub(super) fn is_open(node: &Node<'_>, slot: &Slot<'_>) -> bool {
    let flags = |key| {
        let properties = view_properties(node.view);
        let flags = properties.and_then(|properties| properties.get(key)).or_else(|| node.view.property(key));
        flags.and_then(Value::as_object)
    };
    let flag = |flags: &Object| flags.get(&slot.name).is_some_and(is_set);
    if slot.widget.is_none() {
        return !flags("input_ue_unconnectable").is_some_and(flag);
    }
    match flags("widget_ue_connectable") {
        Some(flags) => flag(flags),
        None => saved(node.view, &slot.name).is_some(),
    }
}

/// What a node's input is called on the screen.
pub(super) fn label<'a>(view: NodeView<'a>, slot: &'a Slot<'_>) -> Cow<'a, str> {
    let saved = saved(view, &slot.name);
    let of_file =
        saved.and_then(|saved| saved.0.get_str("label").or_else(|| saved.0.get_str("localized_name")));
    Cow::Borrowed(of_file.filter(|label| !label.is_empty()).unwrap_or(&slot.name))
}

/// What a node's input is called on the screen, where its user or the pack called it something.
pub(super) fn given_label(slot: SlotView<'_>) -> &str {
    slot.0.get_str("label").filter(|label| !label.is_empty()).unwrap_or_else(|| slot.name())
}

/// What a node is called on the screen.
pub(super) fn title<'a>(node: &Node<'a>) -> &'a str {
    let by_name = || node.view.property("Node name for S&R").and_then(Value::as_str);
    let given = node.view.title().or_else(by_name);
    given.filter(|title| !title.is_empty()).unwrap_or(node.class)
}

/// An input as the file has it.
pub(super) fn saved<'a>(view: NodeView<'a>, name: &str) -> Option<SlotView<'a>> {
    view.inputs().find(|slot| slot.name() == name)
}

/// What newer versions of the pack keep at a node.
fn view_properties(view: NodeView<'_>) -> Option<&Object> {
    view.property("ue_properties").and_then(Value::as_object)
}

/// Whether something is true as JavaScript sees it.
pub(super) fn is_set(value: &Value) -> bool {
    match value {
        Value::Bool(set) => *set,
        Value::Number(number) => number.as_f64() != 0.0,
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// Within or without: the two ways to restrict to what is like the broadcaster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Within,
    Without,
}

/// What a broadcaster says of where it gives to. Since version 7 of the pack that is in a property of its own,
/// before it was in the widgets and in plain properties.
pub(super) struct Settings<'a> {
    view: NodeView<'a>,
    properties: Option<&'a Object>,
}

impl<'a> Settings<'a> {
    pub(super) fn of(view: NodeView<'a>) -> Self {
        let is_new = |properties: &&Object| properties.contains_key("version");
        let properties = view_properties(view);
        let gives_outputs = view.property("ue_convert").is_some_and(is_set);
        Self { view, properties: properties.filter(|new| gives_outputs || is_new(new)) }
    }

    /// The pattern for titles, inputs or groups, if it says something.
    pub(super) fn pattern(&self, of: &str) -> Option<Pattern> {
        let invert = format!("{of}_regex_invert");
        let invert = self.properties.and_then(|properties| properties.get(&invert)).is_some_and(is_set);
        Pattern::new(self.pattern_text(of)?, invert)
    }

    /// Whether it has a pattern, even if that cannot be read.
    pub(super) fn has_pattern(&self, of: &str) -> bool {
        self.pattern_text(of).is_some_and(|text| !matches!(text, "" | ".*"))
    }

    fn pattern_text(&self, of: &str) -> Option<&'a str> {
        match self.properties {
            Some(properties) => properties.get_str(&format!("{of}_regex")),
            None => self.pattern_of_widget(of),
        }
    }

    /// Older broadcasters with patterns have three widgets for them.
    fn pattern_of_widget(&self, of: &str) -> Option<&'a str> {
        if self.view.class() != Some("Anything Everywhere?") {
            return None;
        }
        let at = ["title", "input", "group"].iter().position(|name| *name == of)?;
        match self.view.saved_values() {
            SavedValues::Listed(values) => values.get(at)?.as_str(),
            SavedValues::Named(values) => values.get_str(&format!("{of}_regex")),
        }
    }

    /// Whether it gives only to what has its group or its colour, or only to what has not.
    pub(super) fn side(&self, key: &str) -> Option<Side> {
        let value = match self.properties {
            Some(properties) => properties.get(key)?,
            None => self.view.property(key)?,
        };
        match value {
            Value::Bool(true) => Some(Side::Within),
            other => match integer(other)? {
                1 => Some(Side::Within),
                2 => Some(Side::Without),
                _ => None,
            },
        }
    }

    /// What stands before others that fit too, where its user says so.
    pub(super) fn priority(&self) -> Option<i64> {
        self.properties?.get("priority").and_then(integer).filter(|priority| *priority != 0)
    }

    /// What decides between several inputs of one type.
    pub(super) fn repeated_type_rule(&self) -> i64 {
        self.properties
            .and_then(|properties| properties.get("repeated_type_rule"))
            .and_then(integer)
            .unwrap_or(0)
    }

    /// Whether texts are given to choices too.
    pub(super) fn gives_text_to_choices(&self) -> bool {
        let rule = self.properties.and_then(|properties| properties.get("string_to_combo")).and_then(integer);
        rule.is_some_and(|rule| rule > 0)
    }
}
