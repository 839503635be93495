//! The same through the server: submit, hear of the end, ask what was saved, fetch it.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Contender, Trip};
use crate::connection::Connection;

/// Whoever speaks to the server.
#[derive(Debug)]
pub(super) struct Served {
    http: Connection,
    events: Connection,
    base_url: String,
    runs: String,
}

impl Served {
    /// Opens one connection for the events of a workflow of its own and one for requests, which are kept.
    pub(super) fn connect(base_url: &str, workflow: &str) -> Self {
        let open = || Connection::open(base_url).expect("a connection");
        let events = open().listen(&format!("/workflows/{workflow}/events")).expect("a stream");
        Self {
            http: open(),
            events,
            base_url: base_url.to_owned(),
            runs: format!("/workflows/{workflow}/runs"),
        }
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let (status, answer) = self.http.fetch(method, path, body).expect("an answer");
        assert_eq!(status, 200, "{method} {path}: {}", String::from_utf8_lossy(&answer));
        answer
    }

    fn hear_end(&mut self, run_id: &str) {
        let mut name = String::new();
        loop {
            let line = self.events.line().expect("an event");
            if let Some(event) = line.strip_prefix("event: ") {
                event.trim_end().clone_into(&mut name);
            }
            if ["completed", "error", "cancelled"].contains(&&*name)
                && line.starts_with("data: ")
                && line.contains(run_id)
            {
                return;
            }
        }
    }
}

impl Contender for Served {
    fn run(&mut self, prompt: &Value) -> Trip {
        let begun = Instant::now();
        let runs = format!("/api/v1{}", self.runs);
        let submitted = self.ask("POST", &runs, &json!({"prompt": prompt}).to_string());
        let submitted: Value = serde_json::from_slice(&submitted).expect("JSON");
        let run_id = submitted["id"].as_str().expect("an id");
        self.hear_end(run_id);
        let told = begun.elapsed();
        let run = self.ask("GET", &format!("{runs}/{run_id}"), "");
        let run: Value = serde_json::from_slice(&run).expect("JSON");
        assert_eq!(run["status"], "COMPLETED", "{run}");
        for output in run["output"].as_array().expect("outputs") {
            let url = output["url"].as_str().expect("an address");
            let path = url.strip_prefix(&self.base_url).expect("an address of the server").to_owned();
            assert!(!self.ask("GET", &path, "").is_empty());
        }
        Trip { told, file: begun.elapsed() }
    }
}
