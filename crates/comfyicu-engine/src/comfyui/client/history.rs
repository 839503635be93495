//! `/history`: how a prompt ended, and what it saved. It lives in ComfyUI's memory: a restart empties it.

use comfyicu_model::NodeId;
use comfyicu_model::json::{Object, Value};

use super::super::{ComfyError, limit};
use super::{ComfyClient, object, texts};

/// What is known of a prompt that has ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// What the nodes showed and saved, in the order in which they ended. After a failure there may be some.
    pub outputs: Vec<NodeOutput>,
    /// How it ended.
    pub ending: Ending,
}

/// What one node showed and saved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeOutput {
    /// The node. Nodes that expanded have ids such as `7.0.0.3`.
    pub node_id: NodeId,
    /// What it gave to the editor: lists of files under `images`, `audio`, `gifs`, of texts under `text`, …
    pub ui: Object,
}

/// How a prompt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// To its end. Nodes behind an execution blocker may have been left out.
    Success,
    /// A node failed.
    Failed(Box<Failure>),
    /// Somebody interrupted it.
    Interrupted(Interruption),
}

/// The failure of a node, as ComfyUI tells it; each text is bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The node.
    pub node_id: NodeId,
    /// Its class.
    pub node_type: String,
    /// The kind of exception, such as `RuntimeError` or `torch.OutOfMemoryError`.
    pub exception_type: String,
    /// What it says.
    pub message: String,
    /// The traceback.
    pub traceback: Vec<String>,
    /// The nodes that had ended before.
    pub executed: Vec<String>,
}

/// Where a prompt was interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interruption {
    /// The node before which it stopped, or in which.
    pub node_id: Option<NodeId>,
    /// Its class.
    pub node_type: Option<String>,
}

impl Failure {
    pub(in crate::comfyui) fn parse(data: &Object) -> Self {
        let text = |key: &str, chars| limit::excerpt(data.get_str(key).unwrap_or_default(), chars);
        let line = |line: &String| limit::excerpt(line, limit::TRACEBACK_LINE_CHARS);
        let traceback = texts(data.get("traceback"));
        Self {
            node_id: text("node_id", limit::QUOTED_CHARS).into(),
            node_type: text("node_type", limit::QUOTED_CHARS),
            exception_type: text("exception_type", limit::QUOTED_CHARS),
            message: text("exception_message", limit::FAILURE_CHARS).trim_end().to_owned(),
            // The last lines say where it was raised.
            traceback: traceback.iter().rev().take(limit::TRACEBACK_LINES).rev().map(line).collect(),
            executed: texts(data.get("executed")),
        }
    }
}

impl Interruption {
    pub(in crate::comfyui) fn parse(data: &Object) -> Self {
        let text = |key| data.get_str(key).map(|text| limit::excerpt(text, limit::QUOTED_CHARS));
        Self { node_id: text("node_id").map(NodeId::from), node_type: text("node_type") }
    }
}

impl HistoryEntry {
    fn parse(entry: &Object) -> Self {
        let outputs = entry.get("outputs").and_then(Value::as_object);
        let outputs = outputs.into_iter().flat_map(Object::iter);
        let output =
            |(id, ui): (&str, &Value)| Some(NodeOutput { node_id: id.into(), ui: ui.as_object()?.clone() });
        let status = entry.get("status").and_then(Value::as_object);
        Self { outputs: outputs.filter_map(output).collect(), ending: Ending::parse(status) }
    }
}

impl Ending {
    /// The messages have the truth, and `status_str` has not: a cycle that is found while it runs is an
    /// `execution_error` and yet a `success`, and an interrupted prompt is an `error`.
    fn parse(status: Option<&Object>) -> Self {
        let messages = status.and_then(|status| status.get("messages")).and_then(Value::as_array);
        let message = |message: &Value| {
            let message = message.as_array()?;
            let (name, data) = (message.first()?.as_str()?, message.get(1)?.as_object()?);
            match name {
                "execution_error" => Some(Self::Failed(Box::new(Failure::parse(data)))),
                "execution_interrupted" => Some(Self::Interrupted(Interruption::parse(data))),
                _ => None,
            }
        };
        if let Some(ending) = messages.unwrap_or_default().iter().rev().find_map(message) {
            return ending;
        }
        match status.and_then(|status| status.get_str("status_str")) {
            Some("error") => Self::Failed(Box::new(Failure {
                message: "the prompt failed, and ComfyUI does not say why".to_owned(),
                ..Failure::parse(&Object::new())
            })),
            _ => Self::Success,
        }
    }
}

impl ComfyClient {
    /// What is known of a prompt that has ended; `None` while it has not, and when ComfyUI does not know it.
    ///
    /// The message `execution_success` comes before the history has the entry.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn history(&self, prompt_id: &str) -> Result<Option<HistoryEntry>, ComfyError> {
        const CALL: &str = "GET /history/{prompt_id}";
        let history = object(CALL, self.get(CALL, &["history", prompt_id], &[]).await?)?;
        let entry = history.get(prompt_id).and_then(Value::as_object);
        Ok(entry.map(HistoryEntry::parse))
    }

    /// Takes a prompt out of the history.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn delete_history(&self, prompt_id: &str) -> Result<(), ComfyError> {
        const CALL: &str = "POST /history";
        let body = Object::from_iter([("delete", vec![prompt_id])]);
        self.post(CALL, &["history"], body).await?.good(CALL).map(drop)
    }
}
