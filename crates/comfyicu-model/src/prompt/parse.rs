//! Reading what must be a prompt, and naming what is not one.

#[cfg(test)]
pub(super) mod tests;

use super::wrapper::{self, Found, Wrapper};
use super::{Prompt, doubled};
use crate::json::{self, JsonError, JsonPath, Kind, Limits, Lines, Object, Position, Value};

/// Why a file is not a prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParsePromptError {
    /// The file is not JSON. The source names the place.
    #[error("the prompt is not valid JSON")]
    Json(#[source] JsonError),
    /// The file is what the editor saves, not what the API runs.
    #[error(
        "{} the editor's own file, and not a prompt: export it in ComfyUI with Workflow → Export (API)",
        ui_workflow(path)
    )]
    UiWorkflow {
        /// Where in the document the UI workflow is.
        path: JsonPath,
    },
    /// The document holds a prompt, and is not one itself. [`Prompt::read`] takes it out.
    #[error("this is not a prompt, but holds one at {wrapper}: `Prompt::read` takes it from there")]
    Wrapped {
        /// Where it is.
        wrapper: Wrapper,
    },
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
    #[error("the node id `{id}` stands twice{}: give one of the two nodes another id", both(places.as_deref()))]
    DoubledNode {
        /// The id.
        id: String,
        /// Where it stands, first and again; `None` for a prompt inside a JSON string.
        places: Option<Box<[Position; 2]>>,
    },
}

fn ui_workflow(path: &JsonPath) -> String {
    if path.is_root() { "this is a UI workflow,".to_owned() } else { format!("`{path}` is a UI workflow,") }
}

fn both(places: Option<&[Position; 2]>) -> String {
    places.map_or_else(String::new, |[first, again]| format!(", at {first} and {again}"))
}

impl Prompt {
    /// Reads a prompt that stands alone. What else a file may hold around it is refused by name;
    /// [`read`](Self::read) takes the prompt out of it.
    ///
    /// # Errors
    /// When the bytes are not JSON, or not a prompt; see [`ParsePromptError`].
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let error = Prompt::parse(br#"{"prompt": {"9": {"class_type": "SaveImage"}}}"#).unwrap_err();
    /// assert!(error.to_string().contains("holds one at `prompt`"));
    /// ```
    pub fn parse(json: &[u8]) -> Result<Self, ParsePromptError> {
        let document = json::read_document(json, Limits::default()).map_err(ParsePromptError::Json)?;
        let prompt = Self::from_value(document.value)?;
        if document.has_doubled_keys {
            doubled::refuse_doubled_nodes(json, &JsonPath::default(), &prompt.0, Some(&Lines::of(json)))?;
        }
        Ok(prompt)
    }

    /// Takes JSON data as a prompt.
    ///
    /// # Errors
    /// When the data is not a prompt; see [`ParsePromptError`].
    pub fn from_value(value: Value) -> Result<Self, ParsePromptError> {
        match (wrapper::find(&value, Limits::default()), value) {
            (Found::Direct, Value::Object(object)) => Ok(Self(object)),
            (Found::Wrapped(path), _) => Err(ParsePromptError::Wrapped { wrapper: Wrapper::at(path) }),
            (Found::InString(inside), _) => Err(ParsePromptError::Wrapped { wrapper: inside.wrapper }),
            (Found::UiWorkflow(path), _) => Err(ParsePromptError::UiWorkflow { path }),
            (_, value) => Err(no_prompt(&value)),
        }
    }
}

/// The error for a document in which there is neither a prompt nor a UI workflow.
pub(super) fn no_prompt(value: &Value) -> ParsePromptError {
    match value {
        Value::Object(_) => ParsePromptError::NoNodes,
        _ => ParsePromptError::NotAnObject { found: value.kind() },
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
        Self::from_value(object.into())
    }
}
