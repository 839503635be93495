//! What ComfyUI would say to a prompt: accepted, and with which outputs, or refused, and why.

mod walk;

use super::input::Rules;
use super::placed_files::PlacedFiles;
use crate::files::DestPath;
use crate::ids::NodeId;
use crate::json::{Object, Value};
use crate::object_info::{NodeDefinition, ObjectInfo};
use crate::prompt::Prompt;
use walk::Walk;

/// ComfyUI's verdict on a prompt.
///
/// ComfyUI looks at each output node, and at what it needs. It accepts the prompt when one output is good,
/// and then runs the good ones alone; of the others it says what is wrong. What no output needs it does not
/// look at, apart from the classes, which must all be known.
///
/// [`Prompt::check_with`] says more: all that is wrong, with advice. The verdict is what a submission meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    outputs: Vec<NodeId>,
    error: Option<VerdictError>,
    node_errors: Vec<NodeErrors>,
}

/// Why a prompt is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerdictError {
    /// What ComfyUI calls it: `prompt_no_outputs`, `missing_node_type`, `prompt_outputs_failed_validation`;
    /// versions 0.3 say `invalid_prompt` of a missing class. `internal_server_error` where its check itself
    /// fails, and it answers with status 500.
    pub code: &'static str,
    /// What ComfyUI says.
    pub message: String,
    /// What it adds, such as `Node ID '#8'`.
    pub details: String,
    /// The node that it is about, where it is about one.
    pub node_id: Option<NodeId>,
}

/// What is wrong with one node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeErrors {
    /// The node.
    pub node_id: NodeId,
    /// Its class.
    pub class_type: String,
    /// What is wrong with it, in the order of its definition; ComfyUI's own order is by chance.
    pub errors: Vec<NodeError>,
    /// The outputs that do not run because of it. ComfyUI names, by chance, some more that fail, too.
    pub dependent_outputs: Vec<NodeId>,
}

/// One thing that is wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeError {
    /// What ComfyUI calls it, such as `value_not_in_list`.
    pub code: &'static str,
    /// What ComfyUI says.
    pub message: String,
    /// The input that it is about. For `exception_during_inner_validation` it is the one that led to the
    /// node, and one of another node.
    pub input: Option<String>,
}

impl Verdict {
    /// Whether the prompt is accepted: at least one of its outputs runs.
    pub const fn is_accepted(&self) -> bool {
        self.error.is_none()
    }

    /// The status of ComfyUI's answer: 200, 400, or 500 where its check itself fails.
    pub fn status(&self) -> u16 {
        match &self.error {
            None => 200,
            Some(error) if error.code == CRASH => 500,
            Some(_) => 400,
        }
    }

    /// The output nodes that run, in the order of the prompt.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    /// Why the prompt is refused.
    pub const fn error(&self) -> Option<&VerdictError> {
        self.error.as_ref()
    }

    /// What is wrong with the nodes, in the order of the prompt: of a refused prompt, or of the outputs of an
    /// accepted one that do not run.
    pub fn node_errors(&self) -> &[NodeErrors] {
        &self.node_errors
    }

    /// Writes the verdict as ComfyUI answers it: `error` where it refuses, and `node_errors`.
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        if let Some(error) = &self.error {
            let mut written = Object::new();
            written.insert("type", error.code);
            written.insert("message", error.message.as_str());
            written.insert("details", error.details.as_str());
            written.insert("extra_info", Object::new());
            object.insert("error", written);
        }
        let nodes = self.node_errors.iter().map(|node| (node.node_id.as_str(), node.to_object()));
        object.insert("node_errors", nodes.collect::<Object>());
        object
    }

    fn refused(code: &'static str, message: String, node_id: Option<&str>) -> Self {
        let details = node_id.map(|id| format!("Node ID '#{id}'")).unwrap_or_default();
        let error = VerdictError { code, message, details, node_id: node_id.map(NodeId::from) };
        Self { outputs: Vec::new(), error: Some(error), node_errors: Vec::new() }
    }
}

impl NodeErrors {
    fn to_object(&self) -> Object {
        let ids = self.dependent_outputs.iter().map(NodeId::as_str);
        let mut object = Object::new();
        object.insert("errors", self.errors.iter().map(NodeError::to_object).collect::<Vec<_>>());
        object.insert("dependent_outputs", ids.collect::<Vec<_>>());
        object.insert("class_type", self.class_type.as_str());
        object
    }
}

impl NodeError {
    fn to_object(&self) -> Object {
        let mut extra = Object::new();
        extra.insert("input_name", self.input.as_deref());
        let mut object = Object::new();
        object.insert("type", self.code);
        object.insert("message", self.message.as_str());
        object.insert("details", self.input.as_deref().unwrap_or_default());
        object.insert("extra_info", extra);
        object
    }
}

/// The code for what is no error of ComfyUI's, but a failure of its check.
const CRASH: &str = "internal_server_error";

impl Prompt {
    /// What ComfyUI would say to this prompt, where these are its node definitions and the files that they
    /// list are all it has.
    ///
    /// ```
    /// use comfyicu_model::{ObjectInfo, Prompt};
    ///
    /// let object_info = ObjectInfo::parse(br#"{
    ///     "EmptyImage": {"input": {"required": {"width": ["INT", {"min": 1, "max": 16384}]}}, "output": ["IMAGE"]},
    ///     "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": true}
    /// }"#)?;
    /// let prompt = Prompt::parse(br#"{
    ///     "1": {"class_type": "EmptyImage", "inputs": {"width": 0}},
    ///     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
    /// }"#)?;
    /// let verdict = prompt.verdict(&object_info);
    /// assert_eq!(verdict.error().map(|error| error.code), Some("prompt_outputs_failed_validation"));
    /// assert_eq!(verdict.node_errors()[0].errors[0].code, "value_smaller_than_min");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verdict(&self, object_info: &ObjectInfo) -> Verdict {
        judge(self, object_info, &PlacedFiles::default())
    }

    /// As [`verdict`](Self::verdict), with these files in place, too: `/input/photo.png` for a `LoadImage`,
    /// `/models/loras/x.safetensors` for a `LoraLoader`.
    pub fn verdict_with_files(&self, object_info: &ObjectInfo, files: &[&DestPath]) -> Verdict {
        judge(self, object_info, &PlacedFiles::of(files.iter().copied()))
    }
}

fn judge(prompt: &Prompt, object_info: &ObjectInfo, files: &PlacedFiles<'_>) -> Verdict {
    let entries = prompt.as_object();
    let dialect = Dialect::of(object_info);
    let mut outputs = Vec::new();
    for (id, entry) in entries.iter() {
        match class_of(id, entry, object_info, dialect) {
            Ok(definition) if definition.is_output() => outputs.push(id),
            Ok(_) => {}
            Err(refused) => return *refused,
        }
    }
    if outputs.is_empty() {
        return Verdict::refused("prompt_no_outputs", "Prompt has no outputs".to_owned(), None);
    }
    let mut walk = Walk::new(Rules { entries, object_info, files }, dialect);
    let (good, failed): (Vec<_>, Vec<_>) = outputs.into_iter().partition(|output| walk.is_valid(output));
    let node_errors = walk.into_node_errors(prompt, &failed);
    let error = good.is_empty().then(|| VerdictError {
        code: "prompt_outputs_failed_validation",
        message: "Prompt outputs failed validation".to_owned(),
        details: String::new(),
        node_id: None,
    });
    Verdict { outputs: good.into_iter().map(NodeId::from).collect(), error, node_errors }
}

/// How ComfyUI's versions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Versions 0.3: `invalid_prompt` for a missing class, no word about a cycle.
    Old,
    /// Later ones.
    Current,
}

impl Dialect {
    /// Tells by a key that the definitions of later versions all have.
    fn of(object_info: &ObjectInfo) -> Self {
        let has_key = |node: NodeDefinition<'_>| node.as_object().contains_key("is_input_list");
        match object_info.definitions().next() {
            Some(node) if !has_key(node) && node.as_object().contains_key("python_module") => Self::Old,
            _ => Self::Current,
        }
    }
}

/// The class of an entry, or what ComfyUI says to one that has none.
fn class_of<'a>(
    id: &str,
    entry: &Value,
    object_info: &'a ObjectInfo,
    dialect: Dialect,
) -> Result<NodeDefinition<'a>, Box<Verdict>> {
    let crash = || {
        let message = "ComfyUI's check fails: the entry is no node".to_owned();
        Box::new(Verdict::refused(CRASH, message, Some(id)))
    };
    let object = entry.as_object().ok_or_else(crash)?;
    let class_type = match object.get("class_type") {
        // Python looks nothing up by a list or a dictionary.
        Some(Value::Array(_) | Value::Object(_)) => return Err(crash()),
        class_type => class_type.and_then(Value::as_str),
    };
    if let Some(definition) = class_type.and_then(|class_type| object_info.definition(class_type)) {
        return Ok(definition);
    }
    let title = object.get("_meta").and_then(Value::as_object).and_then(|meta| meta.get_str("title"));
    Err(Box::new(missing_class(id, class_type, title, dialect)))
}

fn missing_class(id: &str, class_type: Option<&str>, title: Option<&str>, dialect: Dialect) -> Verdict {
    let (code, message) = match (dialect, class_type) {
        (Dialect::Old, None) => {
            ("invalid_prompt", "Cannot execute because a node is missing the class_type property.".to_owned())
        }
        (Dialect::Old, Some(class_type)) => {
            ("invalid_prompt", format!("Cannot execute because node {class_type} does not exist."))
        }
        (Dialect::Current, class_type) => {
            let name = title.or(class_type).map_or_else(|| format!("ID #{id}"), str::to_owned);
            let reason = match class_type {
                None => "has no class_type. The workflow may be corrupted or a custom node is missing.",
                Some(_) => "not found. The custom node may not be installed.",
            };
            ("missing_node_type", format!("Node '{name}' {reason}"))
        }
    };
    Verdict::refused(code, message, Some(id))
}

#[cfg(test)]
mod tests;
