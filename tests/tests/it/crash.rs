//! A run that was accepted survives the server's sudden death, and ends once.

use comfyicu_tests::{Host, Server, ServerOptions, eventually};
use serde_json::{Value, json};

use crate::PROGRAMS;
use crate::prompts::{empty_image, inverted_photo, photo_from, photo_host};
use crate::webhooks::{bodies_until_the_end, statuses};

/// A server whose outputs keep their addresses over a restart, which brings another port.
fn server() -> Server {
    let args = ["--allow-host", "127.0.0.1", "--public-url", "http://comfy.example"];
    ServerOptions::new(PROGRAMS).args(args).start()
}

/// Checks that a run ended well, and that its two webhooks came, the end just once for each process that
/// could send it.
#[track_caller]
fn assert_completed_and_told(server: &Server, receiver: &Host, id: &str) {
    let run = server.ended_run(id);
    assert_eq!(run["status"], "COMPLETED", "{run}");
    assert_eq!(run["output"].as_array().unwrap().len(), 1, "{run}");
    let bodies = bodies_until_the_end(receiver, id);
    let told = statuses(&bodies);
    assert!(told.contains(&"STARTED") && told.contains(&"COMPLETED"), "{told:?}");
    let ended = bodies.iter().find(|body| body["status"] == "COMPLETED");
    assert_eq!(ended, Some(&run));
}

#[test]
fn a_run_killed_on_its_way_completes_after_a_restart() {
    let (host, receiver) = (photo_host(), Host::receiver());
    let server = server();
    // The file's host does not answer, so the run cannot end before the server does.
    host.hold();
    let body =
        json!({"prompt": inverted_photo(), "files": photo_from(&host), "webhook": receiver.url("/hook")});
    let id = server.submit(&body);
    host.await_requests(1);
    let before = server.run(&id);
    assert!(before["completed_at"].is_null(), "{before}");

    let server = server.crash_and_restart();
    host.release();
    assert_completed_and_told(&server, &receiver, &id);
    let after = server.run(&id);
    assert_eq!(after["created_at"], before["created_at"]);
    assert_eq!(after["data"], before["data"]);
}

#[test]
fn a_run_survives_as_many_crashes_as_come() {
    let (host, receiver) = (photo_host(), Host::receiver());
    let mut server = server();
    host.hold();
    let body =
        json!({"prompt": inverted_photo(), "files": photo_from(&host), "webhook": receiver.url("/hook")});
    let id = server.submit(&body);
    for fetches in 1..4 {
        host.await_requests(fetches);
        server = server.crash_and_restart();
    }
    host.release();
    assert_completed_and_told(&server, &receiver, &id);
}

#[test]
fn whatever_was_accepted_is_kept_at_any_moment_of_the_crash() {
    let receiver = Host::receiver();
    let mut server = server();
    let mut ids = Vec::new();
    for _ in 0..4 {
        for _ in 0..5 {
            ids.push(server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")})));
        }
        // Some are queued now, some running, some complete: which ones is the point.
        server = server.crash_and_restart();
    }
    for id in &ids {
        assert_completed_and_told(&server, &receiver, id);
    }
    let listed = server.get("/workflows/default/runs").json();
    let mut listed: Vec<&str> =
        listed.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    listed.reverse();
    assert_eq!(listed, ids);
}

#[test]
fn a_webhook_that_was_not_answered_is_sent_after_the_restart() {
    let receiver = Host::receiver();
    let server = server();
    // The receiver takes the first message and stays silent, so the second one is still to be sent.
    receiver.hold();
    let id = server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    receiver.await_requests(1);
    let run = server.ended_run(&id);
    let server = server.crash_and_restart();
    receiver.release();
    assert_completed_and_told(&server, &receiver, &id);
    assert_eq!(server.run(&id), run);
}

#[test]
fn a_run_is_finished_or_kept_when_the_server_is_asked_to_stop() {
    let server = server();
    let id = server.submit(&json!({"prompt": empty_image()}));
    let options = server.options().clone();
    assert_eq!(server.end_with("TERM"), Some(0));
    let server = options.start();
    let run =
        eventually("the run", || Some(server.run(&id)).filter(|run| run["completed_at"] != Value::Null));
    assert_eq!(run["status"], "COMPLETED");
}
