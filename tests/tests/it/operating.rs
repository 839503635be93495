//! What whoever runs the server has: limits on connections, the log of a run, dashboards and alerts.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use comfyicu_tests::{PATIENCE, Server, ServerOptions, eventually, in_ci, repository, run_bounded};
use serde_json::{Value, json};

use crate::PROGRAMS;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.base_url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What has a body: where it goes, and of what kind it is.
const KINDS: [(&str, &str); 3] = [
    ("/api/v1/workflows/w/runs", "application/json"),
    ("/api/v1/uploads", "application/octet-stream"),
    ("/api/v1/uploads", "multipart/form-data; boundary=B"),
];

/// What the server says until it closes the connection.
fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("it is not closed: {error}"),
        _ => String::from_utf8_lossy(&said).into_owned(),
    }
}

#[test]
fn who_says_nothing_or_half_a_head_loses_the_connection_and_others_are_served() {
    let server = ServerOptions::new(PROGRAMS).args(["--header-timeout", "1s"]).start();
    let mut silent = connect(&server);
    let mut slow = connect(&server);
    slow.write_all(b"GET /api/v1/workflows HTTP/1.1\r\nhost: localhost\r\n").unwrap();
    server.get("/workflows").expect_status(200).json();
    assert_eq!(rest(&mut silent), "");
    assert!(!rest(&mut slow).contains("200 OK"));
}

#[test]
fn a_body_that_pauses_is_given_up() {
    let server = ServerOptions::new(PROGRAMS).args(["--body-timeout", "1s"]).start();
    for (path, kind) in KINDS {
        let mut slow = connect(&server);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: 100\r\n\r\n-"
        );
        slow.write_all(head.as_bytes()).unwrap();
        let answer = rest(&mut slow);
        assert!(
            answer.starts_with("HTTP/1.1 408 ") && answer.contains("paused for too long"),
            "{path} {kind}: {answer}"
        );
    }
}

#[test]
fn a_body_that_says_that_it_is_too_large_is_refused_before_it_comes() {
    let server = ServerOptions::new(PROGRAMS).args(["--max-body", "1MiB", "--max-file-size", "1MiB"]).start();
    for (path, kind) in KINDS {
        let mut large = connect(&server);
        let length = 3 << 20;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
        );
        large.write_all(head.as_bytes()).unwrap();
        let answer = rest(&mut large);
        assert!(
            answer.starts_with("HTTP/1.1 413 ") && answer.contains("too_large"),
            "{path} {kind}: {answer}"
        );
    }
}

#[test]
fn a_form_of_other_fields_without_end_is_refused() {
    let server = ServerOptions::new(PROGRAMS).args(["--max-file-size", "1MiB"]).start();
    let mut endless = connect(&server);
    let head = "POST /api/v1/uploads HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=B\r\ntransfer-encoding: chunked\r\n\r\n";
    endless.write_all(head.as_bytes()).unwrap();
    let field =
        format!("--B\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\n{}\r\n", "x".repeat(60_000));
    let chunk = format!("{:x}\r\n{field}\r\n", field.len());
    // The server hangs up before all of it is sent.
    let _broken = (0..100).try_for_each(|_| endless.write_all(chunk.as_bytes()));
    let answer = rest(&mut endless);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413 "), "{answer}");
    server.get("/workflows").expect_status(200).json();
}

#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let server = ServerOptions::new(PROGRAMS).args(["--body-timeout", "1s"]).start();
    let mut deaf = connect(&server);
    let request = "GET /api/v1/object_info HTTP/1.1\r\nhost: localhost\r\n\r\n";
    // More than the system keeps for whoever does not read.
    deaf.write_all(request.repeat(200).as_bytes()).unwrap();
    deaf.set_nonblocking(true).unwrap();
    eventually("the connection is closed", || {
        deaf.write(b"\r\n").err().filter(|error| error.kind() != ErrorKind::WouldBlock)
    });
}

#[test]
fn beyond_the_limit_a_connection_waits_for_another_to_be_closed() {
    let server = ServerOptions::new(PROGRAMS).args(["--max-connections", "1"]).start();
    let first = connect(&server);
    let mut second = connect(&server);
    second.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    second.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
    assert!(second.read(&mut [0]).is_err(), "it is not its turn");
    drop(first);
    second.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(rest(&mut second).starts_with("HTTP/1.1 200 "));
}

#[test]
fn the_log_of_a_run_is_there_while_the_server_runs_and_afterwards() {
    let server = ServerOptions::new(PROGRAMS).args(["--log-format", "json"]).start();
    let id = server.submit(&json!({"prompt": {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
    }}));
    server.ended_run(&id);
    let logs = |args: &[&str]| {
        let mut command = Command::new(PROGRAMS.server);
        run_bounded(command.args(args).arg("--data-dir").arg(server.data()).env_clear(), PATIENCE)
    };
    let lines = logs(&["logs", &id, "--json"]).succeeded();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let what: Vec<_> = lines.iter().map(|line| line["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["queued", "started", "completed"]);
    assert_eq!(
        (&lines[0]["workflow_id"], &lines[2]["outputs"]),
        (&json!("default"), &json!(["x_00001_.png"]))
    );
    let text = logs(&["logs", &id]).succeeded();
    assert!(text.lines().count() == 3 && text.contains("completed"), "{text}");
    assert!(logs(&["logs", "AAAAAAAAAAAAAAAAAAAAA"]).ended_with(2).stderr.contains("there is no run"));
    let log = server.log();
    let of_run = log.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(of_run.filter(|line| line["run_id"] == id.as_str()).count() >= 3, "{log}");
}

#[test]
fn promtool_accepts_the_alerts() {
    let rules = repository().join("docs/monitoring/alerts.yml");
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "rules"]).arg(&rules);
    if let Err(error) = Command::new("promtool").arg("--version").output() {
        assert!(!in_ci(), "promtool (the package `prometheus`) is needed: {error}");
        eprintln!("SKIPPED: there is no promtool ({error})");
        return;
    }
    let said = run_bounded(&mut promtool, PATIENCE).succeeded();
    assert!(said.contains("8 rules found"), "{said}");
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_that_there_are() {
    let server = Server::start(PROGRAMS);
    let id = server.submit(&json!({"prompt": {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
    }}));
    server.ended_run(&id);
    let metrics = comfyicu_tests::get(&format!("{}/metrics", server.base_url())).expect_status(200);
    let metrics = String::from_utf8(metrics.body).unwrap();
    let known: Vec<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(known.len() >= 15, "{known:?}");
    for file in ["docs/monitoring/alerts.yml", "docs/monitoring/grafana.json"] {
        let text = std::fs::read_to_string(repository().join(file)).unwrap();
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let names = text.split(|letter| !is_name(letter)).filter(|word| word.starts_with("comfyicu_"));
        let mut count = 0;
        for name in names {
            let base = ["_total", "_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            assert!(known.contains(&base.unwrap_or(name)), "{file} asks for {name}; there are {known:?}");
            count += 1;
        }
        assert!(count > 5, "{file} asks for nothing");
    }
}
