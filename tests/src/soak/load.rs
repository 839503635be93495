//! What the clients of a soak ask: everything that a server does, again and again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::connection::Connection;
use crate::host::Host;
use crate::server::Server;

/// How long a client rests between two rounds: the machine is to do other things, too.
const PAUSE: Duration = Duration::from_millis(300);
/// How often a client looks whether a run has ended.
const LOOK: Duration = Duration::from_millis(30);
/// How many photos there are: together more than the cache may keep.
const PHOTOS: usize = 300;
/// Where runs are.
const RUNS: &str = "/workflows/soak/runs";

/// What the clients ask, and whom.
#[derive(Debug)]
pub(super) struct Load {
    base_url: String,
    photo: String,
    webhook: String,
}

impl Load {
    pub(super) fn new(server: &Server, photos: &Host, receiver: &Host) -> Self {
        Self {
            base_url: server.base_url().to_owned(),
            photo: photos.url("/photo.jpg"),
            webhook: receiver.url("/hook"),
        }
    }

    /// Makes runs that complete, fail, are refused and are cancelled; looks at lists and outputs; reads events, and
    /// goes away in the middle.
    ///
    /// # Panics
    /// When an answer is not as it has to be.
    pub(super) fn round(&self, number: usize) {
        let mut connection = Connection::open(&self.base_url).expect("a connection");
        let mut ask = |method: &str, path: &str, body: &str, expected: u16| {
            let (status, body) = connection.ask(method, path, body).expect("an answer");
            assert_eq!(status, expected, "{method} {path}: {}", String::from_utf8_lossy(&body));
            body
        };
        let id = id_of(&ask("POST", RUNS, &self.run(number).to_string(), 200));
        self.read_some_events(&id);
        let run = loop {
            let run: Value =
                serde_json::from_slice(&ask("GET", &format!("{RUNS}/{id}"), "", 200)).expect("a run");
            if !run["completed_at"].is_null() {
                break run;
            }
            thread::sleep(LOOK);
        };
        assert_eq!(run["status"], if number % 10 == 9 { "ERROR" } else { "COMPLETED" }, "{run}");
        ask("GET", &format!("{RUNS}?limit=5"), "", 200);
        ask("GET", &format!("{RUNS}/{id}/deliveries"), "", 200);
        for output in run["output"].as_array().into_iter().flatten() {
            let url = output["url"].as_str().expect("a url").to_owned();
            let path = url.strip_prefix("http://comfy.example/api/v1").expect("an address of the server");
            ask("GET", path, "", 200);
            ask("GET", &format!("{path}?thumbnail=128"), "", 200);
        }
        ask("POST", "/uploads", &format!("file {}", number % 50), 200);
        ask("POST", RUNS, r#"{"prompt": {"1": {"class_type": "Missing", "inputs": {}}}}"#, 422);
        let cancelled = id_of(&ask("POST", RUNS, &self.run(0).to_string(), 200));
        ask("POST", &format!("{RUNS}/{cancelled}/cancel"), "", 200);
        ask("GET", "/workflows/soak/none", "", 404);
        thread::sleep(PAUSE);
    }

    /// A run with a file that the cache has lost by now, a webhook, and every tenth time a node that fails.
    fn run(&self, number: usize) -> Value {
        let amount = if number % 10 == 9 { 4096 } else { 2 };
        json!({
            "prompt": {
                "1": {"class_type": "LoadImage", "inputs": {"image": "photo.jpg"}},
                "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0], "upscale_method": "area", "width": 1024, "height": 1024, "crop": "center"}},
                "3": {"class_type": "RepeatImageBatch", "inputs": {"image": ["2", 0], "amount": amount}},
                "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "soak/made"}}
            },
            "files": {"/input/photo.jpg": format!("{}?{}", self.photo, number % PHOTOS)},
            "webhook": self.webhook
        })
    }

    /// Reads the beginning of a stream, and hangs up.
    fn read_some_events(&self, id: &str) {
        let authority = self.base_url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(authority).expect("a connection");
        let request = format!("GET /api/v1{RUNS}/{id}/events HTTP/1.1\r\nhost: {authority}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let read = stream.read(&mut [0; 64]).expect("an answer");
        assert!(read > 0, "the stream begins");
    }
}

fn id_of(answer: &[u8]) -> String {
    let created: Value = serde_json::from_slice(answer).expect("a run");
    created["id"].as_str().expect("an id").to_owned()
}
