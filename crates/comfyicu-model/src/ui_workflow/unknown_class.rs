//! Nodes whose class `object_info` lacks: what the file itself says of their widgets.

use super::doubt::Doubt;
use super::view::{NodeView, SavedValues, SlotView};
use super::widgets::{Export, Layout, Widget};
use crate::json::{Object, Value};

/// The values that a control after a seed can have.
const CONTROLS: [&str; 5] = ["fixed", "increment", "decrement", "randomize", "increment-wrap"];

/// The names of widgets that say how a seed changes, or that are buttons: they never go into a prompt.
const SILENT: [&str; 4] = ["control_after_generate", "control_filter_list", "upload", "videopreview"];

/// Nodes of well-known packs that exist in the editor only.
const EDITOR_ONLY: [&str; 15] = [
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
];

/// Whether a class is one that exists in the editor only.
pub(super) fn is_editor_only(class: &str) -> bool {
    EDITOR_ONLY.contains(&class)
}

/// The widgets whose names the file tells.
pub(super) fn lay_out(view: NodeView<'_>) -> Layout<'_> {
    let mut doubts = vec![Doubt::Class];
    let widgets = match (view.saved_values(), view.named_values()) {
        (SavedValues::Named(values), _) | (_, Some(values)) => of_names(values),
        (SavedValues::Listed(values), None) => of_sockets(view, values).unwrap_or_else(|count| {
            doubts.push(Doubt::Widgets(count));
            Vec::new()
        }),
    };
    Layout { widgets, doubts, ..Layout::default() }
}

/// The values that the file has under their widgets' names.
fn of_names(values: &Object) -> Vec<Widget> {
    values
        .iter()
        .filter(|(name, _)| !SILENT.contains(name))
        .map(|(name, value)| widget(name, value))
        .collect()
}

/// The values of a list, by the sockets of the widgets. Newer files have a socket for each widget, older ones
/// only for those that a link can go to: then the names are not known, and the error says of how many values.
fn of_sockets(view: NodeView<'_>, values: &[Value]) -> Result<Vec<Widget>, usize> {
    let names: Vec<_> = view.inputs().filter_map(SlotView::widget_name).collect();
    let values: Vec<_> = without_controls(values).collect();
    if names.len() != values.len() {
        return Err(values.len());
    }
    Ok(names.into_iter().zip(values).map(|(name, value)| widget(name, value)).collect())
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
