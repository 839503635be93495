//! The measurements.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connection::Connection;
use crate::host::{Host, Reply};
use crate::server::Server;
use crate::wait::eventually;

/// Where the runs of the measurements go.
pub(super) const RUNS: &str = "/workflows/bench/runs";

/// How fast something went.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    /// How often in a second.
    pub(super) rate: f64,
    /// How often in all.
    pub(super) count: usize,
    /// How long each took, sorted.
    times: Vec<Duration>,
}

impl Figures {
    pub(super) fn new(mut times: Vec<Duration>, elapsed: Duration) -> Self {
        times.sort_unstable();
        Self { rate: per_second(times.len(), elapsed), count: times.len(), times }
    }

    /// The time, in milliseconds, within which so many of a hundred were done.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        let index = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    }
}

/// How many in a second.
pub(super) fn per_second(count: usize, elapsed: Duration) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from) / elapsed.as_secs_f64()
}

/// Nothing to execute but two nodes, and nothing to keep.
fn trivial() -> Value {
    json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    })
}

/// Submits runs that are not executed, over many connections at once.
pub(super) fn submits(server: &Server, connections: usize, time: Duration, file: &str) -> Figures {
    let body = json!({"prompt": trivial(), "files": {"/input/a.png": file}}).to_string();
    let begun = Instant::now();
    let threads: Vec<_> = (0..connections)
        .map(|_| {
            let (base_url, body) = (server.base_url().to_owned(), body.clone());
            thread::spawn(move || {
                let mut connection = Connection::open(&base_url).expect("a connection");
                let mut times = Vec::new();
                while begun.elapsed() < time {
                    let asked = Instant::now();
                    let (status, _) = connection.ask("POST", RUNS, &body).expect("an answer");
                    assert_eq!(status, 200);
                    times.push(asked.elapsed());
                }
                times
            })
        })
        .collect();
    let times = threads.into_iter().flat_map(|thread| thread.join().expect("a submitter")).collect();
    Figures::new(times, begun.elapsed())
}

/// Runs in a second, from the submit to the end, so many at a time.
pub(super) fn cycles(server: &Server, connections: usize, count: usize) -> f64 {
    let mut events = listen(server, "/workflows/bench/events");
    let body = json!({"prompt": trivial()}).to_string();
    let begun = Instant::now();
    for _ in 0..connections {
        let (base_url, body) = (server.base_url().to_owned(), body.clone());
        thread::spawn(move || {
            let mut connection = Connection::open(&base_url).expect("a connection");
            for _ in 0..count / connections {
                connection.ask("POST", RUNS, &body).expect("an answer");
            }
        });
    }
    let all = count / connections * connections;
    let mut ended = 0;
    while ended < all {
        ended += usize::from(events.line().expect("an event").starts_with("event: completed"));
    }
    per_second(all, begun.elapsed())
}

/// Webhooks in a second, two of each run.
pub(super) fn webhooks(server: &Server, runs: usize) -> f64 {
    let arrived = Arc::new(AtomicUsize::default());
    let counter = Arc::clone(&arrived);
    let receiver = Host::start(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Reply::status(204)
    });
    let body = json!({"prompt": trivial(), "webhook": receiver.url("/hook")}).to_string();
    let mut connection = Connection::open(server.base_url()).expect("a connection");
    let begun = Instant::now();
    for _ in 0..runs {
        connection.ask("POST", RUNS, &body).expect("an answer");
    }
    eventually("all webhooks", || (arrived.load(Ordering::SeqCst) >= 2 * runs).then_some(()));
    per_second(2 * runs, begun.elapsed())
}

/// How long after the first reader the last one of many hears of the end of a run.
pub(super) fn readers(server: &Server, count: usize) -> String {
    let ready = Arc::new(Barrier::new(count + 1));
    let threads: Vec<_> = (0..count)
        .map(|_| {
            let (base_url, ready) = (server.base_url().to_owned(), Arc::clone(&ready));
            let small = thread::Builder::new().stack_size(128 * 1024);
            let listening = small.spawn(move || {
                let connection = Connection::open(&base_url).expect("a connection");
                let mut events = connection.listen("/workflows/bench/events").expect("a stream");
                ready.wait();
                while !events.line().expect("an event").starts_with("event: completed") {}
                Instant::now()
            });
            listening.expect("a thread")
        })
        .collect();
    ready.wait();
    let mut connection = Connection::open(server.base_url()).expect("a connection");
    let begun = Instant::now();
    connection.ask("POST", RUNS, &json!({"prompt": trivial()}).to_string()).expect("an answer");
    let mut heard: Vec<Duration> =
        threads.into_iter().map(|thread| thread.join().expect("a reader").duration_since(begun)).collect();
    heard.sort_unstable();
    let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1_000.0);
    format!("first after {:.1} ms, last after {:.1} ms", millis(heard.first()), millis(heard.last()))
}

/// How long one run, and one page, take.
pub(super) fn lists(server: &Server) -> Vec<String> {
    let mut connection = Connection::open(server.base_url()).expect("a connection");
    let (_, page) =
        connection.ask("GET", &format!("{RUNS}?limit=1&status=COMPLETED"), "").expect("an answer");
    let page: Value = serde_json::from_slice(&page).expect("a page");
    let id = page[0]["id"].as_str().expect("a run").to_owned();
    let paths = [
        format!("{RUNS}/{id}"),
        RUNS.to_owned(),
        format!("{RUNS}?limit=20&status=COMPLETED"),
        // What a client asks that looks for the newest: the last page, which is not full.
        format!("{RUNS}?since=2026-01-01T00:00:00Z"),
    ];
    let mut lines = Vec::new();
    for path in paths {
        let begun = Instant::now();
        let times: Vec<Duration> = (0..300)
            .map(|_| {
                let asked = Instant::now();
                let (status, _) = connection.ask("GET", &path, "").expect("an answer");
                assert_eq!(status, 200);
                asked.elapsed()
            })
            .collect();
        let figures = Figures::new(times, begun.elapsed());
        let [p50, p99] = [50, 99].map(|percent| figures.percentile(percent));
        lines.push(format!("GET {}: p50 {p50:.1} ms, p99 {p99:.1} ms", path.replace(&id, "RUN")));
    }
    lines
}

fn listen(server: &Server, path: &str) -> Connection {
    let connection = Connection::open(server.base_url()).expect("a connection");
    connection.listen(path).expect("a stream")
}
