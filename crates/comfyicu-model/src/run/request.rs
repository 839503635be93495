//! What is sent to create a run.

use serde::{Serialize, Serializer};
use url::Url;

use crate::accelerator::Accelerator;
use crate::files::{Files, InvalidFiles};
use crate::ids::{InvalidId, WorkflowId};
use crate::json::{self, JsonError, JsonPath, Limits, Lines, Object, Value};
use crate::prompt::{ParsePromptError, Prompt, refuse_doubled_nodes};

/// The body that creates a run (documented): the prompt, and what it needs.
///
/// ```
/// use comfyicu_model::{Accelerator, Prompt, RunRequest};
///
/// let prompt = Prompt::parse(br#"{"9": {"class_type": "SaveImage", "inputs": {}}}"#)?;
/// let request = RunRequest::new(prompt).accelerator(Accelerator::L4);
/// assert_eq!(request.to_json(), r#"{"prompt":{"9":{"class_type":"SaveImage","inputs":{}}},"accelerator":"L4"}"#);
/// # Ok::<(), comfyicu_model::ParsePromptError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    workflow_id: Option<WorkflowId>,
    prompt: Prompt,
    files: Files,
    webhook: Option<Url>,
    accelerator: Option<Accelerator>,
    extra_data: Option<Object>,
}

/// Why a body does not create a run. Each says which field it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRunRequest {
    /// The body is not JSON.
    #[error("the body is not valid JSON")]
    Json(#[source] JsonError),
    /// The body is not an object.
    #[error("the body must be an object with a `prompt`")]
    NotAnObject,
    /// There is no prompt.
    #[error("`prompt` is missing")]
    NoPrompt,
    /// The prompt is not one.
    #[error("`prompt` cannot be used")]
    Prompt(#[source] ParsePromptError),
    /// `NaN` or an infinity, which JSON cannot express.
    #[error("the body holds NaN or an infinity, which is not valid in JSON, at `{path}`")]
    NonFinite {
        /// Where the first one is.
        path: JsonPath,
    },
    /// The files cannot be used.
    #[error("`files` cannot be used")]
    Files(#[source] InvalidFiles),
    /// The workflow's id is not one.
    #[error("`workflow_id` is not an id")]
    WorkflowId(#[source] InvalidId),
    /// A field has another type than it must have.
    #[error("`{field}` must be {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

impl RunRequest {
    /// Makes a request of a prompt alone.
    pub fn new(prompt: Prompt) -> Self {
        let files = Files::new();
        Self { workflow_id: None, prompt, files, webhook: None, accelerator: None, extra_data: None }
    }

    /// Names the workflow in the body too; the URL names it in any case.
    #[must_use]
    pub fn workflow_id(mut self, workflow_id: WorkflowId) -> Self {
        self.workflow_id = Some(workflow_id);
        self
    }

    /// Sets the files that the run needs.
    #[must_use]
    pub fn files(mut self, files: Files) -> Self {
        self.files = files;
        self
    }

    /// Sets the URL that is notified when the run starts and ends.
    #[must_use]
    pub fn webhook(mut self, webhook: Url) -> Self {
        self.webhook = Some(webhook);
        self
    }

    /// Asks for an accelerator.
    #[must_use]
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.accelerator = Some(accelerator);
        self
    }

    /// Sets what ComfyUI calls extra data; `extra_pnginfo.workflow` in it goes into the images.
    #[must_use]
    pub fn extra_data(mut self, extra_data: Object) -> Self {
        self.extra_data = Some(extra_data);
        self
    }

    /// The workflow that the body names.
    pub const fn named_workflow(&self) -> Option<&WorkflowId> {
        self.workflow_id.as_ref()
    }

    /// The prompt.
    pub const fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// The files.
    pub const fn requested_files(&self) -> &Files {
        &self.files
    }

    /// The URL that is notified when the run starts and ends.
    pub const fn requested_webhook(&self) -> Option<&Url> {
        self.webhook.as_ref()
    }

    /// The accelerator that is asked for.
    pub const fn requested_accelerator(&self) -> Option<&Accelerator> {
        self.accelerator.as_ref()
    }

    /// What goes into the images beside the prompt: `extra_data.extra_pnginfo`.
    pub fn extra_pnginfo(&self) -> Option<&Object> {
        self.extra_data.as_ref()?.get("extra_pnginfo")?.as_object()
    }

    /// Reads a request, as a server receives it. Keys that this version does not know are passed over, and
    /// an empty `webhook` is none.
    ///
    /// # Errors
    /// When the body is not JSON, has no prompt, or a field is not what it must be.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidRunRequest> {
        Self::parse_with_body(json).map(|(request, _)| request)
    }

    /// Reads a request, and gives the body beside it as it was sent, for whoever has to give it back.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with_body(json: &[u8]) -> Result<(Self, Object), InvalidRunRequest> {
        let document = json::read_document(json, Limits::default()).map_err(InvalidRunRequest::Json)?;
        if let Some((path, _)) = document.value.non_finite().into_iter().next() {
            return Err(InvalidRunRequest::NonFinite { path });
        }
        let Value::Object(body) = document.value else { return Err(InvalidRunRequest::NotAnObject) };
        let request = Self::of_body(&body)?;
        if document.has_doubled_keys {
            let (path, lines) = (JsonPath::of_keys(&["prompt"]), Lines::of(json));
            refuse_doubled_nodes(json, &path, request.prompt.as_object(), Some(&lines))
                .map_err(InvalidRunRequest::Prompt)?;
        }
        Ok((request, body))
    }

    fn of_body(body: &Object) -> Result<Self, InvalidRunRequest> {
        let prompt = body.get("prompt").ok_or(InvalidRunRequest::NoPrompt)?;
        let workflow_id = text(body, "workflow_id")?.map(WorkflowId::parse).transpose();
        Ok(Self {
            workflow_id: workflow_id.map_err(InvalidRunRequest::WorkflowId)?,
            prompt: parse_prompt(prompt)?,
            files: Files::from_value(body.get("files").unwrap_or(&Value::Null))
                .map_err(InvalidRunRequest::Files)?,
            webhook: text(body, "webhook")?.map(parse_webhook).transpose()?,
            accelerator: text(body, "accelerator")?.map(Accelerator::from),
            extra_data: parse_extra_data(body.get("extra_data"))?,
        })
    }

    /// Writes the body; fields that were not set are left out.
    pub fn to_object(&self) -> Object {
        let mut body = Object::new();
        if let Some(workflow_id) = &self.workflow_id {
            body.insert("workflow_id", workflow_id.as_str());
        }
        body.insert("prompt", self.prompt.as_object().clone());
        if !self.files.is_empty() {
            body.insert("files", self.files.to_object());
        }
        if let Some(webhook) = &self.webhook {
            body.insert("webhook", webhook.as_str());
        }
        if let Some(accelerator) = &self.accelerator {
            body.insert("accelerator", accelerator.as_str());
        }
        if let Some(extra_data) = &self.extra_data {
            body.insert("extra_data", extra_data.clone());
        }
        body
    }

    /// Writes the body as JSON.
    pub fn to_json(&self) -> String {
        Value::Object(self.to_object()).to_json()
    }
}

/// A prompt without nodes is one, but there is nothing in it to run.
fn parse_prompt(value: &Value) -> Result<Prompt, InvalidRunRequest> {
    let prompt = Prompt::from_value(value.clone()).map_err(InvalidRunRequest::Prompt)?;
    let is_empty = prompt.nodes().next().is_none();
    if is_empty { Err(InvalidRunRequest::Prompt(ParsePromptError::NoNodes)) } else { Ok(prompt) }
}

/// The text of a field; absent, null and empty are all none.
fn text<'a>(body: &'a Object, field: &'static str) -> Result<Option<&'a str>, InvalidRunRequest> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then_some(text)),
        Some(_) => Err(InvalidRunRequest::Field { field, expected: "a string" }),
    }
}

fn parse_webhook(text: &str) -> Result<Url, InvalidRunRequest> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or(InvalidRunRequest::Field { field: "webhook", expected: "an http or https URL" })
}

fn parse_extra_data(value: Option<&Value>) -> Result<Option<Object>, InvalidRunRequest> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object.clone())),
        Some(_) => Err(InvalidRunRequest::Field { field: "extra_data", expected: "an object" }),
    }
}

impl Serialize for RunRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_object().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = r#"{"9":{"class_type":"SaveImage","inputs":{"seed":18446744073709551616}}}"#;

    fn error(body: &str) -> String {
        let error =
            RunRequest::parse(body.replace("PROMPT", PROMPT).as_bytes()).expect_err("must be refused");
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        format!("{error}{}", source.unwrap_or_default())
    }

    #[test]
    fn a_request_reads_back_as_it_was_written() {
        let body = format!(
            r#"{{"workflow_id":"w","prompt":{PROMPT},"files":{{"/input/a.png":"https://example.com/a.png"}},"webhook":"https://example.com/hook","accelerator":"L40S","extra_data":{{"extra_pnginfo":{{"workflow":{{"version":0.4}}}}}}}}"#
        );
        let request = RunRequest::parse(body.as_bytes()).unwrap();
        assert_eq!(request.to_json(), body);
        assert!(request.extra_pnginfo().is_some_and(|info| info.contains_key("workflow")));
    }

    #[test]
    fn null_and_empty_fields_are_none() {
        let body = r#"{"prompt": PROMPT, "files": null, "webhook": "", "accelerator": null, "unknown": 1}"#;
        let request = RunRequest::parse(body.replace("PROMPT", PROMPT).as_bytes()).unwrap();
        assert_eq!(request, RunRequest::new(Prompt::parse(PROMPT.as_bytes()).unwrap()));
    }

    #[test]
    fn each_error_names_its_field() {
        insta::assert_snapshot!(error("{"), @"the body is not valid JSON: the text ends inside an object: expected a key, `,` or `}` at line 1, column 2, in the top level");
        insta::assert_snapshot!(error("[]"), @"the body must be an object with a `prompt`");
        insta::assert_snapshot!(error("{}"), @"`prompt` is missing");
        insta::assert_snapshot!(error(r#"{"prompt": {}}"#), @"`prompt` cannot be used: no entry is a node: a node is an object with `class_type` and `inputs`");
        insta::assert_snapshot!(error(r#"{"prompt": {"1": {"class_type": "A", "inputs": {"x": NaN}}}}"#), @"the body holds NaN or an infinity, which is not valid in JSON, at `prompt.1.inputs.x`");
        insta::assert_snapshot!(error(r#"{"prompt": {"1": {"class_type": "A"}, "1": {"class_type": "B"}}}"#), @"`prompt` cannot be used: the node id `1` stands twice, at 1:13 and 1:39: give one of the two nodes another id");
        insta::assert_snapshot!(error(r#"{"prompt": PROMPT, "files": {"/input/../a": "http://x"}}"#), @"`files` cannot be used: `/input/../a` cannot be a destination: `.`, `..` and empty parts are not allowed");
        insta::assert_snapshot!(error(r#"{"prompt": PROMPT, "webhook": "file:///etc/passwd"}"#), @"`webhook` must be an http or https URL");
        insta::assert_snapshot!(error(r#"{"prompt": PROMPT, "accelerator": 1}"#), @"`accelerator` must be a string");
        insta::assert_snapshot!(error(r#"{"prompt": PROMPT, "workflow_id": "a/b"}"#), @r#"`workflow_id` is not an id: "a/b" is not a workflow id: it has 1 to 64 of the characters A-Z, a-z, 0-9, `_` and `-`"#);
    }
}
