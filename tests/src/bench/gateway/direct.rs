//! The least that a client of ComfyUI does: submit, hear of the end, ask what was saved, fetch it.

use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::{Contender, Trip};
use crate::connection::Connection;

/// Whoever speaks to ComfyUI itself.
#[derive(Debug)]
pub(super) struct Direct {
    http: Connection,
    socket: WebSocket<TcpStream>,
    client_id: String,
}

impl Direct {
    /// Opens one connection for requests and one for messages, which are kept.
    pub(super) fn connect(url: &str) -> Self {
        let client_id = id();
        let authority = url.trim_start_matches("http://");
        let stream = TcpStream::connect(authority).expect("a ComfyUI");
        stream.set_nodelay(true).expect("a socket");
        let address = format!("ws://{authority}/ws?clientId={client_id}");
        let (mut socket, _) = tungstenite::client(address, stream).expect("a WebSocket");
        let features = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#;
        socket.send(Message::text(features)).expect("a WebSocket");
        Self { http: Connection::open(url).expect("a connection"), socket, client_id }
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let (status, answer) = self.http.fetch(method, path, body).expect("an answer");
        assert_eq!(status, 200, "{method} {path}: {}", String::from_utf8_lossy(&answer));
        answer
    }

    /// Submits a prompt, and gives its id.
    pub(super) fn submit(&mut self, prompt: &Value) -> String {
        let prompt_id = id();
        let body = json!({"prompt": prompt, "prompt_id": prompt_id, "client_id": self.client_id});
        self.ask("POST", "/prompt", &body.to_string());
        prompt_id
    }

    /// The next message about a prompt: its type and what it says.
    fn hear(&mut self, prompt_id: &str) -> (String, Value) {
        loop {
            let Message::Text(text) = self.socket.read().expect("a message") else { continue };
            let mut message: Value = serde_json::from_str(&text).expect("JSON");
            if message["data"]["prompt_id"] == prompt_id {
                return (message["type"].as_str().unwrap_or_default().to_owned(), message["data"].take());
            }
        }
    }

    fn hear_end(&mut self, prompt_id: &str) {
        loop {
            let (kind, data) = self.hear(prompt_id);
            if kind == "executing" && data["node"].is_null() {
                return;
            }
        }
    }

    /// What a prompt saved, once it has succeeded.
    pub(super) fn hear_saved(&mut self, prompt_id: &str) -> Vec<Value> {
        let mut saved = Vec::new();
        loop {
            let (kind, data) = self.hear(prompt_id);
            match &*kind {
                "executed" => {
                    saved.extend(data["output"]["images"].as_array().into_iter().flatten().cloned());
                }
                "execution_success" => return saved,
                "execution_error" => panic!("{data}"),
                _ => {}
            }
        }
    }

    /// The bytes of an image that was saved.
    pub(super) fn fetch(&mut self, image: &Value) -> Vec<u8> {
        self.ask("GET", &view(image), "")
    }
}

impl Contender for Direct {
    fn run(&mut self, prompt: &Value) -> Trip {
        let begun = Instant::now();
        let prompt_id = self.submit(prompt);
        self.hear_end(&prompt_id);
        let told = begun.elapsed();
        let history = self.ask("GET", &format!("/history/{prompt_id}"), "");
        let history: Value = serde_json::from_slice(&history).expect("JSON");
        let outputs = history[&prompt_id]["outputs"].as_object().expect("outputs");
        let images = outputs.values().filter_map(|output| output["images"].as_array()).flatten();
        let images: Vec<&Value> = images.collect();
        assert!(!images.is_empty(), "{history}");
        for image in images {
            assert!(!self.fetch(image).is_empty());
        }
        Trip { told, file: begun.elapsed() }
    }
}

fn view(image: &Value) -> String {
    let text = |key: &str| image[key].as_str().unwrap_or_default().replace('%', "%25").replace('/', "%2F");
    format!("/view?filename={}&subfolder={}&type={}", text("filename"), text("subfolder"), text("type"))
}

/// An id such as ComfyUI's: a UUID.
fn id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let half = || RandomState::new().hash_one(0);
    let digits = format!("{:016x}{:016x}", half(), half());
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
