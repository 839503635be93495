//! Lists, and what is done to several runs.

use crate::command::without_markers;
use crate::{Command, Response, Service};

const RUNS: &str = r#"[
    {"id":"c3","status":"QUEUED","created_at":"2026-01-03T00:00:00.000Z","accelerator":"L4"},
    {"id":"b2","status":"ERROR","created_at":"2026-01-02T00:00:00.000Z","started_at":"2026-01-02T00:00:01.000Z","completed_at":"2026-01-02T00:00:03.500Z","output":{"error":{"exception_message":"no memory\nat all"}}},
    {"id":"a1","status":"COMPLETED","created_at":"2026-01-01T00:00:00.000Z","started_at":"2026-01-01T00:00:01.000Z","completed_at":"2026-01-01T00:01:00.000Z","output":[{"filename":"/workflows/w/output/a1/fox.png","url":"https://h/fox.png"}],
     "files":{"/input/a.png":"https://h/a.png"},"data":{"prompt":{"9":{"class_type":"SaveImage","inputs":{}}},"accelerator":"A10","webhook":"https://h/hook","extra_data":{"x":1}}}]"#;

/// Has three runs; cancels them, and takes new ones.
fn service() -> Service {
    Service::start(|request, _| {
        let (method, path) = request.line.split_once(' ').unwrap();
        let last = path.rsplit('/').next().unwrap();
        match (method, last) {
            ("GET", "capabilities") => Response::ok(r#"{"cancel": true, "idempotency_keys": true}"#),
            ("GET", list) if list.starts_with("runs") => Response::ok(RUNS),
            ("GET", "workflows") => Response::ok(
                r#"[{"id":"w1","name":"foxes","updated_at":"2026-01-01T00:00:00.000Z","visibility":"PRIVATE"},{"id":"w2"}]"#,
            ),
            ("GET", "w1") => Response::ok(r#"{"id":"w1","name":"foxes","tags":["a","b"]}"#),
            ("GET", "b2") => Response::ok(
                r#"{"id":"b2","status":"ERROR","output":{"error":{"exception_message":"no memory"}}}"#,
            ),
            ("GET", "a1") => Response::ok(
                RUNS.split_once("{\"id\":\"a1\"")
                    .map(|(_, run)| format!("{{\"id\":\"a1\"{}", run.trim_end_matches(']')))
                    .unwrap(),
            ),
            ("GET", "c3") => Response::ok(r#"{"id":"c3","status":"COMPLETED","output":[]}"#),
            ("POST", "cancel") => Response::ok(r#"{"id":"c3","status":"CANCELLED"}"#),
            ("POST", "runs") => Response::ok(r#"{"id":"new1"}"#),
            _ => Response::new(404, ""),
        }
    })
}

#[test]
fn runs_are_a_table_for_programs_and_an_object() {
    let command = Command::on(&service());
    let outcome = command.run(&["runs", "list", "-w", "w"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(outcome.stdout.replace('\t', "|"), @"
    c3|QUEUED|2026-01-03T00:00:00.000Z||L4|
    b2|ERROR|2026-01-02T00:00:00.000Z|2.5 s||no memory
    a1|COMPLETED|2026-01-01T00:00:00.000Z|59.0 s||fox.png
    ");
    let outcome = command.run(&["runs", "list", "-w", "w", "--limit", "1"]);
    assert_eq!(
        (outcome.stdout.lines().count(), outcome.stderr.as_str()),
        (1, "note: there are more: --limit 2 has twice as many\n")
    );
    let outcome = command.run(&["runs", "list", "-w", "w", "--limit", "1", "-q"]);
    assert_eq!(outcome.stderr, "");
    let outcome = command.run(&["runs", "list", "-w", "w", "--status", "error", "--json"]);
    assert!(outcome.stdout.starts_with(r#"{"runs":[{"id":"b2","#), "{outcome:?}");
    let outcome = command.run(&[
        "runs",
        "list",
        "--since",
        "2026-01-02T00:00:00Z",
        "--jq",
        ".runs[] | .id, .accelerator",
    ]);
    assert_eq!(outcome.stdout, "c3\nL4\nb2\nnull\n");
}

#[test]
fn workflows_are_listed_and_shown() {
    let command = Command::on(&service());
    let list = command.run(&["workflows", "list"]).stdout;
    assert_eq!(list, "w1\t2026-01-01T00:00:00.000Z\tPRIVATE\tfoxes\nw2\t\t\t\n");
    assert_eq!(command.run(&["workflows", "list", "--jq", ".workflows | length"]).stdout, "2\n");
    insta::assert_snapshot!(command.run(&["workflows", "get", "w1"]).stdout, @"
    workflow     w1
    name         foxes
    tags         a, b
    ");
    let outcome = command.run(&["workflows", "get", "nope"]);
    assert_eq!(outcome.code, Some(8));
    insta::assert_snapshot!(outcome.stderr, @"
    error: there is no workflow nope at http://service
      caused by: GET http://service/api/v1/workflows/nope answered 404 Not Found
    hint: check the id of the run, the workflow (-w) and the service (--base-url); `comfyicu runs list` and `comfyicu workflows list` have what there is
    ");
}

#[test]
fn several_runs_are_lines_and_each_failure_is_told() {
    let command = Command::on(&service());
    let outcome = command.run(&["runs", "get", "a1", "nope", "b2", "--jq", ".id"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(8), "a1\nb2\n"));
    let mut outcome = command.run(&["runs", "wait", "b2", "c3", "--json"]);
    assert_eq!(outcome.code, Some(3));
    let mut lines: Vec<&str> = outcome.stdout.lines().collect();
    lines.sort_unstable();
    assert!(lines[0].starts_with(r#"{"id":"b2""#) && lines[1].starts_with(r#"{"id":"c3""#), "{lines:?}");
    outcome.stderr.truncate(60);
    insta::assert_snapshot!(outcome.stderr, @"
    error: the run b2 ended in ERROR: no memory
    hint: see all th
    ");
}

#[test]
fn the_newest_run_is_meant_where_none_is_named() {
    let command = Command::on(&service());
    assert_eq!(command.run(&["runs", "wait", "-w", "w", "--jq", ".id"]).stdout, "c3\n");
    assert_eq!(command.run(&["runs", "get", "-w", "w", "--status", "ERROR", "--jq", ".id"]).stdout, "b2\n");
    let outcome = command.run(&["runs", "cancel"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr, @"
    error: no run is named
    hint: give ids, or say which: --status QUEUED, --since 1h; `comfyicu runs list` has what there is
    ");
    assert_eq!(command.run(&["runs", "get", "--status", "STARTED"]).code, Some(8));
}

#[test]
fn a_run_is_cancelled_where_the_service_can() {
    let service = service();
    let outcome = Command::on(&service).run(&["runs", "cancel", "c3", "--jq", ".status"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "CANCELLED\n"));
    assert_eq!(service.lines().last().unwrap(), "POST /api/v1/workflows/default/runs/c3/cancel");
    let other = Service::start(|_, _| Response::new(404, ""));
    let outcome = Command::on(&other).run(&["runs", "cancel", "c3"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the service at http://service cannot cancel runs
    hint: it is an extension of the self-hosted server; `comfyicu doctor` says what this service offers
    ");
}

#[test]
fn a_run_is_made_again_of_what_it_was_made_of() {
    let service = service();
    let outcome = Command::on(&service).run(&["runs", "retry", "a1"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "new1\n"), "{outcome:?}");
    insta::assert_snapshot!(without_markers(&service.seen().last().unwrap().body), @r#"{"workflow_id":"default","prompt":{"9":{"class_type":"SaveImage","inputs":{}}},"files":{"/input/a.png":"https://h/a.png"},"accelerator":"A10","extra_data":{"x":1,"comfyicu_submit":"MARKER"}}"#);
    let outcome = Command::on(&service).run(&["runs", "retry", "b2"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr, @"
    error: the service does not say what the run b2 was made of, so it cannot be run again
    hint: submit its prompt again: comfyicu run PROMPT
    ");
}

#[test]
fn what_happens_is_told_line_by_line() {
    let command = Command::on(&service());
    let outcome = command.run(&["runs", "watch", "a1", "--jq", "[.event, .run_id, .run.status]"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "[\"ended\",\"a1\",\"COMPLETED\"]\n"));
    let outcome = command.run(&["runs", "watch", "a1"]);
    assert_eq!(outcome.stdout, "2026-01-01T00:01:00.000Z  a1  COMPLETED\n");
    assert_eq!(command.run(&["runs", "watch", "b2"]).code, Some(3));
}

#[test]
fn a_run_is_found_by_its_marker() {
    let service = Service::start(|_, _| {
        Response::ok(r#"[{"id":"r1","data":{"extra_data":{"comfyicu_submit":"m1"}}}]"#)
    });
    let outcome = Command::on(&service).run(&["runs", "find", "m2"]);
    assert_eq!(outcome.code, Some(8));
    insta::assert_snapshot!(outcome.stderr, @"
    error: none of the newest runs of the workflow default has this marker
    hint: a run has taken 45 s to appear: look again then, before you submit it anew
    ");
}

#[test]
fn a_bad_expression_is_2_before_anything_is_sent() {
    let service = service();
    let outcome = Command::on(&service).run(&["runs", "list", "--jq", ".runs["]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(service.seen().is_empty());
}

#[test]
fn requests_are_told_without_the_key() {
    let outcome = Command::on(&service()).run(&["workflows", "list", "-v"]);
    assert!(outcome.stderr.contains("/workflows") && outcome.stderr.contains("200"), "{outcome:?}");
    assert_eq!(outcome.stdout.lines().count(), 2);
}

#[test]
fn colours_are_for_who_wants_them() {
    let command = Command::on(&service());
    assert!(!command.run(&["runs", "get", "nope"]).stderr.contains('\u{1b}'));
    assert!(
        command
            .run(&["runs", "get", "nope", "--color", "always"])
            .stderr
            .contains("\u{1b}[1m\u{1b}[31merror")
    );
    assert!(!command.run(&["runs", "get", "nope", "--color", "never"]).stderr.contains('\u{1b}'));
}
