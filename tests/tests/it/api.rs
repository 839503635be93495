//! The API as other clients see it: the run object field by field, lists, views, accelerators.

use std::collections::BTreeSet;

use comfyicu_tests::{Server, ServerOptions, get, repository};
use serde_json::{Value, json};

use crate::PROGRAMS;
use crate::prompts::{empty_image, inverted_photo, photo, photo_from, photo_host};

fn sample(name: &str) -> Value {
    let path = repository().join("tests").join("data").join("samples").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().cloned().collect()
}

/// Which JSON type a value has.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn create_answers_with_the_id_alone() {
    let server = Server::start(PROGRAMS);
    let answer = server.post("/workflows/default/runs", &json!({"prompt": empty_image()})).expect_status(200);
    assert_eq!(keys(&answer.json()), keys(&sample("create-answer.json")));
    assert!(answer.header("content-type").unwrap().starts_with("application/json"));
}

#[test]
fn a_completed_run_has_every_field_of_a_real_one() {
    let server = Server::start(PROGRAMS);
    let id = server.submit(&json!({"workflow_id": "default", "prompt": empty_image()}));
    let (ours, real) = (server.ended_run(&id), sample("run-completed.json"));
    let mut expected = keys(&real);
    expected.insert("x".to_owned());
    assert_eq!(keys(&ours), expected);
    for field in keys(&real) {
        let (ours, real) = (kind(&ours[&field]), kind(&real[&field]));
        // What an account has, a server of one's own has not.
        let may_differ = ["user", "api_key_id", "user_id", "project_id", "name"].contains(&field.as_str());
        assert!(ours == real || may_differ && ours == "null", "{field}: {ours} instead of {real}");
    }
    assert_eq!(keys(&ours["metadata"]), keys(&real["metadata"]));
    assert_eq!(keys(&ours["output"][0]), keys(&real["output"][0]));
    assert_eq!(ours["data"]["prompt"], empty_image());
    assert_eq!(ours["metadata"]["nodes"], json!(["EmptyImage", "SaveImage"]));
    assert_eq!(
        ours["output"][0]["filename"],
        format!("/workflows/default/output/{id}/made/of_nothing_00001_.png")
    );
}

#[test]
fn a_failed_run_has_the_shape_of_a_real_one() {
    let server = Server::start(PROGRAMS);
    let missing = comfyicu_tests::Host::start(|_| comfyicu_tests::Reply::ok("no image"));
    let id = server.submit(&json!({"prompt": inverted_photo(), "files": photo_from(&missing)}));
    let (ours, real) = (server.ended_run(&id), sample("run-error.json"));
    assert_eq!((&ours["status"], &ours["error"]), (&Value::from("ERROR"), &Value::Null));
    assert!(keys(&real).is_subset(&keys(&ours)));
    let error = &ours["output"]["error"];
    assert!(keys(&real["output"]["error"]).is_subset(&keys(error)), "{error}");
    assert_eq!(keys(&error["details"]["error"]), keys(&real["output"]["error"]["details"]["error"]));
    assert!(error["traceback"].is_array());
}

#[test]
fn large_integers_and_floats_come_back_as_they_were() {
    let server = Server::start(PROGRAMS);
    let raw = r#"{"prompt": {"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}, "_meta": {"seed": 18446744073709551615, "huge": 123456789012345678901234567890, "cfg": 8.0, "z": 1, "a": 2}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}}"#;
    let headers = [("content-type", "application/json")];
    let created =
        comfyicu_tests::request("POST", &server.url("/workflows/default/runs"), &headers, raw.as_bytes());
    let id = created.expect_status(200).json()["id"].as_str().unwrap().to_owned();
    let body = server.get(&format!("/workflows/default/runs/{id}")).body;
    let text: String = String::from_utf8(body).unwrap().split_whitespace().collect();
    let meta = r#""_meta":{"seed":18446744073709551615,"huge":123456789012345678901234567890,"cfg":8.0,"z":1,"a":2}"#;
    assert!(text.contains(meta), "{text}");
}

#[test]
fn runs_and_workflows_are_listed() {
    let server = Server::start(PROGRAMS);
    let first = server.submit(&json!({"prompt": empty_image()}));
    let second = server.submit(&json!({"prompt": empty_image()}));
    server.ended_run(&first);
    server.ended_run(&second);
    let runs = server.get("/workflows/default/runs").expect_status(200).json();
    let ids: Vec<&str> = runs.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&second, &first], "the newest comes first");
    assert_eq!(runs[1], server.run(&first));

    let workflows = server.get("/workflows").expect_status(200).json();
    assert_eq!(workflows.as_array().unwrap().len(), 1);
    assert_eq!(workflows[0]["id"], "default");
    let workflow = server.get("/workflows/default").expect_status(200).json();
    for field in ["id", "name", "description", "created_at", "updated_at", "tags", "is_nsfw", "visibility"] {
        assert!(workflow.get(field).is_some(), "{field} is missing: {workflow}");
    }
    assert_eq!(server.get("/workflows/nowhere").status, 404);
}

#[test]
fn outputs_and_inputs_can_be_viewed() {
    let (server, host) = (Server::start(PROGRAMS), photo_host());
    let id = server.submit(&json!({"prompt": inverted_photo(), "files": photo_from(&host)}));
    let run = server.ended_run(&id);
    for (field, content_type, begin) in
        [("url", "image/png", &b"\x89PNG"[..]), ("thumbnail_url", "image/webp", b"RIFF")]
    {
        let url = run["output"][0][field].as_str().unwrap();
        assert!(url.starts_with(server.base_url()), "{field}: {url}");
        let answer = get(url).expect_status(200);
        assert_eq!(answer.header("content-type"), Some(content_type), "{field}");
        assert!(answer.body.starts_with(begin), "{field}");
    }
    let input = server.get("/view/workflows/default/input/photo.jpg").expect_status(200);
    assert_eq!(input.body, std::fs::read(photo()).unwrap());
    for outside in [
        "/view/workflows/default/input/..%2f..%2f..%2fetc%2fpasswd",
        "/view/workflows/default/input/nothing.png",
    ] {
        assert!(matches!(server.get(outside).status, 400 | 404 | 422), "{outside}");
    }
}

#[test]
fn an_accelerator_is_served_or_refused_by_name() {
    let server = Server::start(PROGRAMS);
    let wanted = json!({"prompt": empty_image(), "accelerator": "A100_40GB"});
    let refused = server.post("/workflows/default/runs", &wanted).expect_status(422).json();
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("A100_40GB") && message.contains("CPU"), "{message}");
    let run = server.ended_run(&server.submit(&json!({"prompt": empty_image()})));
    assert_eq!(run["accelerator"], "CPU");

    let any = ServerOptions::new(PROGRAMS).args(["--accelerators", "any"]).start();
    let run = any.ended_run(&any.submit(&wanted));
    assert_eq!((&run["status"], &run["accelerator"]), (&Value::from("COMPLETED"), &Value::from("A100_40GB")));
    // What it ran on stays the truth.
    assert!(!run["device"].as_str().unwrap().contains("A100"), "{run}");

    let some = ServerOptions::new(PROGRAMS).args(["--accelerators", "L4,H100"]).start();
    assert_eq!(some.ended_run(&some.submit(&json!({"prompt": empty_image()})))["accelerator"], "L4");
    some.post("/workflows/default/runs", &wanted).expect_status(422).json();
}

#[test]
fn workflow_ids_are_bounded() {
    let server = Server::start(PROGRAMS);
    let body = json!({"prompt": empty_image()});
    let longest = "w".repeat(64);
    for good in ["a", "With-some_CHARS", &longest] {
        server.post(&format!("/workflows/{good}/runs"), &body).expect_status(200).json();
    }
    let too_long = "w".repeat(65);
    for bad in [too_long.as_str(), "a%20b", "%2e%2e", "a%2fb"] {
        let status = server.post(&format!("/workflows/{bad}/runs"), &body).status;
        assert!(matches!(status, 400 | 404 | 422), "{bad}: {status}");
    }
}
