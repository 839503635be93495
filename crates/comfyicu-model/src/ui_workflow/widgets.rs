//! The widgets that the editor makes of a class's declared inputs, and the values that a file gives them.
//!
//! A file lists the values one after the other, so that everything which has a widget takes its place in
//! the list, whether it ends in the prompt or not: the control after a seed, the button of an upload.

use std::borrow::Cow;

use super::doubt::Doubt;
use super::frontend_only;
use super::view::SavedValues;
use crate::json::{Object, Value};
use crate::object_info::{Combo, DynamicCombo, DynamicOption, InputDefinition, InputKind, NodeDefinition};

/// A widget and its value.
#[derive(Clone, Debug)]
pub(super) struct Widget {
    pub(super) name: String,
    pub(super) value: Value,
    /// What the value becomes in the prompt.
    pub(super) export: Export,
}

/// How a widget's value goes into the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Export {
    /// As it is.
    Plain,
    /// Text in which `{a|b}` stands for a choice.
    DynamicPrompt,
    /// Wrapped, with the name of its type.
    Curve,
}

/// A socket without a widget; the sockets of widgets come from the widgets.
#[derive(Clone, Debug)]
pub(super) enum Socket<'a> {
    Plain {
        name: String,
        type_name: Cow<'a, str>,
    },
    /// A list that grows: the file says which of `name.…` there are.
    Growing {
        name: String,
    },
}

/// Everything that a node of a known class has at its left side.
#[derive(Debug, Default)]
pub(super) struct Layout<'a> {
    pub(super) sockets: Vec<Socket<'a>>,
    pub(super) widgets: Vec<Widget>,
    /// What each place in a file's list of values is for.
    pub(super) places: Vec<Place>,
    /// What the file leaves open.
    pub(super) doubts: Vec<Doubt>,
}

impl Layout<'_> {
    /// The values as a file lists them; a new control after a seed leaves the seed alone.
    pub(super) fn values(&self) -> Vec<Value> {
        let silent = |name| match name {
            "control_after_generate" => Value::from("fixed"),
            "control_filter_list" => Value::from(""),
            "upload" => Value::from("image"),
            _ => Value::Null,
        };
        let value = |place: &Place| match place {
            Place::Widget(at) => self.widgets.get(*at).map(|widget| widget.value.clone()).unwrap_or_default(),
            Place::Silent(name) => silent(name),
        };
        self.places.iter().map(value).collect()
    }
}

/// A place in a file's list of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It holds the value of that widget.
    Widget(usize),
    /// It holds what never goes into a prompt, and belongs to the widget before it: the name of that widget.
    Silent(&'static str),
}

/// Lays out a class's inputs, with the values that a node of it was saved with.
pub(super) fn lay_out<'a>(definition: NodeDefinition<'a>, saved: SavedValues<'a>) -> Layout<'a> {
    let inputs: Vec<_> = definition.inputs().collect();
    let values = match saved {
        SavedValues::Listed(values) => Values::Listed(without_dummies(&inputs, values).into_iter()),
        SavedValues::Named(values) => Values::Named(values),
    };
    let mut builder = Builder { values, layout: Layout::default() };
    for input in inputs.iter().filter(|input| input.is_required()) {
        builder.add("", input);
    }
    for extra in frontend_only::after_required(definition, &inputs) {
        builder.add_extra(extra);
    }
    for input in inputs.iter().filter(|input| !input.is_required()) {
        builder.add("", input);
    }
    frontend_only::finish(definition, &inputs, &mut builder);
    builder.layout
}

/// Old files have a value for each input that is a socket by force; the editor drops these, when the list
/// is exactly as long as if they had widgets.
fn without_dummies<'a>(inputs: &[InputDefinition<'_>], values: &'a [Value]) -> Vec<&'a Value> {
    if !inputs.iter().any(InputDefinition::is_force_input) {
        return values.iter().collect();
    }
    let mut dummies = Vec::new();
    for input in inputs {
        let forced = input.is_force_input();
        if forced || kind_of(input).is_some() {
            dummies.push(forced);
            dummies.extend(input.has_control_after_generate().then_some(false));
        }
    }
    let drop = dummies.len() == values.len();
    let keep = |at: usize| !(drop && dummies.get(at) == Some(&true));
    values.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, value)| value).collect()
}

/// Where the values come from.
enum Values<'a> {
    Listed(std::vec::IntoIter<&'a Value>),
    Named(&'a Object),
}

pub(super) struct Builder<'a> {
    values: Values<'a>,
    layout: Layout<'a>,
}

/// A widget that no class declares.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extra {
    /// It has a place in the list, and nothing of it goes into the prompt.
    Silent(&'static str),
    /// It goes into the prompt; this is its value where the file has none.
    Exported(&'static str, &'static str),
}

impl<'a> Builder<'a> {
    /// The next value of the file for the widget of that name.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a Value> {
        match &mut self.values {
            Values::Listed(values) => values.next(),
            Values::Named(values) => values.get(name),
        }
    }

    /// Passes over the values of buttons that stand next.
    fn skip(&mut self, buttons: &[&str]) {
        while let Values::Listed(values) = &mut self.values {
            let next = values.as_slice().first().and_then(|value| value.as_str());
            if !next.is_some_and(|next| buttons.contains(&next)) {
                return;
            }
            self.silent("button");
        }
    }

    pub(super) fn widget(&mut self, name: impl Into<String>, value: Value, export: Export) {
        self.layout.places.push(Place::Widget(self.layout.widgets.len()));
        self.layout.widgets.push(Widget { name: name.into(), value, export });
    }

    fn silent(&mut self, name: &'static str) {
        self.take(name);
        self.layout.places.push(Place::Silent(name));
    }

    fn add_extra(&mut self, extra: Extra) {
        match extra {
            Extra::Silent(name) => self.silent(name),
            Extra::Exported(name, default) => {
                let value = self.take(name).cloned().unwrap_or_else(|| default.into());
                self.widget(name, value, Export::Plain);
            }
        }
    }

    fn add(&mut self, prefix: &str, input: &InputDefinition<'a>) {
        let name = format!("{prefix}{}", input.name());
        match kind_of(input) {
            Some(kind) => self.add_widget(&name, input, kind),
            None if matches!(input.kind(), InputKind::Autogrow(_)) => {
                self.layout.sockets.push(Socket::Growing { name });
            }
            None => {
                let type_name = input.slot_type().name().into();
                self.layout.sockets.push(Socket::Plain { name, type_name });
            }
        }
    }

    fn add_widget(&mut self, name: &str, input: &InputDefinition<'a>, kind: WidgetKind<'a>) {
        if input.slot_type().name().starts_with("LOAD_3D") {
            self.skip(&frontend_only::LOAD_3D_BUTTONS);
        }
        let value = self.take(name).cloned().unwrap_or_else(|| default_of(input, kind));
        let value = as_loaded(input, kind, value);
        let export = match kind {
            WidgetKind::Text if input.has_dynamic_prompts() => Export::DynamicPrompt,
            WidgetKind::Curve => Export::Curve,
            _ => Export::Plain,
        };
        self.widget(name, value.clone(), export);
        for control in controls(name, input, kind) {
            self.silent(control);
        }
        if let WidgetKind::DynamicCombo(combo) = kind {
            let prefix = format!("{name}.");
            let chosen = value.as_str().and_then(|key| combo.option(key));
            if chosen.is_none() {
                self.layout.doubts.push(Doubt::Choice { widget: name.to_owned(), value });
            }
            for inner in chosen.into_iter().flat_map(DynamicOption::inputs) {
                self.add(&prefix, &inner);
            }
        }
    }
}

/// The kinds of widgets whose values or places differ.
#[derive(Clone, Copy, Debug)]
enum WidgetKind<'a> {
    Int,
    Float,
    Text,
    Toggle,
    Combo(Combo<'a>),
    DynamicCombo(DynamicCombo<'a>),
    Curve,
    Compare,
    /// Any other widget of the editor: its value is what the file or the declaration says.
    Other,
}

/// The widget that an input has, if it has one.
fn kind_of<'a>(input: &InputDefinition<'a>) -> Option<WidgetKind<'a>> {
    if input.is_force_input() {
        return None;
    }
    // An input of several types says which widget it has.
    let named = input.setting("widgetType").and_then(Value::as_str);
    match (input.kind(), named) {
        (InputKind::Combo(combo), _) => Some(WidgetKind::Combo(combo)),
        (InputKind::DynamicCombo(combo), _) => Some(WidgetKind::DynamicCombo(combo)),
        (_, named) => kind_of_type(named.unwrap_or_else(|| input.slot_type().name())),
    }
}

fn kind_of_type<'a>(name: &str) -> Option<WidgetKind<'a>> {
    Some(match name {
        "INT" => WidgetKind::Int,
        "FLOAT" => WidgetKind::Float,
        "STRING" => WidgetKind::Text,
        "BOOLEAN" => WidgetKind::Toggle,
        "CURVE" => WidgetKind::Curve,
        "IMAGECOMPARE" => WidgetKind::Compare,
        "COLOR" | "COLORS" | "BOUNDING_BOX" | "BOUNDING_BOXES" | "COMPOSITOR" | "PAINTER" | "WEBCAM"
        | "AUDIO_RECORD" | "LOAD_3D" | "LOAD_3D_ANIMATION" | "PREVIEW_3D" | "MARKDOWN" | "RANGE" => {
            WidgetKind::Other
        }
        _ => return None,
    })
}

/// The widgets that follow one to say how its value changes after each run. They have places in the list.
fn controls(name: &str, input: &InputDefinition<'_>, kind: WidgetKind<'_>) -> &'static [&'static str] {
    let asked = input.has_control_after_generate();
    let by_name = input.setting("control_after_generate").is_none() && matches!(name, "seed" | "noise_seed");
    match kind {
        WidgetKind::Int if asked || by_name => &["control_after_generate"],
        WidgetKind::Combo(_) if asked => &["control_after_generate", "control_filter_list"],
        _ => &[],
    }
}

/// What a new node's widget holds.
fn default_of(input: &InputDefinition<'_>, kind: WidgetKind<'_>) -> Value {
    if let Some(default) = input.default() {
        return default.clone();
    }
    match kind {
        WidgetKind::Int | WidgetKind::Float => Value::from(0_u64),
        WidgetKind::Text | WidgetKind::Other => Value::from(""),
        WidgetKind::Toggle => Value::Bool(false),
        WidgetKind::Combo(combo) => combo.options().first().cloned().unwrap_or_default(),
        WidgetKind::DynamicCombo(combo) => combo.options().next().map(DynamicOption::key).into(),
        WidgetKind::Compare => Value::from(vec!["", ""]),
        WidgetKind::Curve => Value::Null,
    }
}

/// What the editor makes of a value when it opens a file: a combo without one takes the first choice, and
/// what stands in a field of several lines is text.
fn as_loaded(input: &InputDefinition<'_>, kind: WidgetKind<'_>, value: Value) -> Value {
    match kind {
        WidgetKind::Text if input.is_multiline() => as_text(value),
        // What was compared is of the last run.
        WidgetKind::Compare => default_of(input, kind),
        WidgetKind::Combo(combo) if value.is_null() => combo.options().first().cloned().unwrap_or_default(),
        _ => value,
    }
}

/// A value as a text field shows it.
fn as_text(value: Value) -> Value {
    match value {
        Value::Null => Value::from(""),
        Value::Number(_) | Value::Bool(_) => Value::from(value.to_json()),
        _ => value,
    }
}
