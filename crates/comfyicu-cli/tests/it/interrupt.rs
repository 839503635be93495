//! Ctrl-C.

use std::io::Write as _;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use crate::{Command, Response, Service};

/// Sends a signal.
fn signal(child: &std::process::Child, name: &str) {
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
}

/// Sends what Ctrl-C sends.
fn interrupt(child: &std::process::Child) {
    signal(child, "-INT");
}

/// Starts a run, interrupts it when a request whose line begins so has arrived, and gives its end.
fn interrupted_at(line: &'static str) -> (Command, crate::command::Outcome) {
    signalled_at(line, "-INT")
}

/// The same with another signal.
fn signalled_at(line: &'static str, name: &str) -> (Command, crate::command::Outcome) {
    let (arrived, wait) = mpsc::channel();
    let arrived = Arc::new(Mutex::new(arrived));
    let service = Service::start(move |request, url| {
        if request.line.starts_with(line) {
            arrived.lock().unwrap().send(()).unwrap();
            // The answer never comes.
            std::thread::park();
        }
        if request.line.starts_with("POST") {
            return Response::ok(r#"{"id": "run1"}"#);
        }
        Response::ok(format!(
            r#"{{"id":"run1","status":"COMPLETED","output":[{{"filename":"/workflows/w/output/run1/a.png","url":"{url}/a.png"}}]}}"#
        ))
    });
    let command = Command::on(&service);
    let child = command.start(&["run", "prompt.json"]);
    wait.recv().unwrap();
    signal(&child, name);
    let outcome = command.end(child);
    (command, outcome)
}

#[test]
fn while_the_prompt_is_read_nothing_happened_yet() {
    let command = Command::bare();
    let mut child = command.start(&["run", "-", "-w", "w"]);
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: when it is written, the other side reads.
    stdin.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    interrupt(&child);
    let outcome = command.end(child);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(130), ""));
    insta::assert_snapshot!(outcome.stderr, @"error: interrupted");
}

#[test]
fn while_submitting_the_run_may_exist() {
    let (_, outcome) = interrupted_at("POST");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(130), ""));
    insta::assert_snapshot!(outcome.stderr, @"
    error: interrupted while the run was submitted; it may exist all the same
    hint: look for the run before you run it again: it may be there, and cost
    hint: it has the marker MARKER: comfyicu runs find -w default MARKER
    ");
}

#[test]
fn while_waiting_the_run_goes_on() {
    let (_, outcome) = interrupted_at("GET /api/v1/workflows/");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(130), ""));
    insta::assert_snapshot!(outcome.stderr, @"
    error: interrupted; the run goes on
    hint: wait for it: comfyicu runs wait -w default run1
    hint: save its outputs then: comfyicu runs download -w default run1
    ");
}

#[test]
fn while_saving_nothing_half_written_stays() {
    let (command, outcome) = interrupted_at("GET /a.png");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(130), ""));
    assert!(command.files().is_empty());
    insta::assert_snapshot!(outcome.stderr, @"
    error: interrupted; the run has ended, but its outputs are not all saved
    hint: save its outputs: comfyicu runs download -w default run1
    ");
}

#[test]
fn sigterm_ends_it_in_good_order_too() {
    let (command, outcome) = signalled_at("GET /a.png", "-TERM");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(143), ""));
    assert!(command.files().is_empty());
    assert!(outcome.stderr.contains("comfyicu runs download -w default run1"), "{outcome:?}");
}

#[test]
fn a_second_ctrl_c_quits_at_once_even_when_nobody_reads() {
    let command = Command::bare();
    let text = "x".repeat(1024 * 1024);
    let prompt = format!(r#"{{"3": {{"class_type": "K", "inputs": {{"text": "{text}", "seed": 1}}}}}}"#);
    std::fs::write(command.path("long.json"), prompt).unwrap();
    let mut child = command.start(&["prompt", "set", "long.json", "3.seed=2"]);
    // It has begun to write more than a pipe holds, and waits for its reader.
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        interrupt(&child);
    };
    assert_eq!(status.code(), Some(130));
}
