//! Keys while a server runs: made, looked at, rotated and revoked by another process; usage; settings.

use std::process::Command;

use comfyicu_tests::{Answer, Finished, PATIENCE, Server, ServerOptions, eventually, request, run_bounded};
use serde_json::{Value, json};

use crate::PROGRAMS;

fn command(server: &Server, args: &[&str]) -> Finished {
    let mut command = Command::new(PROGRAMS.server);
    run_bounded(command.args(args).arg("--data-dir").arg(server.data()).env_clear(), PATIENCE)
}

fn get(server: &Server, key: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    request("GET", &server.url(path), &[("authorization", bearer.as_str())], b"")
}

fn create(server: &Server, args: &[&str]) -> (String, String) {
    let made = command(server, &[&["keys", "create", "--json"], args].concat()).succeeded();
    let made: Value = serde_json::from_str(&made).unwrap();
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

fn listed(server: &Server) -> Vec<Value> {
    let list = command(server, &["keys", "list", "--json"]).succeeded();
    serde_json::from_str::<Vec<Value>>(&list).unwrap()
}

#[test]
fn a_key_is_good_as_soon_as_it_is_made_and_nothing_once_it_is_revoked() {
    let server = ServerOptions::with_keys(PROGRAMS).start();
    let (id, key) = create(&server, &["--owner", "team-a", "--name", "ci", "--scopes", "read"]);
    assert_eq!(get(&server, &key, "/workflows").expect_status(200).json(), json!([]));
    let line = command(&server, &["keys", "list"]).succeeded();
    assert!(line.contains(&id) && line.contains("team-a") && !line.contains(&key), "{line}");
    assert!(!server.log().contains(&key), "{}", server.log());

    command(&server, &["keys", "revoke", &id]).succeeded();
    assert_eq!(get(&server, &key, "/workflows").status, 401);
    let again = command(&server, &["keys", "revoke", &id]).ended_with(2);
    assert!(again.stderr.contains("keys list"), "{}", again.stderr);
    let state = listed(&server).into_iter().find(|key| key["id"] == id.as_str()).unwrap();
    assert_eq!(state["state"], "revoked");
}

#[test]
fn a_rotated_key_has_another_text_and_is_the_same_key() {
    let server = ServerOptions::with_keys(PROGRAMS).start();
    let (id, first) = create(&server, &[]);
    let rotate = |args: &[&str]| {
        command(&server, &[&["keys", "rotate", id.as_str()], args].concat()).succeeded().trim().to_owned()
    };
    let second = rotate(&["--grace", "1h"]);
    assert_eq!(get(&server, &first, "/workflows").status, 200, "there is time to change over");
    assert_eq!(get(&server, &second, "/workflows").status, 200);
    let third = rotate(&[]);
    let statuses = [&first, &second, &third].map(|key| get(&server, key, "/workflows").status);
    assert_eq!(statuses, [401, 401, 200], "without a grace no earlier text is good");
    assert_eq!(listed(&server).iter().filter(|key| key["id"] == id.as_str()).count(), 1);
}

#[test]
fn a_key_of_a_server_that_does_not_run_is_made_before_its_first_start() {
    let options = ServerOptions::with_keys(PROGRAMS);
    let data = options.folder().join("data");
    let mut create = Command::new(PROGRAMS.server);
    create.args(["keys", "create", "--owner", "me", "--data-dir"]).arg(&data).env_clear();
    let key = run_bounded(&mut create, PATIENCE).succeeded();
    let server = options.start();
    assert_eq!(get(&server, key.trim(), "/workflows").status, 200);
    assert!(!data.join("first-key").exists(), "there was a key");
    let mut nothing = Command::new(PROGRAMS.server);
    nothing.args(["keys", "list", "--data-dir", "/nowhere/at/all"]).env_clear();
    assert!(run_bounded(&mut nothing, PATIENCE).ended_with(2).stderr.contains("--data-dir"));
}

#[test]
fn usage_is_counted_by_owner_key_and_workflow_and_the_last_use_is_kept() {
    let server = ServerOptions::with_keys(PROGRAMS).start();
    let (id, key) = create(&server, &["--owner", "team-a", "--name", "ci"]);
    let prompt = json!({"prompt": {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
    }});
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    request("POST", &server.url("/workflows/w/runs"), &headers, prompt.to_string().as_bytes())
        .expect_status(200)
        .json();
    let usage = |format: &str| command(&server, &["usage", "--format", format]).succeeded();
    let row = eventually("the run in the usage", || {
        serde_json::from_str::<Vec<Value>>(&usage("json")).unwrap().into_iter().next()
    });
    assert_eq!((&row["owner"], &row["key_id"]), (&json!("team-a"), &json!(id)));
    assert_eq!((&row["workflow_id"], &row["completed"]), (&json!("w"), &json!(1)));
    assert!(usage("csv").starts_with("owner,key_id,key_name,workflow_id,completed,"), "{}", usage("csv"));
    assert!(usage("table").contains("team-a"));
    let elsewhere = command(&server, &["usage", "--format", "json", "--owner", "other"]).succeeded();
    assert_eq!(elsewhere.trim(), "[]");

    let data = server.data().to_owned();
    let options = server.options().clone();
    assert_eq!(server.end_with("TERM"), Some(0));
    let server = options.start();
    assert_eq!(server.data(), data);
    let used = listed(&server).into_iter().find(|key| key["id"] == id.as_str()).unwrap();
    assert!(used["last_used_at"].is_string(), "{used}");
}

#[test]
fn settings_come_from_a_file_and_what_is_wrong_with_it_is_said() {
    let options = ServerOptions::new(PROGRAMS);
    let file = options.folder().join("server.toml");
    let config = |args: &[&str]| {
        let mut command = Command::new(PROGRAMS.server);
        run_bounded(command.arg("config").args(args).env_clear(), PATIENCE)
    };
    let default = config(&["default"]).succeeded();
    std::fs::write(&file, format!("{default}\naccelerators = \"L4\"\n")).unwrap();
    let path = file.to_str().unwrap();
    let checked = config(&["check", "--config", path]).succeeded();
    assert!(
        checked.lines().any(|line| line.starts_with("accelerators ") && line.contains("server.toml:")),
        "{checked}"
    );
    let server = options.args(["--config", path]).start();
    let capabilities = server.get("/capabilities").expect_status(200).json();
    assert_eq!(capabilities["accelerators"], json!(["L4"]));

    std::fs::write(&file, "accelerator = \"L4\"\nno-auth = true\nlisten = \"0.0.0.0:1\"\n").unwrap();
    let refused = config(&["check", "--config", path]).ended_with(2);
    assert!(
        refused
            .stderr
            .contains("server.toml:1: there is no setting `accelerator`; did you mean `accelerators`?"),
        "{}",
        refused.stderr
    );
    std::fs::write(&file, "no-auth = true\nlisten = \"0.0.0.0:1\"\n").unwrap();
    let refused = config(&["check", "--config", path]).ended_with(2);
    assert!(refused.stderr.contains("loopback"), "{}", refused.stderr);
}
