//! What was recorded of real ComfyUIs; `tests/data/comfyui/README.md` says how.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::environment::repository;

/// The versions that were recorded.
const VERSIONS: [&str; 3] = ["0.3.64", "0.3.75", "0.21.0"];

/// A prompt, and what a real ComfyUI made of it.
#[derive(Clone, Debug)]
pub struct RecordedPrompt {
    /// The version.
    pub version: &'static str,
    /// The scenario, and what is special about the prompt in it.
    pub name: String,
    /// The prompt as it was sent.
    pub prompt: Value,
    /// The status of the answer.
    pub status: u16,
    /// The answer.
    pub answer: String,
    /// The id that it had.
    pub prompt_id: String,
    /// What came over its WebSocket, in order.
    pub messages: Vec<ComfyMessage>,
    /// Its entry in the history.
    pub history: Option<String>,
    /// Its files, as `/view` gave them, by name. Not all were looked at.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A message of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComfyMessage {
    /// A text.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
}

/// How a recorded prompt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedEnd {
    /// It was refused, with these codes.
    Refused(Vec<String>),
    /// It succeeded, with these files in the output folder, in order.
    Files(Vec<String>),
    /// This node failed with this exception.
    Failed(String, String),
    /// It was interrupted at this node.
    Interrupted(String),
}

/// Every recorded prompt of every version.
///
/// # Panics
/// When the recordings cannot be read.
pub fn recordings() -> Vec<RecordedPrompt> {
    VERSIONS.into_iter().flat_map(of_version).collect()
}

fn of_version(version: &'static str) -> Vec<RecordedPrompt> {
    let path = repository().join("tests/data/comfyui").join(format!("{version}.jsonl"));
    let lines = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    lines.lines().map(|line| prompt(version, &serde_json::from_str(line).expect("JSON"))).collect()
}

fn prompt(version: &'static str, line: &Value) -> RecordedPrompt {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let message = |message: &Value| match message.as_str() {
        Some(text) => ComfyMessage::Text(text.to_owned()),
        None => ComfyMessage::Binary(bytes(&message["b64"])),
    };
    let files = line["files"].as_object().into_iter().flatten();
    RecordedPrompt {
        version,
        name: format!("{version} {}: {}", text("scenario"), text("note")),
        prompt: line["prompt"].clone(),
        status: line["status"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status"),
        answer: text("answer"),
        prompt_id: text("prompt_id"),
        messages: line["messages"].as_array().expect("messages").iter().map(message).collect(),
        history: line["history"].as_str().map(str::to_owned),
        files: files.map(|(name, value)| (name.clone(), bytes(value))).collect(),
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    use base64::Engine as _;
    let text = value.as_str().expect("base64");
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

impl RecordedPrompt {
    /// How it ended, by what ComfyUI wrote down: the messages of its history.
    ///
    /// # Panics
    /// When the recording is none.
    pub fn end(&self) -> RecordedEnd {
        if self.status != 200 {
            return RecordedEnd::Refused(codes(&serde_json::from_str(&self.answer).expect("JSON")));
        }
        let history: Value = serde_json::from_str(self.history.as_deref().expect("a history")).expect("JSON");
        for message in history["status"]["messages"].as_array().into_iter().flatten() {
            let text = |key: &str| message[1][key].as_str().unwrap_or_default().to_owned();
            match message[0].as_str() {
                Some("execution_error") => {
                    return RecordedEnd::Failed(text("node_id"), text("exception_type"));
                }
                Some("execution_interrupted") => return RecordedEnd::Interrupted(text("node_id")),
                _ => {}
            }
        }
        let mut files = Vec::new();
        for output in history["outputs"].as_object().into_iter().flat_map(|nodes| nodes.values()) {
            let items = output.as_object().into_iter().flat_map(|keys| keys.values());
            for file in items.filter_map(Value::as_array).flatten() {
                if file["type"] == "output" {
                    let path = format!(
                        "{}/{}",
                        file["subfolder"].as_str().unwrap_or_default(),
                        file["filename"].as_str().unwrap_or_default()
                    );
                    let path = path.trim_start_matches('/').to_owned();
                    if !files.contains(&path) {
                        files.push(path);
                    }
                }
            }
        }
        files.sort();
        RecordedEnd::Files(files)
    }
}

fn codes(answer: &Value) -> Vec<String> {
    let nodes = answer["node_errors"].as_object().into_iter().flat_map(|nodes| nodes.values());
    let errors = nodes.flat_map(|node| node["errors"].as_array().into_iter().flatten());
    let codes: Vec<String> = errors.filter_map(|error| error["type"].as_str()).map(str::to_owned).collect();
    if codes.is_empty() {
        vec![answer["error"]["type"].as_str().unwrap_or_default().to_owned()]
    } else {
        codes
    }
}
