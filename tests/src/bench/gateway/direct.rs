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

    fn hear_end(&mut self, prompt_id: &str) {
        loop {
            let Message::Text(text) = self.socket.read().expect("a message") else { continue };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            let data = &message["data"];
            if message["type"] == "executing" && data["node"].is_null() && data["prompt_id"] == prompt_id {
                return;
            }
        }
    }
}

impl Contender for Direct {
    fn run(&mut self, prompt: &Value) -> Trip {
        let begun = Instant::now();
        let prompt_id = id();
        let body = json!({"prompt": prompt, "prompt_id": prompt_id, "client_id": self.client_id});
        self.ask("POST", "/prompt", &body.to_string());
        self.hear_end(&prompt_id);
        let told = begun.elapsed();
        let history = self.ask("GET", &format!("/history/{prompt_id}"), "");
        let history: Value = serde_json::from_slice(&history).expect("JSON");
        let outputs = history[&prompt_id]["outputs"].as_object().expect("outputs");
        let images = outputs.values().filter_map(|output| output["images"].as_array()).flatten();
        let paths: Vec<String> = images.map(view).collect();
        assert!(!paths.is_empty(), "{history}");
        for path in paths {
            assert!(!self.ask("GET", &path, "").is_empty());
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
