//! Where in a document its prompt is: files in the wild wrap it in many ways.

use std::fmt;

use crate::json::{self, JsonPath, Limits, Object, Value};
use crate::ui_workflow::is_ui_workflow;

/// Where wrapped prompts are looked for, in this order.
const PLACES: [&[&str]; 8] = [
    // The body that creates a run, ComfyUI's own `/prompt`, a run.
    &["prompt"],
    &["workflow_api"],
    &["data", "prompt"],
    &["data", "workflow_api"],
    // What serverless workers take.
    &["input", "workflow"],
    &["input", "prompt"],
    // What the editor's own export function gives: the prompt and the UI workflow side by side.
    &["output"],
    &["workflow"],
];

/// How often a text in a string is read as JSON on the way to a prompt.
const STRINGS: usize = 2;

/// What was around a prompt in the document that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapper {
    path: JsonPath,
    in_string: bool,
}

impl Wrapper {
    /// A prompt that is an object at a path.
    pub(super) const fn at(path: JsonPath) -> Self {
        Self { path, in_string: false }
    }

    /// Where in the document the prompt is, such as `data.prompt`.
    pub const fn path(&self) -> &JsonPath {
        &self.path
    }

    /// Whether the prompt is JSON text inside a JSON string.
    pub const fn is_in_string(&self) -> bool {
        self.in_string
    }
}

/// `` `data.prompt` ``, or `` `prompt`, as JSON text in a string ``.
impl fmt::Display for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_root() {
            return f.write_str("the top level, as JSON text in a string");
        }
        write!(f, "`{}`", self.path)?;
        if self.in_string { f.write_str(", as JSON text in a string") } else { Ok(()) }
    }
}

/// What a document turned out to hold.
pub(super) enum Found {
    /// It is a prompt itself.
    Direct,
    /// A prompt is at a path of it.
    Wrapped(JsonPath),
    /// A prompt is in the text of a string of it.
    InString(Box<InString>),
    /// A UI workflow is at a path of it.
    UiWorkflow(JsonPath),
    /// Neither.
    Nothing,
}

/// A prompt in the text of a JSON string.
pub(super) struct InString {
    pub(super) wrapper: Wrapper,
    pub(super) prompt: Value,
    /// The text in the string, and where in it the prompt is.
    pub(super) text: String,
    pub(super) path_in_text: JsonPath,
    pub(super) has_doubled_keys: bool,
}

/// Looks for the prompt in a document.
pub(super) fn find(value: &Value, limits: Limits) -> Found {
    find_below(value, limits, STRINGS)
}

fn find_below(value: &Value, limits: Limits, strings_left: usize) -> Found {
    let object = match value {
        Value::Object(object) => object,
        Value::String(text) => return find_in_text(text, &JsonPath::default(), limits, strings_left),
        _ => return Found::Nothing,
    };
    if object.is_empty() || has_class_type(object) {
        return Found::Direct;
    }
    if is_ui_workflow(object) {
        return Found::UiWorkflow(JsonPath::default());
    }
    let found = PLACES.iter().map(|keys| find_at(value, keys, limits, strings_left));
    let found = found.reduce(Found::or).unwrap_or(Found::Nothing);
    if matches!(found, Found::Nothing) && has_inputs(object) { Found::Direct } else { found }
}

fn find_at(value: &Value, keys: &[&str], limits: Limits, strings_left: usize) -> Found {
    let path = JsonPath::of_keys(keys);
    match value.at(&path) {
        Some(Value::Object(object)) if has_class_type(object) => Found::Wrapped(path),
        Some(Value::Object(object)) if is_ui_workflow(object) => Found::UiWorkflow(path),
        Some(Value::String(text)) => find_in_text(text, &path, limits, strings_left),
        _ => Found::Nothing,
    }
}

fn find_in_text(text: &str, outer: &JsonPath, limits: Limits, strings_left: usize) -> Found {
    let (Some(strings_left), true) = (strings_left.checked_sub(1), text.trim_start().starts_with(['{', '"']))
    else {
        return Found::Nothing;
    };
    let Ok(document) = json::read_document(text.as_bytes(), limits) else { return Found::Nothing };
    let path = match find_below(&document.value, limits, strings_left) {
        Found::Direct => JsonPath::default(),
        Found::Wrapped(path) => path,
        Found::InString(mut inside) => {
            inside.wrapper.path = outer.join(&inside.wrapper.path);
            return Found::InString(inside);
        }
        Found::UiWorkflow(path) => return Found::UiWorkflow(outer.join(&path)),
        Found::Nothing => return Found::Nothing,
    };
    Found::InString(Box::new(InString {
        wrapper: Wrapper { path: outer.join(&path), in_string: true },
        prompt: document.value.into_at(&path).unwrap_or_default(),
        text: text.to_owned(),
        path_in_text: path,
        has_doubled_keys: document.has_doubled_keys,
    }))
}

impl Found {
    /// The first of two; but a prompt goes before a UI workflow.
    fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Nothing, _) | (Self::UiWorkflow(_), Self::Wrapped(_) | Self::InString(_)) => other,
            _ => self,
        }
    }
}

/// Whether an entry is a node beyond doubt.
fn has_class_type(object: &Object) -> bool {
    object
        .iter()
        .any(|(_, entry)| entry.as_object().is_some_and(|entry| entry.get_str("class_type").is_some()))
}

/// Whether an entry may be a node that lacks its class.
fn has_inputs(object: &Object) -> bool {
    object.iter().any(|(id, entry)| super::Node::of_entry(id, entry).is_some())
}
