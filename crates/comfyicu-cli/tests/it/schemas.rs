//! What `--json` writes is what the schemas of the book say.

use std::fs;
use std::path::PathBuf;

use crate::{Command, Response, Service};

/// The folder of the schemas.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema")
}

/// Checks each line of a text against a schema.
#[track_caller]
fn fits(schema: &str, text: &str) {
    let schema = fs::read_to_string(folder().join(format!("{schema}.json"))).unwrap();
    let schema = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    assert!(!text.trim().is_empty(), "nothing was written");
    for line in text.lines() {
        let value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {line}");
    }
}

/// Has one run that is complete, tells of it, and takes new ones.
fn service() -> Service {
    Service::start(|request, url| {
        let (method, path) = request.line.split_once(' ').unwrap();
        let path = path.split('?').next().unwrap();
        let run = format!(
            r#"{{"id":"run1","workflow_id":"default","status":"COMPLETED","data":{{"prompt":{{"9":{{"class_type":"SaveImage","inputs":{{}}}}}}}},"output":[{{"filename":"/workflows/default/output/run1/a.png","url":"{url}/a.png"}}]}}"#
        );
        match (method, path.rsplit('/').next().unwrap()) {
            ("GET", "capabilities") => {
                Response::ok(r#"{"events": true, "cancel": true, "idempotency_keys": true}"#)
            }
            ("GET", "events") => Response::events(&[
                ("queued", r#"{"run_id":"run1","status":"QUEUED","position":2}"#),
                ("node", r#"{"run_id":"run1","node_id":"3","class_type":"KSampler","done":0,"total":2}"#),
                ("progress", r#"{"run_id":"run1","node_id":"3","value":7,"max":20}"#),
                (
                    "output",
                    r#"{"run_id":"run1","node_id":"9","filename":"/workflows/default/output/run1/a.png"}"#,
                ),
                ("new", r#"{"run_id":"run1","x":1}"#),
                ("completed", r#"{"run_id":"run1","status":"COMPLETED"}"#),
            ]),
            ("GET", "runs") => Response::ok(format!("[{run}]")),
            ("POST", "runs") => Response::ok(r#"{"id":"run1"}"#),
            ("GET", "workflows") => Response::ok(r#"[{"id":"w1","name":"foxes"}]"#),
            ("GET", "w1") => Response::ok(r#"{"id":"w1"}"#),
            ("GET", "a.png") => Response::ok("png"),
            ("GET", "run1") | ("POST", "cancel") => Response::ok(run),
            _ => Response::new(404, ""),
        }
    })
}

#[test]
fn every_output_fits_its_schema() {
    let service = service();
    let command = Command::on(&service);
    let broken = r#"{"9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}}"#;
    fs::write(command.path("broken.json"), broken).unwrap();
    let outputs: &[(&str, &[&str])] = &[
        ("run", &["runs", "get", "run1"]),
        ("run", &["runs", "wait", "run1"]),
        ("run", &["runs", "cancel", "run1"]),
        ("run-result", &["run", "prompt.json"]),
        ("run-result", &["runs", "download", "run1"]),
        ("submitted", &["run", "prompt.json", "--detach"]),
        ("submitted", &["runs", "retry", "run1"]),
        ("runs", &["runs", "list"]),
        ("workflows", &["workflows", "list"]),
        ("workflow", &["workflows", "get", "w1"]),
        ("event", &["runs", "watch", "run1"]),
        ("batch-item", &["batch", "prompt.json", "--vary", "3.seed=1,2"]),
        ("batch-plan", &["batch", "prompt.json", "--vary", "3.seed=1,2", "--dry-run"]),
        ("findings", &["prompt", "check", "broken.json"]),
        ("findings", &["run", "broken.json"]),
        ("delivery", &["webhooks", "trigger", "started", "--to", &service.url]),
        ("checks", &["doctor"]),
        ("setting", &["config", "get", "base_url"]),
        ("settings", &["config", "list"]),
        ("auth-status", &["auth", "status"]),
        ("nodes", &["prompt", "nodes", "prompt.json"]),
        ("input", &["prompt", "get", "prompt.json", "3.seed"]),
        ("hash", &["prompt", "hash", "prompt.json"]),
    ];
    for (schema, args) in outputs {
        let outcome = command.run(&[args, &["--json"][..]].concat());
        assert!(!outcome.stdout.is_empty(), "{args:?} wrote nothing: {outcome:?}");
        fits(schema, &outcome.stdout);
    }
}
