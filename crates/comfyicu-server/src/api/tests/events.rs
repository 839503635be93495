//! Server-Sent Events, read in process.

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;

use super::*;

/// A stream of events that is being read.
struct Reader {
    body: BodyDataStream,
    text: String,
}

/// One event: its id, its name, its data.
type Received = (Option<String>, String, Object);

impl Reader {
    async fn open(server: &Server, path: &str, last_seen: Option<&str>) -> Self {
        let (mut head, body) = request(Method::GET, path, Body::empty()).into_parts();
        if let Some(seen) = last_seen {
            head.headers.insert("last-event-id", seen.parse().unwrap());
        }
        let response = server.router.clone().oneshot(Request::from_parts(head, body)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Received> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.starts_with(':') {
                    continue;
                }
                return Some(parse(&event));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.body.next()).await;
            self.text.push_str(std::str::from_utf8(&chunk.expect("an event in time")?.unwrap()).unwrap());
        }
    }

    async fn rest(mut self) -> Vec<Received> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn parse(event: &str) -> Received {
    let field = |name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim_start))
    };
    let Ok(Value::Object(data)) = read(field("data").unwrap().as_bytes(), Limits::default()) else {
        panic!("{event}")
    };
    (field("id").map(str::to_owned), field("event").unwrap().to_owned(), data)
}

/// The names of the events that are written down.
fn lifecycle(events: &[Received]) -> Vec<&str> {
    events.iter().filter(|(id, ..)| id.is_some()).map(|(_, name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn a_run_is_told_from_its_beginning_to_its_end() {
    let server = Server::start(&[]).await;
    let run = server.submit(&body(PROMPT)).await;
    let path = format!("/api/v1/workflows/w1/runs/{}/events", run.id());
    let events = Reader::open(&server, &path, None).await.rest().await;
    assert_eq!(lifecycle(&events), ["queued", "started", "completed"]);
    let (_, _, last) = events.last().unwrap();
    assert_eq!((last.get_str("run_id"), last.get_str("workflow_id")), (Some(run.id().as_str()), Some("w1")));
    assert_eq!(last.get_str("status"), Some("COMPLETED"));
    assert!(last.get_str("at").is_some());

    // Who comes late, or comes back, reads the rest.
    let again = Reader::open(&server, &path, None).await.rest().await;
    assert_eq!(lifecycle(&again), ["queued", "started", "completed"]);
    let rest = Reader::open(&server, &path, events[0].0.as_deref()).await.rest().await;
    assert_eq!(lifecycle(&rest), ["started", "completed"]);
    assert!(Reader::open(&server, &path, last_id(&again)).await.rest().await.is_empty());
}

fn last_id(events: &[Received]) -> Option<&str> {
    events.iter().filter_map(|(id, ..)| id.as_deref()).next_back()
}

#[tokio::test]
async fn a_workflow_is_told_of_all_its_runs_from_now_on() {
    let server = Server::start(&[]).await;
    server.ended(&server.submit(&body(PROMPT)).await).await;
    let path = "/api/v1/workflows/w1/events";
    let mut reader = Reader::open(&server, path, None).await;
    let runs = [server.submit(&body(PROMPT)).await, server.submit(&body(PROMPT)).await];
    let mut events = Vec::new();
    while lifecycle(&events).len() < 6 {
        events.push(reader.next().await.unwrap());
    }
    let ids: Vec<&str> = events.iter().filter_map(|(id, ..)| id.as_deref()).collect();
    for run in &runs {
        let of_run: Vec<_> = events
            .iter()
            .filter(|(.., data)| data.get_str("run_id") == Some(run.id().as_str()))
            .cloned()
            .collect();
        assert_eq!(lifecycle(&of_run), ["queued", "started", "completed"]);
    }
    // A reader that was away reads up on what it missed, and goes on.
    let mut back = Reader::open(&server, path, Some(ids[2])).await;
    for expected in &ids[3..] {
        assert_eq!(back.next().await.unwrap().0.as_deref(), Some(*expected));
    }
    server.shutdown.stop();
    assert!(
        back.next().await.is_none() && reader.next().await.is_none(),
        "streams end when the server stops"
    );
}

#[tokio::test]
async fn what_an_execution_does_is_told_as_it_happens() {
    let server = Server::start(&[]).await;
    let mut reader = Reader::open(&server, "/api/v1/workflows/w1/events", None).await;
    let run = server.submit(&body(PROMPT)).await;
    let mut events = Vec::new();
    while lifecycle(&events).len() < 3 {
        events.push(reader.next().await.unwrap());
    }
    let output = events.iter().find(|(_, name, _)| name == "output").expect("an output");
    let filename = format!("/workflows/w1/output/{}/a b/blue_00001_.png", run.id());
    assert_eq!(output.2.get_str("filename"), Some(filename.as_str()));
    assert_eq!(output.2.get_str("node_id"), Some("2"));
    let node = events.iter().find(|(_, name, _)| name == "node").expect("a node");
    assert_eq!(node.2.get("total").map(Value::to_json).as_deref(), Some("2"));
}

#[tokio::test]
async fn who_waits_is_told_of_its_position() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start(&["--allow-host", "127.0.0.1"]).await;
    let url = format!("http://{}/in.png", silent.local_addr().unwrap());
    let stuck = r#"{"prompt": {"1": {"class_type": "LoadImage", "inputs": {"image": "in.png"}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}, "files": {"/input/in.png": "URL"}}"#;
    let (first, second) =
        (server.submit(&stuck.replace("URL", &url)).await, server.submit(&stuck.replace("URL", &url)).await);
    let path = |run: &Run, what: &str| format!("/api/v1/workflows/w1/runs/{}/{what}", run.id());
    let mut reader = Reader::open(&server, &path(&second, "events"), None).await;
    let position = |event: &Received| event.2.get("position").map(Value::to_json);
    let queued = reader.next().await.unwrap();
    assert_eq!((queued.1.as_str(), position(&queued).as_deref()), ("queued", Some("1")));
    server.post(&path(&first, "cancel"), "").await;
    let moved = reader.next().await.unwrap();
    assert_eq!(
        (moved.0.is_none(), moved.1.as_str(), position(&moved).as_deref()),
        (true, "queued", Some("0"))
    );
    server.post(&path(&second, "cancel"), "").await;
    assert_eq!(lifecycle(&reader.rest().await), ["cancelled"]);
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_so_and_misses_no_change() {
    let server = Server::start(&[]).await;
    let mut slow = Reader::open(&server, "/api/v1/workflows/w1/events", None).await;
    // Far more happens than is kept for a reader, while this one does not read.
    let invert = |id: usize| {
        format!(r#""{id}": {{"class_type": "ImageInvert", "inputs": {{"image": ["{}", 0]}}}}, "#, id - 1)
    };
    let long = format!(
        r#"{{{}"0": {{"class_type": "EmptyImage", "inputs": {{"width": 1, "height": 1, "batch_size": 1, "color": 0}}}},
            "end": {{"class_type": "SaveImage", "inputs": {{"images": ["400", 0], "filename_prefix": "x"}}}}}}"#,
        (1..=400).map(invert).collect::<String>()
    );
    let run = server.ended(&server.submit(&body(&long)).await).await;
    assert_eq!(run.status(), Some(RunStatus::Completed), "{run:?}");
    let mut events = Vec::new();
    while lifecycle(&events).last() != Some(&"completed") {
        events.push(slow.next().await.unwrap());
    }
    assert_eq!(lifecycle(&events), ["queued", "started", "completed"]);
    let resync = events.iter().filter(|(_, name, _)| name == "resync").count();
    let nodes = events.iter().filter(|(_, name, _)| name == "node").count();
    assert!(resync > 0 && nodes < 402, "{resync} {nodes}");
}

#[tokio::test]
async fn events_are_of_runs_that_there_are() {
    let server = Server::start(&[]).await;
    let missing = server.get("/api/v1/workflows/w1/runs/none/events").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let (mut head, empty) = request(Method::GET, "/api/v1/workflows/w1/events", Body::empty()).into_parts();
    head.headers.insert("last-event-id", "yesterday".parse().unwrap());
    assert_eq!(server.send(Request::from_parts(head, empty)).await.status, StatusCode::BAD_REQUEST);
}
