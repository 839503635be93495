//! Reading prompts, and naming what is not one.

use super::Prompt;
use crate::json::{self, JsonError, Kind, Limits, Object, Value};
use crate::ui_workflow;

/// Why a file is not a prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParsePromptError {
    /// The file is not JSON. The source names the place.
    #[error("the prompt is not valid JSON")]
    Json(#[source] JsonError),
    /// The file is what the editor saves, not what the API runs.
    #[error(
        "this is a UI workflow, the editor's own file, and not a prompt: export it in ComfyUI with \
         Workflow → Export (API)"
    )]
    UiWorkflow,
    /// The document is not an object.
    #[error("a prompt is an object of node id → node, but this is {found}")]
    NotAnObject {
        /// What it is.
        found: Kind,
    },
    /// No entry of the object is a node.
    #[error("no entry is a node: a node is an object with `class_type` and `inputs`")]
    NoNodes,
    /// Two nodes have one id, so that one of them would be lost.
    #[error("the node id `{id}` stands twice: give one of the two nodes another id")]
    DoubledNode {
        /// The id.
        id: String,
    },
}

impl Prompt {
    /// Reads a prompt.
    ///
    /// # Errors
    /// When the bytes are not JSON, or not a prompt; see [`ParsePromptError`].
    pub fn parse(json: &[u8]) -> Result<Self, ParsePromptError> {
        let document = json::read_document(json, Limits::default()).map_err(ParsePromptError::Json)?;
        let prompt = Self::from_value(document.value)?;
        match document.doubled.iter().find(|path| path.depth() == 1) {
            Some(path) => Err(ParsePromptError::DoubledNode { id: path.to_string() }),
            None => Ok(prompt),
        }
    }

    /// Takes JSON data as a prompt.
    ///
    /// # Errors
    /// When the data is not a prompt; see [`ParsePromptError`].
    pub fn from_value(value: Value) -> Result<Self, ParsePromptError> {
        let Value::Object(object) = value else {
            return Err(ParsePromptError::NotAnObject { found: value.kind() });
        };
        Self::try_from(object)
    }
}

impl Prompt {
    /// Takes nodes that were put together here: there may be none.
    pub(crate) const fn of_nodes(nodes: Object) -> Self {
        Self(nodes)
    }
}

impl TryFrom<Object> for Prompt {
    type Error = ParsePromptError;

    fn try_from(object: Object) -> Result<Self, Self::Error> {
        if ui_workflow::is_ui_workflow(&object) {
            return Err(ParsePromptError::UiWorkflow);
        }
        let prompt = Self(object);
        if prompt.nodes().next().is_none() {
            return Err(ParsePromptError::NoNodes);
        }
        Ok(prompt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> ParsePromptError {
        Prompt::parse(json.as_bytes()).expect_err("must be refused")
    }

    #[test]
    fn everything_comes_back_as_it_was() {
        let json = r#"{"12:3":{"class_type":"KSampler","inputs":{"seed":18446744073709551616,"cfg":8.0,"model":["4",0]},"_meta":{"title":"é"},"is_changed":[NaN]},"version":"1.2"}"#;
        let prompt = Prompt::parse(json.as_bytes()).unwrap();
        assert_eq!(prompt.to_json(), json);
        assert_eq!(prompt.nodes().count(), 1, "`version` is kept, but is no node");
        assert_eq!(prompt.node("12:3").and_then(|node| node.title()), Some("é"));
    }

    #[test]
    fn what_is_not_a_prompt_is_named() {
        insta::assert_snapshot!(error("[1]"), @"a prompt is an object of node id → node, but this is an array");
        insta::assert_snapshot!(error("{}"), @"no entry is a node: a node is an object with `class_type` and `inputs`");
        insta::assert_snapshot!(error(r#"{"nodes": [], "links": [], "version": 0.4}"#), @"this is a UI workflow, the editor's own file, and not a prompt: export it in ComfyUI with Workflow → Export (API)");
        assert!(matches!(error("{"), ParsePromptError::Json(_)));
    }

    #[test]
    fn a_doubled_node_is_never_dropped_silently() {
        let doubled = r#"{"1": {"class_type": "A", "inputs": {}}, "1": {"class_type": "B", "inputs": {}}}"#;
        insta::assert_snapshot!(error(doubled), @"the node id `1` stands twice: give one of the two nodes another id");
        assert!(Prompt::parse(br#"{"1": {"class_type": "A", "inputs": {"x": 1, "x": 2}}}"#).is_ok());
    }
}
