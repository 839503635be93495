//! Webhooks: delivered, made up, checked.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Command, Response, Service};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn a_made_up_webhook_is_sent_signed_and_its_answer_shown() {
    let receiver = Service::start(|_, _| Response::ok("thanks"));
    let command = Command::bare();
    let outcome = command.run(&[
        "webhooks",
        "trigger",
        "completed",
        "--to",
        &format!("{}/hook", receiver.url),
        "--secret",
        SECRET,
        "--set",
        "id=my-run",
        "--set",
        "output[0].url=https://h/x.png",
    ]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(
        outcome.stdout.starts_with("my-run COMPLETED → 200 OK in ")
            && outcome.stdout.ends_with("ms\n  thanks\n"),
        "{outcome:?}"
    );
    let seen = receiver.seen();
    assert_eq!(seen[0].line, "POST /hook");
    assert!(seen[0].body.contains(r#""status":"COMPLETED""#) && seen[0].body.contains("https://h/x.png"));
    let header = |name: &str| seen[0].headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
    fs::write(command.path("body.json"), &seen[0].body).unwrap();
    fs::write(command.path("secret.txt"), format!("{SECRET}\n")).unwrap();
    let headers: Vec<String> = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .iter()
        .map(|name| format!("{name}: {}", header(name)))
        .collect();
    let verify = |file: &str| {
        let args = [
            "webhooks",
            "verify",
            "--secret",
            "@secret.txt",
            "-H",
            &headers[0],
            "-H",
            &headers[1],
            "-H",
            &headers[2],
            file,
        ];
        command.run(&args)
    };
    let outcome = verify("body.json");
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(0), "the signature of msg_my-run_COMPLETED fits\n")
    );
    let outcome = verify("prompt.json");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(7), ""));
    assert!(outcome.stderr.starts_with("error: no signature of the webhook fits\n"), "{outcome:?}");
}

#[test]
fn a_receiver_that_does_not_take_it_is_6() {
    let receiver = Service::start(|_, _| Response::new(500, ""));
    let outcome = Command::bare().run(&["webhooks", "trigger", "error", "--to", &receiver.url, "--json"]);
    assert_eq!(outcome.code, Some(6));
    assert!(
        outcome.stdout.contains(r#""answer":500,"error":null"#)
            && outcome.stdout.contains(r#""taken":false"#),
        "{outcome:?}"
    );
    assert_eq!(receiver.seen().len(), 1);
    let nobody = Command::bare().run(&["webhooks", "trigger", "started", "--to", "http://127.0.0.1:1/"]);
    assert_eq!(nobody.code, Some(6));
}

#[test]
fn what_happens_is_delivered_until_it_is_taken() {
    let looks = AtomicUsize::new(0);
    let service = Service::start(move |request, _| {
        if !request.line.ends_with("/runs?limit=100") {
            return Response::new(404, "");
        }
        Response::ok(match looks.fetch_add(1, Ordering::Relaxed) {
            0 => r#"[{"id":"old","status":"COMPLETED"}]"#,
            1 => r#"[{"id":"r1","status":"STARTED"},{"id":"old","status":"COMPLETED"}]"#,
            _ => r#"[{"id":"r1","status":"COMPLETED","output":[]}]"#,
        })
    });
    let tries = AtomicUsize::new(0);
    let receiver = Service::start(move |_, _| {
        Response::new(if tries.fetch_add(1, Ordering::Relaxed) == 0 { 503 } else { 204 }, "")
    });
    let command = Command::on(&service);
    let args = [
        "webhooks",
        "listen",
        "--forward-to",
        &receiver.url,
        "--events",
        "completed",
        "--once",
        "--jq",
        ".attempt, .answer",
    ];
    let outcome = command.run(&args);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "1\n503\n2\n204\n"), "{outcome:?}");
    assert_eq!(receiver.seen()[1].body, r#"{"id":"r1","status":"COMPLETED","output":[]}"#);
    assert!(receiver.seen().iter().all(|request| request.authorization.is_none()));
}

#[test]
fn without_a_receiver_the_bodies_go_to_stdout() {
    let looks = AtomicUsize::new(0);
    let service = Service::start(move |request, _| {
        if !request.line.ends_with("/runs?limit=100") {
            return Response::new(404, "");
        }
        let status = ["QUEUED", "STARTED", "ERROR"][looks.fetch_add(1, Ordering::Relaxed).min(2)];
        Response::ok(format!(r#"[{{"id":"r1","status":"{status}"}}]"#))
    });
    let mut child = Command::on(&service).start(&["webhooks", "listen"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), r#"{"id":"r1","status":"STARTED"}"#);
    assert_eq!(lines.next().unwrap().unwrap(), r#"{"id":"r1","status":"ERROR"}"#);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_secret_that_is_none_is_2_and_not_shown() {
    let outcome = Command::bare().run(&[
        "webhooks",
        "trigger",
        "started",
        "--to",
        "http://127.0.0.1:1",
        "--secret",
        "hunter2",
    ]);
    assert_eq!(outcome.code, Some(2));
    assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
}
