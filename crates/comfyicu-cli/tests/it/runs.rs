//! `comfyicu runs`.

use crate::{Command, Response, Service};

const COMPLETED: &str = r#"{"id":"run1","status":"COMPLETED","output":[{"filename":"/workflows/w/output/run1/sub/a.png","url":"URL/a.png"}]}"#;

fn service(run: &'static str) -> Service {
    Service::start(move |request, url| {
        if request.line == "GET /a.png" {
            return Response::ok("png");
        }
        assert_eq!(request.line, "GET /api/v1/workflows/w/runs/run1");
        Response::ok(run.replace("URL", url))
    })
}

#[test]
fn get_shows_a_run() {
    let service = service(COMPLETED);
    let outcome = Command::on(&service).run(&["runs", "get", "-w", "w", "run1"]);
    assert_eq!(outcome.code, Some(0));
    insta::assert_snapshot!(outcome.stdout, @"
    run          run1
    status       COMPLETED
    output       http://service/a.png
    ");
    let command = Command::on(&service).env("COMFYICU_WORKFLOW", "w");
    let outcome = command.run(&["runs", "get", "run1", "--json"]);
    assert_eq!(outcome.stdout.trim_end(), COMPLETED.replace("URL", "http://service"));
}

#[test]
fn wait_ends_with_the_run() {
    let service = service(COMPLETED);
    let outcome = Command::on(&service).run(&["runs", "wait", "-w", "w", "run1"]);
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stdout.contains("COMPLETED"), "{outcome:?}");
}

#[test]
fn download_saves_the_outputs() {
    let service = service(COMPLETED);
    let command = Command::on(&service);
    let outcome = command.run(&["runs", "download", "-w", "w", "run1", "-o", "out"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "out/sub/a.png\n"));
    assert_eq!(command.files(), ["out/sub/a.png"]);
}

#[test]
fn a_run_that_goes_on_is_neither_waited_for_ever_nor_saved() {
    let service = service(r#"{"id":"run1","status":"STARTED"}"#);
    let command = Command::on(&service);
    let outcome = command.run(&["runs", "wait", "-w", "w", "run1", "--timeout", "300ms"]);
    assert_eq!(outcome.code, Some(5));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the run run1 has not ended within 0.3 s; it was STARTED when last seen
    hint: wait for it: comfyicu runs wait -w w run1
    hint: save its outputs then: comfyicu runs download -w w run1
    ");
    let outcome = command.run(&["runs", "download", "-w", "w", "run1", "--base-url", &service.url]);
    assert_eq!(outcome.code, Some(5));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the run has not ended, so there is nothing to save: its status is STARTED
    hint: wait for it: comfyicu runs wait --base-url http://service -w w run1
    hint: save its outputs then: comfyicu runs download --base-url http://service -w w run1
    ");
}

#[test]
fn a_run_that_has_failed_says_why_and_is_shown() {
    let service = service(
        r#"{"id":"run1","status":"ERROR","output":{"error":{"exception_message":"boom","exception_type":"ValueError","node_id":"3","node_type":"KSampler"}}}"#,
    );
    let command = Command::on(&service);
    let outcome = command.run(&["runs", "wait", "-w", "w", "run1"]);
    assert_eq!(outcome.code, Some(3));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the run run1 ended in ERROR: boom
      - node 3 (KSampler): ValueError
    hint: see all that is known of it: comfyicu runs get -w w run1 --json
    ");
    assert!(outcome.stdout.contains("boom"), "{outcome:?}");
    let outcome = command.run(&["runs", "download", "-w", "w", "run1"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(3), ""));
}
