//! What goes wrong is said in words, and told apart by the exit code.

use std::net::TcpListener;

use comfyicu_tests::{Cli, Finished, Host, Reply, Server};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::PROGRAMS;
use crate::prompts::{empty_image, inverted_photo, photo_host};

/// Runs a prompt given as text, for which nothing is to be saved.
fn run(cli: &Cli, prompt: &str, more: &[&str]) -> Finished {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("prompt.json");
    std::fs::write(&path, prompt).unwrap();
    let mut args = vec!["run", path.to_str().unwrap()];
    args.extend(more);
    cli.run(args)
}

#[track_caller]
fn assert_says(finished: &Finished, words: &[&str]) {
    for word in words {
        assert!(finished.stderr.contains(word), "`{word}` is missing in:\n{}", finished.stderr);
    }
}

#[test]
fn an_unknown_class_is_refused_with_the_nearest_that_there_is() {
    let server = Server::start(PROGRAMS);
    let mut prompt = empty_image();
    prompt["57:8"] = json!({"class_type": "ImageInvertt", "inputs": {"image": ["1", 0]}});
    prompt["2"]["inputs"]["images"] = json!(["57:8", 0]);
    let refused = run(&server.cli(), &prompt.to_string(), &[]).ended_with(7);
    assert_says(&refused, &["57:8", "ImageInvertt", "ImageInvert`", "--no-check"]);
    let refused = run(&server.cli(), &prompt.to_string(), &["--no-check"]).ended_with(7);
    assert_says(&refused, &["57:8", "ImageInvertt", "ImageInvert`", "serve --comfyui"]);
    // It was refused before it became a run.
    assert_eq!(server.get("/workflows/default/runs").json(), json!([]));
}

#[test]
fn input_that_cannot_be_read_is_a_usage_error() {
    let server = Server::start(PROGRAMS);
    let cli = server.cli();
    let broken = run(&cli, "{\n  \"1\": {\n", &[]).ended_with(2);
    assert_says(&broken, &["prompt.json", "line 3"]);
    let missing = cli.run(["run", "no/such/prompt.json"]).ended_with(2);
    assert_says(&missing, &["no/such/prompt.json"]);
    let prompt = empty_image().to_string();
    let unset = run(&cli, &prompt, &["--set", "9.width=3"]).ended_with(2);
    assert_says(&unset, &["9"]);
    let file = run(&cli, &prompt, &["--file", "/input/a.png=no/such/file.png"]).ended_with(2);
    assert_says(&file, &["no/such/file.png"]);
    let flag = cli.run(["run", "--no-such-flag"]).ended_with(2);
    assert_says(&flag, &["--no-such-flag"]);
}

#[test]
fn a_destination_outside_of_comfyui_is_rejected() {
    let (server, host) = (Server::start(PROGRAMS), photo_host());
    for path in ["/input/../../../etc/cron.d/x", "/etc/passwd", "/input/a/../../b.png"] {
        let body = json!({"prompt": empty_image(), "files": {path: host.url("/a.png")}});
        let answer = server.post("/workflows/default/runs", &body);
        assert!(matches!(answer.status, 400 | 422), "{path}: {}", answer.status);
        assert!(answer.json()["error"]["message"].is_string(), "{path}");
        let entry = format!("{path}={}", host.url("/a.png"));
        let refused = run(&server.cli(), &empty_image().to_string(), &["--file", &entry]);
        assert!(matches!(refused.code, Some(2 | 7)), "{refused:?}");
    }
    assert!(host.received().is_empty(), "{:?}", host.received());
}

#[test]
fn a_run_that_fails_says_at_which_node() {
    let (server, host) = (Server::start(PROGRAMS), Host::start(|_| Reply::ok("no image at all")));
    let file = format!("/input/photo.jpg={}", host.url("/photo.jpg"));
    let failed = run(&server.cli(), &inverted_photo().to_string(), &["--file", &file]).ended_with(3);
    assert_says(&failed, &["LoadImage", "photo.jpg"]);

    let failed =
        run(&server.cli(), &inverted_photo().to_string(), &["--file", &file, "--json"]).ended_with(3);
    let shown: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!(shown["run"]["status"], "ERROR");
    assert!(shown["run"]["output"]["error"]["exception_message"].is_string(), "{shown}");
}

#[test]
fn a_file_that_cannot_be_fetched_fails_the_run_and_is_named() {
    let (server, host) = (Server::start(PROGRAMS), Host::start(|_| Reply::status(404)));
    let file = format!("/input/photo.jpg={}", host.url("/gone.jpg"));
    let failed = run(&server.cli(), &inverted_photo().to_string(), &["--file", &file]).ended_with(3);
    assert_says(&failed, &["/input/photo.jpg", "404"]);
}

#[test]
fn a_server_that_is_not_there_is_told_apart() {
    // A port that was free a moment ago, and on which nobody listens now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cli = Cli::new(PROGRAMS).env("COMFYICU_BASE_URL", &format!("http://{address}"));
    let failed = run(&cli, &empty_image().to_string(), &[]).ended_with(6);
    assert_says(&failed, &[&address.to_string()]);
    let sick = Host::start(|_| Reply::status(500));
    let cli = Cli::new(PROGRAMS).env("COMFYICU_BASE_URL", &sick.url(""));
    assert_says(&run(&cli, &empty_image().to_string(), &[]).ended_with(6), &["500"]);
}

#[test]
fn a_run_that_does_not_exist_is_not_found() {
    let server = Server::start(PROGRAMS);
    let id = "AAAAAAAAAAAAAAAAAAAAA";
    for verb in ["get", "wait", "download"] {
        assert_says(&server.cli().run(["runs", verb, id]).ended_with(8), &[id]);
    }
    let answer = server.get(&format!("/workflows/default/runs/{id}")).expect_status(404).json();
    for part in ["code", "message", "request_id"] {
        assert!(answer["error"][part].is_string(), "{part}: {answer}");
    }
}

#[test]
fn waiting_has_a_bound() {
    let (server, host) = (Server::start(PROGRAMS), photo_host());
    host.hold();
    let file = format!("/input/photo.jpg={}", host.url("/photo.jpg"));
    let detached =
        run(&server.cli(), &inverted_photo().to_string(), &["--file", &file, "--detach", "--json"]);
    let run: Value = serde_json::from_str(&detached.succeeded()).unwrap();
    let id = run["id"].as_str().unwrap();
    let gave_up = server.cli().run(["runs", "wait", id, "--timeout", "1s"]).ended_with(5);
    assert_says(&gave_up, &[id]);
    host.release();
    server.cli().run(["runs", "wait", id]).succeeded();
}

#[test]
fn the_hosted_service_needs_a_key_and_a_workflow() {
    let prompt = empty_image().to_string();
    let keyless = run(&Cli::new(PROGRAMS), &prompt, &["-w", "some-workflow"]).ended_with(4);
    assert_says(&keyless, &["COMFYICU_API_KEY"]);
    let nowhere = run(&Cli::new(PROGRAMS).env("COMFYICU_API_KEY", "key"), &prompt, &[]).ended_with(2);
    assert_says(&nowhere, &["COMFYICU_WORKFLOW"]);
}
