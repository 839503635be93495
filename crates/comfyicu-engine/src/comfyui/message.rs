//! What comes over ComfyUI's WebSocket, text and binary. What is not understood is no error: versions and
//! extensions send more than is listed here.

use bytes::{Buf as _, Bytes};
use comfyicu_model::NodeId;
use comfyicu_model::json::{Number, Object, Value, read};

use super::client::{Failure, Interruption};
use super::limit;

/// A message, and the prompt that it is about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SocketMessage {
    /// The prompt; `None` where the message does not say, as the first `executing` after a reconnect and old
    /// previews. Messages about other people's prompts come too: look at this always.
    pub prompt_id: Option<String>,
    /// What happened.
    pub event: SocketEvent,
}

/// What happened, as ComfyUI tells it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SocketEvent {
    /// So many prompts wait or run, everybody's.
    Status {
        /// How many.
        queue_remaining: u64,
    },
    /// The prompt begins.
    Started,
    /// These nodes do not run: earlier results are used.
    Cached {
        /// The nodes.
        nodes: Vec<NodeId>,
    },
    /// A node begins. It can be said twice.
    Executing {
        /// The node; it may be one of an expansion, such as `7.0.0.3`.
        node: NodeId,
        /// The node of the prompt that it belongs to.
        display_node: Option<NodeId>,
    },
    /// The prompt is over, and its history is there.
    Ended,
    /// A node goes on.
    Progress {
        /// The node.
        node: Option<NodeId>,
        /// How much is done; it can skip, and be a fraction.
        value: f64,
        /// How much there is.
        max: f64,
    },
    /// How far each node is that has begun.
    ProgressState {
        /// The nodes.
        nodes: Vec<NodeProgress>,
    },
    /// A node showed or saved something. A cached one says so too, with the names of the earlier files.
    Executed {
        /// The node.
        node: NodeId,
        /// The node of the prompt that it belongs to.
        display_node: Option<NodeId>,
        /// What it gave to the editor.
        output: Object,
    },
    /// All nodes are done. The history comes a moment later.
    Succeeded,
    /// A node failed; or it was blocked, and the prompt goes on.
    Failed(Box<Failure>),
    /// Somebody interrupted the prompt.
    Interrupted(Interruption),
    /// How the image looks so far, or the image itself of a `SaveImageWebsocket`.
    Preview {
        /// The node, where it is told.
        node: Option<NodeId>,
        /// The node of the prompt that it belongs to.
        display_node: Option<NodeId>,
        /// `image/jpeg` or `image/png`.
        content_type: &'static str,
        /// The bytes of the image.
        image: Bytes,
    },
    /// A node shows a text.
    Text {
        /// The node.
        node: NodeId,
        /// The text.
        text: String,
    },
    /// Anything else.
    Other,
}

/// How far a node is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeProgress {
    /// The node of the prompt that it belongs to.
    pub display_node: NodeId,
    /// The node itself.
    pub node: NodeId,
    /// How much is done.
    pub value: f64,
    /// How much there is.
    pub max: f64,
    /// Whether it is at its end.
    pub is_finished: bool,
}

impl SocketMessage {
    /// Reads a text message; `None` when it is none of ComfyUI's.
    pub fn parse_text(text: &str) -> Option<Self> {
        let Ok(Value::Object(message)) = read(text.as_bytes(), limit::json(limit::MESSAGE_BYTES)) else {
            return None;
        };
        let nothing = Object::new();
        let data = message.get("data").and_then(Value::as_object).unwrap_or(&nothing);
        let event = text_event(message.get_str("type")?, data).unwrap_or(SocketEvent::Other);
        Some(Self { prompt_id: data.get_str("prompt_id").map(str::to_owned), event })
    }

    /// Reads a binary message: a type in four bytes, big-endian, and what belongs to it; `None` when it is none
    /// of ComfyUI's.
    pub fn parse_binary(mut frame: Bytes) -> Option<Self> {
        let kind = frame.try_get_u32().ok()?;
        match kind {
            1 => Some(Self { prompt_id: None, event: preview(frame)? }),
            3 => {
                let node = take(&mut frame)?;
                let node = std::str::from_utf8(&node).ok()?.into();
                let text = String::from_utf8_lossy(&frame).into_owned();
                Some(Self { prompt_id: None, event: SocketEvent::Text { node, text } })
            }
            4 => preview_with_metadata(frame),
            _ => Some(Self { prompt_id: None, event: SocketEvent::Other }),
        }
    }
}

fn text_event(kind: &str, data: &Object) -> Option<SocketEvent> {
    let event = match kind {
        "status" => {
            let info = data.get("status")?.as_object()?.get("exec_info")?.as_object()?;
            SocketEvent::Status { queue_remaining: info.get("queue_remaining")?.as_number()?.as_u64()? }
        }
        "execution_start" => SocketEvent::Started,
        "execution_cached" => {
            let nodes = data.get("nodes").and_then(Value::as_array).unwrap_or_default();
            SocketEvent::Cached { nodes: nodes.iter().filter_map(Value::as_str).map(NodeId::from).collect() }
        }
        "executing" => match node(data, "node") {
            Some(node) => SocketEvent::Executing { node, display_node: self::node(data, "display_node") },
            None => SocketEvent::Ended,
        },
        "progress" => SocketEvent::Progress {
            node: node(data, "node"),
            value: number(data, "value")?,
            max: number(data, "max")?,
        },
        "progress_state" => {
            let nodes = data.get("nodes")?.as_object()?.iter();
            SocketEvent::ProgressState { nodes: nodes.filter_map(node_progress).collect() }
        }
        "executed" => SocketEvent::Executed {
            node: node(data, "node")?,
            display_node: node(data, "display_node"),
            output: data.get("output").and_then(Value::as_object).cloned().unwrap_or_default(),
        },
        "execution_success" => SocketEvent::Succeeded,
        "execution_error" => SocketEvent::Failed(Box::new(Failure::parse(data))),
        "execution_interrupted" => SocketEvent::Interrupted(Interruption::parse(data)),
        _ => SocketEvent::Other,
    };
    Some(event)
}

fn node(data: &Object, key: &str) -> Option<NodeId> {
    data.get_str(key).map(NodeId::from)
}

fn number(data: &Object, key: &str) -> Option<f64> {
    data.get(key).and_then(Value::as_number).map(Number::as_f64)
}

fn node_progress((id, state): (&str, &Value)) -> Option<NodeProgress> {
    let state = state.as_object()?;
    Some(NodeProgress {
        display_node: node(state, "display_node_id").unwrap_or_else(|| id.into()),
        node: id.into(),
        value: number(state, "value")?,
        max: number(state, "max")?,
        is_finished: state.get_str("state") == Some("finished"),
    })
}

/// A length in four bytes, and so many bytes.
fn take(frame: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(frame.try_get_u32().ok()?).ok()?;
    (length <= frame.len()).then(|| frame.split_to(length))
}

fn preview(mut frame: Bytes) -> Option<SocketEvent> {
    let content_type = match frame.try_get_u32().ok()? {
        1 => "image/jpeg",
        2 => "image/png",
        _ => return None,
    };
    Some(SocketEvent::Preview { node: None, display_node: None, content_type, image: frame })
}

fn preview_with_metadata(mut frame: Bytes) -> Option<SocketMessage> {
    let metadata = take(&mut frame)?;
    let Ok(Value::Object(metadata)) = read(&metadata, limit::json(limit::ERROR_BYTES)) else { return None };
    let content_type = match metadata.get_str("image_type") {
        Some("image/png") => "image/png",
        _ => "image/jpeg",
    };
    Some(SocketMessage {
        prompt_id: metadata.get_str("prompt_id").map(str::to_owned),
        event: SocketEvent::Preview {
            node: node(&metadata, "node_id"),
            display_node: node(&metadata, "display_node_id"),
            content_type,
            image: frame,
        },
    })
}

#[cfg(test)]
mod tests;
