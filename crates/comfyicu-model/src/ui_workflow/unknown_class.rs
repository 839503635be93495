//! Nodes whose class `object_info` lacks: what the file itself says of their widgets.

use super::view::{NodeView, SavedValues, SlotView};
use super::widgets::{Export, Layout, Widget};
use crate::json::Value;

/// The values that a control after a seed can have.
const CONTROLS: [&str; 5] = ["fixed", "increment", "decrement", "randomize", "increment-wrap"];

/// Nodes of well-known packs that exist in the editor only.
const EDITOR_ONLY: [&str; 16] = [
    "Label (rgthree)",
    "Bookmark (rgthree)",
    "Fast Muter (rgthree)",
    "Fast Bypasser (rgthree)",
    "Fast Groups Muter (rgthree)",
    "Fast Groups Bypasser (rgthree)",
    "Fast Actions Button (rgthree)",
    "Mute / Bypass Repeater (rgthree)",
    "Mute / Bypass Relay (rgthree)",
    "Node Collector (rgthree)",
    "Random Unmuter (rgthree)",
    "Note Plus (mtb)",
    "LabelNode",
    "workflowStats",
    "Note _O",
    "easy setNode",
];

/// Whether a class is one that exists in the editor only.
pub(super) fn is_editor_only(class: &str) -> bool {
    EDITOR_ONLY.contains(&class)
}

/// The widgets whose names the file tells.
pub(super) fn lay_out(view: NodeView<'_>) -> Layout<'_> {
    let named = match view.saved_values() {
        SavedValues::Named(values) => Some(values),
        SavedValues::Listed(_) => view.named_values(),
    };
    if let Some(values) = named {
        return Layout {
            widgets: values.iter().map(|(name, value)| widget(name, value)).collect(),
            ..Layout::default()
        };
    }
    let SavedValues::Listed(values) = view.saved_values() else { return Layout::default() };
    let names = view.inputs().filter_map(SlotView::widget_name);
    let exported = without_controls(values);
    Layout {
        widgets: names.zip(exported).map(|(name, value)| widget(name, value)).collect(),
        ..Layout::default()
    }
}

fn widget(name: &str, value: &Value) -> Widget {
    Widget { name: name.to_owned(), value: value.clone(), export: Export::Plain }
}

/// The values, less the controls that stand after seeds.
fn without_controls(values: &[Value]) -> impl Iterator<Item = &Value> {
    let mut before: Option<&Value> = None;
    values.iter().filter(move |value| {
        let after_number = before.is_some_and(|before| before.as_number().is_some());
        before = Some(value);
        !(after_number && value.as_str().is_some_and(|text| CONTROLS.contains(&text)))
    })
}
