//! The clients that other people write: the documentation's own programs, with only host, key, workflow id and
//! the places left open in them filled in, and one over Python's requests.

mod documentation;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use comfyicu_tests::{
    Background, Finished, Host, Server, ServerOptions, eventually, in_ci, repository, run_bounded,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::PROGRAMS;
use crate::prompts::photo_host;
use documentation::{Documentation, Places};

/// How long a program may take: the documentation's polls every ten seconds.
const BOUND: Duration = Duration::from_mins(2);

/// What such a client meets: a server with keys that takes every accelerator's name, and a host of files.
struct Stage {
    server: Server,
    files: Host,
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let args = ["--allow-host", "127.0.0.1", "--accelerators", "any"];
        let server = ServerOptions::with_keys(PROGRAMS).args(args).start();
        Self { server, files: photo_host(), folder: TempDir::new().unwrap() }
    }

    fn key(&self) -> String {
        fs::read_to_string(self.server.data().join("first-key")).unwrap().trim().to_owned()
    }

    /// What is filled into the documentation's programs.
    fn places(&self) -> Places {
        Places {
            host: self.server.base_url().to_owned(),
            workflow_id: "documented".to_owned(),
            files: self.files.url(""),
            webhook_host: "http://127.0.0.1:1".to_owned(),
            webhook_port: 0,
        }
    }

    /// A node process that runs this program.
    fn node(&self, name: &str, program: &str) -> Command {
        let path = self.folder.path().join(name);
        fs::write(&path, program).unwrap();
        let mut node = Command::new("node");
        node.arg(&path).env("NODE_PATH", node_modules()).env("COMFYICU_API_KEY", self.key());
        node
    }

    /// The runs that the server has.
    fn runs(&self) -> Vec<Value> {
        let bearer = format!("Bearer {}", self.key());
        let url = self.server.url("/workflows/documented/runs");
        let answer = comfyicu_tests::request("GET", &url, &[("authorization", &bearer)], b"");
        answer.expect_status(200).json().as_array().unwrap().clone()
    }

    /// The newest run, once it has ended.
    fn ended_run(&self) -> Value {
        eventually("the end of the run", || {
            self.runs().into_iter().next().filter(|run| !run["completed_at"].is_null())
        })
    }
}

/// Where `.ci/run` puts what the programs import.
fn packages() -> PathBuf {
    repository().join("target").join("doc-clients")
}

fn node_modules() -> PathBuf {
    packages().join("node_modules")
}

fn python() -> Command {
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", packages().join("python"));
    python
}

/// Whether a test has what it needs. Where everything has to be there, what is missing is a failure.
fn is_there(what: &str, there: bool) -> bool {
    assert!(there || !in_ci(), "{what} is missing; `.ci/run` installs what the tests need");
    if !there {
        println!("skipped: {what} is missing");
    }
    there
}

fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The documentation, where it lies beside the repository, and node with the packages that its programs use.
fn documentation() -> Option<Documentation> {
    let Some(documentation) = Documentation::read() else {
        println!("skipped: the documentation of the hosted service is not beside the repository");
        return None;
    };
    let packages = ["node-fetch", "express", "body-parser"];
    let ready = is_there("node", works(Command::new("node").arg("--version")))
        && packages
            .iter()
            .all(|name| is_there(&format!("the npm package {name}"), node_modules().join(name).exists()));
    ready.then_some(documentation)
}

#[track_caller]
fn run(command: &mut Command) -> Finished {
    let finished = run_bounded(command, BOUND).ended_with(0);
    assert!(finished.stdout.ends_with("the last line\n"), "{finished:?}");
    finished
}

#[test]
fn the_documented_run_and_its_polling_end_well() {
    let Some(documentation) = documentation() else { return };
    let stage = Stage::new();
    let said = run(&mut stage.node("polling.mjs", &documentation.polling(&stage.places())));
    let id = stage.ended_run()["id"].as_str().unwrap().to_owned();
    assert!(said.stdout.contains(&format!("{{ id: '{id}' }}")), "{said:?}");
    assert!(said.stdout.contains("Run status is COMPLETED"), "{said:?}");
    assert!(said.stdout.contains("Final status: {"), "{said:?}");
    assert_eq!(said.stderr, "");
}

#[test]
fn the_documented_webhook_receiver_hears_of_start_and_completion() {
    let Some(documentation) = documentation() else { return };
    let stage = Stage::new();
    let mut places = stage.places();
    places.webhook_port = free_port();
    places.webhook_host = format!("http://127.0.0.1:{}", places.webhook_port);
    let mut express = Background::start(&mut stage.node("express.mjs", &documentation.express(&places)));
    express.says("Server running on port");

    run(&mut stage.node("webhook.mjs", &documentation.webhook(&places)));
    assert_eq!(stage.ended_run()["status"], "COMPLETED");
    let said = eventually("both webhooks", || {
        let said = express.stdout();
        (said.matches("Received webhook update").count() == 2).then_some(said)
    });
    assert!(said.contains(r#""status": "STARTED""#) && said.contains(r#""status": "COMPLETED""#), "{said}");
}

/// A port that is free now: the receiver's program has to be told one.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn the_documented_input_files_arrive() {
    let Some(documentation) = documentation() else { return };
    let stage = Stage::new();
    run(&mut stage.node("files.mjs", &documentation.files(&stage.places())));
    let ended = stage.ended_run();
    assert_eq!(ended["status"], "COMPLETED", "{ended}");
    let mut fetched: Vec<String> = stage.files.received().into_iter().map(|request| request.path).collect();
    fetched.sort();
    assert_eq!(fetched, ["/image1.jpg", "/image2.jpg", "/video.mp4"]);
}

#[test]
fn the_documented_custom_models_are_answered_in_words() {
    let Some(documentation) = documentation() else { return };
    let stage = Stage::new();
    // The native executor has no LoraLoader: the program prints the refusal and goes on to its end.
    let said = run(&mut stage.node("models.mjs", &documentation.models(&stage.places())));
    assert!(said.stdout.contains("LoraLoader") && said.stdout.contains("43"), "{said:?}");
}

#[test]
fn the_documented_accelerator_is_taken() {
    let Some(documentation) = documentation() else { return };
    let stage = Stage::new();
    run(&mut stage.node("accelerator.mjs", &documentation.accelerator(&stage.places())));
    let ended = stage.ended_run();
    assert_eq!(
        (&ended["status"], &ended["accelerator"]),
        (&"COMPLETED".into(), &"A100_40GB".into()),
        "{ended}"
    );
}

#[test]
fn a_python_client_does_all_of_it() {
    if !is_there("python3 with requests", works(python().args(["-c", "import requests"]))) {
        return;
    }
    let (stage, receiver) = (Stage::new(), Host::receiver());
    let mut python = python();
    python.arg(repository().join("tests").join("data").join("clients").join("requests_client.py"));
    python.env("COMFYICU_API_KEY", stage.key()).env("HOST", stage.server.base_url());
    python.env("WORKFLOW_ID", "documented").env("FILES", stage.files.url(""));
    python.env("WEBHOOK", receiver.url("/api/comfyicu-webhook"));
    let said = run(&mut python);
    assert!(said.stdout.contains("COMPLETED"), "{said:?}");
    let ended = stage.ended_run();
    assert_eq!(ended["accelerator"], "A100_40GB");
    let bodies = crate::webhooks::bodies_until_the_end(&receiver, ended["id"].as_str().unwrap());
    assert_eq!(crate::webhooks::statuses(&bodies), ["STARTED", "COMPLETED"]);
}
