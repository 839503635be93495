//! The least that a server in front of a ComfyUI can do: one thread, one client, no checks, and the same on disk. What it
//! takes of a processor is what this machine, its disk and its network take, whoever the server is.

use std::fs::{self, File};
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::direct::Direct;
use crate::host::{Received, read_request};

/// The server; it ends when its client hangs up.
#[derive(Debug)]
pub(super) struct Least {
    base_url: String,
    thread: JoinHandle<Used>,
}

/// What it took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    runs: u32,
    processor: Duration,
}

impl Used {
    /// How long a processor worked for a run; `None` where the system does not say.
    pub(super) fn per_run(self) -> Option<Duration> {
        Some(self.processor.checked_div(self.runs)?).filter(|used| !used.is_zero())
    }
}

impl Least {
    /// Starts it in front of a ComfyUI, whose outputs it reads from a folder where it is told of one. The first runs
    /// do not count.
    pub(super) fn start(comfyui: &str, folder: Option<&str>, warm_up: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("its address"));
        let (address, comfyui) = (base_url.clone(), Direct::connect(comfyui));
        let outputs = folder.map(|folder| PathBuf::from(folder).join("output"));
        let thread = thread::spawn(move || {
            let events = listener_of_events(&listener);
            let requests = BufReader::new(accept(&listener));
            Gateway::new(events, requests, comfyui, outputs, address).serve(warm_up)
        });
        Self { base_url, thread }
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What it took, once its client is gone.
    pub(super) fn used(self) -> Used {
        self.thread.join().expect("the least server")
    }
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().expect("a client");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// The first connection, which asks for the events.
fn listener_of_events(listener: &TcpListener) -> TcpStream {
    let mut stream = BufReader::new(accept(listener));
    read_request(&mut stream).expect("a request for events");
    let mut stream = stream.into_inner();
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        .expect("a reader of events");
    stream
}

struct Gateway {
    events: TcpStream,
    requests: BufReader<TcpStream>,
    comfyui: Direct,
    /// ComfyUI's own.
    outputs: Option<PathBuf>,
    base_url: String,
    /// Its store and its outputs.
    folder: TempDir,
    database: rusqlite::Connection,
}

impl Gateway {
    fn new(
        events: TcpStream,
        requests: BufReader<TcpStream>,
        comfyui: Direct,
        outputs: Option<PathBuf>,
        base_url: String,
    ) -> Self {
        let folder = TempDir::new().expect("a folder");
        let database = rusqlite::Connection::open(folder.path().join("least.db")).expect("a database");
        let tables = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                      CREATE TABLE runs (id TEXT PRIMARY KEY, status TEXT, data TEXT, output TEXT) STRICT;
                      CREATE TABLE events (seq INTEGER PRIMARY KEY, run_id TEXT, kind TEXT) STRICT";
        database.execute_batch(tables).expect("tables");
        Self { events, requests, comfyui, outputs, base_url, folder, database }
    }

    fn serve(mut self, warm_up: u32) -> Used {
        let (mut runs, mut begun) = (0, Duration::ZERO);
        while let Ok(request) = read_request(&mut self.requests) {
            match (&*request.method, request.path.rsplit_once("/runs/")) {
                ("POST", _) => {
                    if runs == warm_up {
                        begun = processor_time();
                    }
                    runs += 1;
                    // ComfyUI may be somebody's, and have such a folder.
                    self.run(&request, &format!("least-{}-{runs}", std::process::id()));
                }
                (_, Some((_, id))) => self.answer_run(id),
                (_, None) => self.answer_file(&request.path),
            }
        }
        Used { runs: runs.saturating_sub(warm_up), processor: processor_time().saturating_sub(begun) }
    }

    /// One run, from its submit to its end.
    fn run(&mut self, request: &Received, id: &str) {
        let mut prompt = request.json()["prompt"].take();
        let data = prompt.to_string();
        self.commit(
            "INSERT INTO runs (id, status, data) VALUES (?1, 'STARTED', ?2)",
            &[id, &data],
            "started",
        );
        self.answer(json!({"id": id}).to_string().as_bytes());
        self.tell("started", id);
        for node in prompt.as_object_mut().into_iter().flat_map(|nodes| nodes.values_mut()) {
            if let Some(prefix) = node["inputs"].get_mut("filename_prefix") {
                *prefix = format!("{id}/{}", prefix.as_str().unwrap_or_default()).into();
            }
        }
        let prompt_id = self.comfyui.submit(&prompt);
        let saved = self.comfyui.hear_saved(&prompt_id);
        let names: Vec<Value> = saved.iter().map(|image| self.save(id, image).into()).collect();
        if let Some(outputs) = &self.outputs {
            fs::remove_dir_all(outputs.join(id)).expect("a folder of ComfyUI");
        }
        let output = Value::from(names).to_string();
        self.commit(
            "UPDATE runs SET status = 'COMPLETED', output = ?2 WHERE id = ?1",
            &[id, &output],
            "completed",
        );
        self.tell("completed", id);
    }

    fn commit(&mut self, change: &str, values: &[&str], kind: &str) {
        let transaction = self.database.transaction().expect("a transaction");
        let mut change = transaction.prepare_cached(change).expect("a statement");
        change.execute(rusqlite::params_from_iter(values)).expect("a change");
        let event = "INSERT INTO events (run_id, kind) VALUES (?, ?)";
        let mut event = transaction.prepare_cached(event).expect("a statement");
        event.execute([values[0], kind]).expect("an event");
        drop((change, event));
        transaction.commit().expect("a commit");
    }

    /// Brings an output to the disk, with its name, and gives that.
    fn save(&mut self, id: &str, image: &Value) -> String {
        let text = |key: &str| image[key].as_str().unwrap_or_default();
        let bytes = match &self.outputs {
            Some(outputs) => fs::read(outputs.join(text("subfolder")).join(text("filename")))
                .expect("an output of ComfyUI"),
            None => self.comfyui.fetch(image),
        };
        let folder = self.folder.path().join(id);
        fs::create_dir_all(&folder).expect("a folder");
        let mut file = File::create(folder.join(text("filename"))).expect("a file");
        file.write_all(&bytes).and_then(|()| file.sync_all()).expect("a file");
        for folder in [&*folder, self.folder.path()] {
            File::open(folder).and_then(|folder| folder.sync_all()).expect("a folder");
        }
        format!("{id}/{}", text("filename"))
    }

    fn answer_run(&mut self, id: &str) {
        let asked = self.database.prepare_cached("SELECT status, output FROM runs WHERE id = ?");
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let (status, output) = asked.expect("a statement").query_row([id], read).expect("a run");
        let names: Vec<String> = serde_json::from_str(&output).expect("JSON");
        let urls: Vec<_> =
            names.iter().map(|name| json!({"url": format!("{}/{name}", self.base_url)})).collect();
        self.answer(json!({"id": id, "status": status, "output": urls}).to_string().as_bytes());
    }

    fn answer_file(&mut self, path: &str) {
        let bytes = fs::read(self.folder.path().join(path.trim_start_matches('/'))).expect("an output");
        self.answer(&bytes);
    }

    fn answer(&mut self, body: &[u8]) {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let answer = [head.as_bytes(), body].concat();
        // A client that hangs up is the end.
        self.requests.get_mut().write_all(&answer).ok();
    }

    fn tell(&mut self, event: &str, id: &str) {
        self.events.write_all(format!("event: {event}\ndata: {{\"run_id\": \"{id}\"}}\n\n").as_bytes()).ok();
    }
}

/// How long processors have worked for this thread; zero where the system does not say.
fn processor_time() -> Duration {
    let times = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(times.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}
