//! UI workflows: the editor's own file, and the way from it to a prompt.

mod assemble;
mod doubt;
mod error;
mod everywhere;
mod from_prompt;
mod frontend_only;
mod graph;
mod group;
mod layout;
mod limits;
mod load;
mod options;
mod promoted;
mod record;
mod renumber;
mod resolve;
mod scope;
mod text;
mod unknown_class;
mod view;
mod widgets;

pub use error::{ConvertError, ParseUiWorkflowError};
pub use options::{ConvertOptions, LocalTime};

use crate::finding::Finding;
use crate::json::{self, Limits, Object, Value};
use crate::object_info::ObjectInfo;
use crate::prompt::Prompt;

/// Whether a document is a UI workflow: it lists its nodes, where a prompt has them by id.
pub(crate) fn is_ui_workflow(object: &Object) -> bool {
    let is_list = |key| object.get(key).is_some_and(|value| value.as_array().is_some());
    is_list("nodes")
        && (is_list("links") || object.contains_key("last_node_id") || object.contains_key("version"))
}

/// A UI workflow, kept exactly as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UiWorkflow(Object);

/// A prompt, and what could not be known when it was made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Conversion {
    /// The prompt. It has no nodes where nothing in the workflow runs, because all is bypassed, say.
    pub prompt: Prompt,
    /// What could not be known, as warnings: `unknown_class`, `unknown_widgets`, `unknown_choice`, `lost_link`,
    /// `ambiguous_broadcast`, `missing_set_node`, `kept_text`, `prompt_no_nodes`. Each names its node.
    pub findings: Vec<Finding>,
}

impl UiWorkflow {
    /// Reads a UI workflow.
    ///
    /// # Errors
    /// When the bytes are not JSON, or not a UI workflow.
    pub fn parse(json: &[u8]) -> Result<Self, ParseUiWorkflowError> {
        let value = json::read(json, Limits::default()).map_err(ParseUiWorkflowError::Json)?;
        let Value::Object(object) = value else {
            return Err(ParseUiWorkflowError::NotAnObject { found: value.kind() });
        };
        Self::try_from(object)
    }

    /// The whole workflow as it was read.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }

    /// Gives the workflow back as JSON data.
    pub fn into_object(self) -> Object {
        self.0
    }

    /// Writes the workflow as JSON on one line.
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_json()
    }

    /// Writes the workflow as JSON for people to read.
    pub fn to_json_pretty(&self) -> String {
        Value::Object(self.0.clone()).to_json_pretty()
    }

    /// Converts it to the prompt that the editor would send.
    ///
    /// The definitions should be those of the server that the prompt is for: they say which inputs a node has,
    /// and what they hold where the file is older than they are. A node of a class that they lack is converted
    /// from what the file says, and a finding tells what that leaves open.
    ///
    /// ```
    /// use comfyicu_model::{ConvertOptions, ObjectInfo, UiWorkflow};
    ///
    /// let object_info = ObjectInfo::parse(br#"{"EmptyImage": {
    ///     "input": {"required": {"width": ["INT", {"default": 512}], "color": ["INT", {"default": 0}]}},
    ///     "output": ["IMAGE"]
    /// }}"#)?;
    /// let workflow = UiWorkflow::parse(br#"{"version": 0.4, "links": [], "nodes": [
    ///     {"id": 1, "type": "EmptyImage", "widgets_values": [64]}
    /// ]}"#)?;
    /// let conversion = workflow.to_prompt(&object_info, &ConvertOptions::default())?;
    /// let node = conversion.prompt.node("1").expect("it is there");
    /// assert_eq!(node.literal("width"), Some(&64_u64.into()));
    /// assert_eq!(node.literal("color"), Some(&0_u64.into()));
    /// assert!(conversion.findings.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When links lead in a circle, a subgraph contains itself, or the workflow is beyond all bounds.
    pub fn to_prompt(
        &self,
        object_info: &ObjectInfo,
        options: &ConvertOptions,
    ) -> Result<Conversion, ConvertError> {
        let graphs = load::load(&self.0, object_info)?;
        let scopes = scope::Scopes::unfold(&self.0, graphs)?;
        assemble::assemble(&scopes, options)
    }
}

impl UiWorkflow {
    /// Makes a UI workflow of a prompt, so that the editor can open it: the nodes from left to right in the order
    /// in which they need each other. [`UiWorkflow::to_prompt`] gives the prompt back, equal in every value.
    ///
    /// What the editor's format has no place for, such as inputs that a class does not declare, is kept in
    /// properties that the editor leaves alone.
    ///
    /// ```
    /// use comfyicu_model::{ConvertOptions, ObjectInfo, Prompt, UiWorkflow};
    ///
    /// let object_info = ObjectInfo::default();
    /// let prompt = Prompt::parse(br#"{"7": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
    ///     "3": {"class_type": "EmptyImage", "inputs": {"width": 64}}}"#)?;
    /// let workflow = UiWorkflow::from_prompt(&prompt, &object_info)?;
    /// let back = workflow.to_prompt(&object_info, &ConvertOptions::default())?.prompt;
    /// assert_eq!(back, prompt);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the prompt is beyond all bounds.
    pub fn from_prompt(prompt: &Prompt, object_info: &ObjectInfo) -> Result<Self, ConvertError> {
        let mut workflow = Self(from_prompt::draw(prompt, object_info));
        let back = workflow.to_prompt(object_info, &ConvertOptions::default())?.prompt;
        record::keep(&mut workflow.0, prompt, &back);
        Ok(workflow)
    }
}

impl TryFrom<Object> for UiWorkflow {
    type Error = ParseUiWorkflowError;

    fn try_from(object: Object) -> Result<Self, Self::Error> {
        if is_ui_workflow(&object) { Ok(Self(object)) } else { Err(ParseUiWorkflowError::NotAWorkflow) }
    }
}

#[cfg(test)]
mod tests;
