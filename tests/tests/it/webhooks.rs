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

/// The webhooks of a run, once all have come to their end.
#[track_caller]
fn settled_deliveries(server: &Server, run: &str) -> Vec<Value> {
    eventually("the end of all deliveries", || {
        let log = server.get(&format!("/workflows/default/runs/{run}/deliveries")).expect_status(200).json();
        let log = log.as_array().unwrap().clone();
        let settled = log.len() == 2 && log.iter().all(|delivery| delivery["status"] != "pending");
        settled.then_some(log)
    })
}

#[test]
fn deliveries_are_logged_and_can_be_sent_again() {
    let (server, receiver) = (Server::start(PROGRAMS), Host::receiver());
    let id = server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    let log = settled_deliveries(&server, &id);
    let events: Vec<_> = log.iter().map(|delivery| delivery["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "completed"]);
    for delivery in &log {
        assert_eq!((&delivery["status"], &delivery["next_attempt_at"]), (&json!("delivered"), &Value::Null));
        assert_eq!(
            (delivery["attempts"][0]["status"].as_u64(), &delivery["attempts"][1]),
            (Some(200), &Value::Null)
        );
    }
    let end = log[1]["id"].as_str().unwrap();
    let path = format!("/workflows/default/runs/{id}/deliveries/{end}/resend");
    server.post(&path, &Value::Null).expect_status(200).json();
    let received = receiver.await_requests(3);
    assert_eq!(received[2].header("webhook-id"), Some(end), "a receiver knows it again");
    assert_eq!(received[2].body, received[1].body, "with the run as it was at that change");
    let log = settled_deliveries(&server, &id);
    assert_eq!(log[1]["attempts"].as_array().unwrap().len(), 2);
    let missing = format!("/workflows/default/runs/{id}/deliveries/msg_none/resend");
    assert_eq!(server.post(&missing, &Value::Null).status, 404);
}

#[test]
fn a_webhook_that_was_refused_comes_again() {
    let server = Server::start(PROGRAMS);
    let refused = std::sync::atomic::AtomicBool::new(false);
    let receiver = Host::start(move |request| {
        let is_end = request.json()["status"] == "COMPLETED";
        let first = is_end && !refused.swap(true, std::sync::atomic::Ordering::SeqCst);
        Reply::status(if first { 503 } else { 204 })
    });
    let id = server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    let log = settled_deliveries(&server, &id);
    let answers: Vec<_> =
        log[1]["attempts"].as_array().unwrap().iter().map(|one| one["status"].as_u64()).collect();
    assert_eq!((&log[1]["status"], answers), (&json!("delivered"), vec![Some(503), Some(204)]));
}

#[test]
fn a_receiver_that_is_gone_is_left_alone() {
    let (server, receiver) = (Server::start(PROGRAMS), Host::start(|_| Reply::status(410)));
    let id = server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    for delivery in settled_deliveries(&server, &id) {
        assert_eq!(
            (&delivery["status"], delivery["attempts"].as_array().unwrap().len()),
            (&json!("failed"), 1)
        );
    }
}

#[test]
fn a_slow_receiver_delays_no_other() {
    let (server, slow, fast) = (Server::start(PROGRAMS), Host::receiver(), Host::receiver());
    slow.hold();
    for _ in 0..20 {
        server.submit(&json!({"prompt": empty_image(), "webhook": slow.url("/hook")}));
    }
    slow.await_requests(1);
    let id = server.submit(&json!({"prompt": empty_image(), "webhook": fast.url("/hook")}));
    assert_eq!(statuses(&bodies_until_the_end(&fast, &id)), ["STARTED", "COMPLETED"]);
    slow.release();
}

#[test]
fn the_end_is_told_though_the_start_is_not_answered() {
    let (server, receiver) = (Server::start(PROGRAMS), Host::receiver());
    receiver.hold();
    let id = server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    let bodies: Vec<Value> = receiver.await_requests(2).iter().map(comfyicu_tests::Received::json).collect();
    assert_eq!(statuses(&bodies), ["STARTED", "COMPLETED"], "{id}");
    receiver.release();
}

#[test]
fn webhooks_are_signed_with_each_secret_that_was_set_up() {
    let options = comfyicu_tests::ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1"]);
    let secrets = options.folder().join("secrets");
    std::fs::write(
        &secrets,
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nwhsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
    )
    .unwrap();
    let (server, receiver) = (options.arg("--webhook-secret-file").arg(secrets).start(), Host::receiver());
    server.submit(&json!({"prompt": empty_image(), "webhook": receiver.url("/hook")}));
    for received in receiver.await_requests(2) {
        assert!(received.header("webhook-id").unwrap().starts_with("msg_"));
        assert!(received.header("webhook-timestamp").unwrap().parse::<u64>().is_ok());
        let signature = received.header("webhook-signature").unwrap();
        assert_eq!(signature.split(' ').filter(|one| one.starts_with("v1,")).count(), 2, "{signature}");
    }
}
