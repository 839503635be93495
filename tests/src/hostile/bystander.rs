//! Somebody who only wants to use the server.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::try_request;
use crate::server::Server;

/// How somebody was served.
#[derive(Clone, Debug)]
pub struct Served {
    /// How long each request took that was answered well, the shortest first.
    pub times: Vec<Duration>,
    /// What was said to the others.
    pub failures: Vec<String>,
}

impl Served {
    /// The time within which so many of a hundred requests were answered.
    pub fn percentile(&self, percent: usize) -> Duration {
        let index = (self.times.len() * percent).div_ceil(100).saturating_sub(1);
        self.times.get(index).copied().unwrap_or_default()
    }
}

/// Creates runs, looks at them and lists them, each time over a new connection.
pub(super) fn ask(server: &Server, requests: usize) -> Served {
    let mut served = Served { times: Vec::new(), failures: Vec::new() };
    let prompt = json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "bystander"}}
    });
    let body = json!({ "prompt": prompt }).to_string();
    for number in 0..requests {
        let (method, path, body) = match number % 3 {
            0 => ("POST", "/workflows/others/runs", body.as_str()),
            1 => ("GET", "/workflows/others/runs?limit=3", ""),
            _ => ("GET", "/workflows/others", ""),
        };
        let begun = Instant::now();
        match try_request(method, &server.url(path), &[], body.as_bytes()) {
            Ok(answer) if answer.status == 200 => served.times.push(begun.elapsed()),
            Ok(answer) => served.failures.push(format!("{method} {path}: {}", answer.status)),
            Err(error) => served.failures.push(format!("{method} {path}: {error}")),
        }
    }
    served.times.sort_unstable();
    served
}
