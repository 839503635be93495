//! Watching runs, and ending them, over real sockets.

use comfyicu_tests::{Answer, Host, Server, ServerOptions, request};
use serde_json::{Value, json};

use crate::PROGRAMS;
use crate::prompts::{empty_image, inverted_photo, photo_from, photo_host};

/// The events that are written down, in the body of a stream that has ended: id and name.
fn lifecycle(answer: &Answer) -> Vec<(String, String)> {
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
    };
    let event = |event: &str| Some((field(event, "id:")?, field(event, "event:")?));
    text.split("\n\n").filter_map(event).collect()
}

/// The names of the events that are written down.
pub(crate) fn names(answer: &Answer) -> Vec<String> {
    lifecycle(answer).into_iter().map(|(_, name)| name).collect()
}

#[test]
fn a_stream_of_events_ends_with_its_run() {
    let server = Server::start(PROGRAMS);
    let id = server.submit(&json!({"prompt": empty_image()}));
    let answer = server.get(&format!("/workflows/default/runs/{id}/events")).expect_status(200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(names(&answer), ["queued", "started", "completed"]);
}

#[test]
fn a_reader_goes_on_where_it_was_though_the_server_crashed() {
    let (host, options) = (photo_host(), ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1"]));
    let server = options.start();
    host.hold();
    let id = server.submit(&json!({"prompt": inverted_photo(), "files": photo_from(&host)}));
    host.await_requests(1);
    let server = server.crash_and_restart();
    host.release();
    server.ended_run(&id);
    let url = server.url(&format!("/workflows/default/runs/{id}/events"));
    let all = lifecycle(&request("GET", &url, &[], b""));
    let rest = request("GET", &url, &[("last-event-id", &all[0].0)], b"");
    assert_eq!(
        (all[0].1.as_str(), names(&rest)),
        ("queued", vec!["started".to_owned(), "completed".to_owned()])
    );
}

#[test]
fn a_run_that_waits_for_a_file_is_cancelled_at_once_and_says_so() {
    let (server, host, receiver) = (Server::start(PROGRAMS), photo_host(), Host::receiver());
    host.hold();
    let body =
        json!({"prompt": inverted_photo(), "files": photo_from(&host), "webhook": receiver.url("/hook")});
    let id = server.submit(&body);
    host.await_requests(1);
    let cancel = format!("/workflows/default/runs/{id}/cancel");
    let run = server.post(&cancel, &Value::Null).expect_status(200).json();
    assert_eq!((&run["status"], &run["output"]), (&json!("CANCELLED"), &Value::Null));
    host.release();
    let told: Vec<Value> = receiver.await_requests(1).iter().map(comfyicu_tests::Received::json).collect();
    assert_eq!(told[0], run);
    assert_eq!(server.run(&id), run);
    // Still cancelled after a crash, and after whatever the host sent meanwhile.
    let server = server.crash_and_restart();
    assert_eq!(server.run(&id)["status"], "CANCELLED");
    assert_eq!(names(&server.get(&format!("/workflows/default/runs/{id}/events"))), ["queued", "cancelled"]);
}

#[test]
fn a_create_that_is_repeated_after_a_crash_makes_no_second_run() {
    let server = Server::start(PROGRAMS);
    let body = json!({"prompt": empty_image()}).to_string();
    let create = |server: &Server| {
        let headers = [("idempotency-key", "once"), ("content-type", "application/json")];
        let url = server.url("/workflows/default/runs");
        request("POST", &url, &headers, body.as_bytes()).expect_status(200).json()
    };
    let first = create(&server);
    let server = server.crash_and_restart();
    assert_eq!(create(&server), first);
    assert_eq!(server.get("/workflows/default/runs").json().as_array().unwrap().len(), 1);
}
