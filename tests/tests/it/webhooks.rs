//! Each run tells of its start and of its end.

use comfyicu_tests::{Host, Reply, Server, eventually};
use serde_json::{Value, json};

use crate::PROGRAMS;
use crate::prompts::{empty_image, inverted_photo, photo_from};

/// The bodies that arrived for a run, once its end is among them.
#[track_caller]
pub(crate) fn bodies_until_the_end(receiver: &Host, run: &str) -> Vec<Value> {
    eventually("the webhook of the end", || {
        let mut bodies: Vec<Value> = receiver.received().iter().map(comfyicu_tests::Received::json).collect();
        bodies.retain(|body| body["id"] == run);
        bodies.iter().any(|body| !body["completed_at"].is_null()).then_some(bodies)
    })
}

pub(crate) fn statuses(bodies: &[Value]) -> Vec<&str> {
    bodies.iter().map(|body| body["status"].as_str().unwrap()).collect()
}

#[test]
fn start_and_completion_are_told_with_the_run_as_it_was() {
    let (server, receiver) = (Server::start(PROGRAMS), Host::receiver());
    let webhook = receiver.url("/api/comfyicu-webhook?from=tests");
    let id = server.submit(&json!({"prompt": empty_image(), "webhook": webhook}));
    let bodies = bodies_until_the_end(&receiver, &id);
    assert_eq!(statuses(&bodies), ["STARTED", "COMPLETED"]);

    let [started, completed] = bodies.as_slice() else { panic!("two bodies") };
    assert!(started["started_at"].is_string());
    assert_eq!((&started["completed_at"], &started["output"]), (&Value::Null, &Value::Null));
    assert_eq!(completed["output"].as_array().unwrap().len(), 1);
    assert_eq!(*completed, server.run(&id));

    let request = &receiver.received()[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/api/comfyicu-webhook?from=tests")
    );
    let kind =
        request.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
    assert!(kind.is_some_and(|kind| kind.starts_with("application/json")), "{:?}", request.headers);
}

#[test]
fn a_run_that_fails_tells_so() {
    let (server, receiver) = (Server::start(PROGRAMS), Host::receiver());
    let broken = Host::start(|_| Reply::ok("no image at all"));
    let id = server.submit(&json!({
        "prompt": inverted_photo(), "files": photo_from(&broken), "webhook": receiver.url("/hook")
    }));
    let bodies = bodies_until_the_end(&receiver, &id);
    assert_eq!(statuses(&bodies).last(), Some(&"ERROR"));
    assert_eq!(bodies.last(), Some(&server.run(&id)));
}

#[test]
fn every_run_tells_for_itself() {
    let (server, receiver) = (Server::start(PROGRAMS), Host::receiver());
    let webhook = receiver.url("/hook");
    let ids: Vec<String> =
        (0..5).map(|_| server.submit(&json!({"prompt": empty_image(), "webhook": webhook}))).collect();
    for id in &ids {
        assert_eq!(statuses(&bodies_until_the_end(&receiver, id)), ["STARTED", "COMPLETED"], "{id}");
    }
}

#[test]
fn a_receiver_that_is_out_of_order_does_not_harm_the_run() {
    let server = Server::start(PROGRAMS);
    let receiver = Host::start(|_| Reply::status(500));
    let id = server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    assert_eq!(server.ended_run(&id)["status"], "COMPLETED");
    assert_eq!(statuses(&bodies_until_the_end(&receiver, &id)), ["STARTED", "COMPLETED"]);
}

#[test]
fn a_run_without_a_webhook_is_a_run() {
    let server = Server::start(PROGRAMS);
    for webhook in [Value::Null, Value::from("")] {
        let id = server.submit(&json!({"prompt": empty_image(), "webhook": webhook}));
        let run = server.ended_run(&id);
        assert_eq!(run["status"], "COMPLETED");
        assert!([Value::Null, Value::from("")].contains(&run["webhook"]), "{run}");
    }
}
