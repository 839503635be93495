//! The editor's own files at the shell: converted, and run.

use std::path::PathBuf;

use comfyicu_tests::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::PROGRAMS;

/// An image out of nothing, saved; and a note, which does not run.
fn workflow() -> Value {
    json!({
        "last_node_id": 3, "last_link_id": 1, "version": 0.4, "links": [[1, 1, 0, 2, 0, "IMAGE"]],
        "nodes": [
            {"id": 1, "type": "EmptyImage", "mode": 0, "order": 0, "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
             "widgets_values": [64, 48, 1, 255]},
            {"id": 2, "type": "SaveImage", "mode": 0, "order": 1, "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
             "widgets_values": ["made/in_the_editor"]},
            {"id": 3, "type": "Note", "mode": 0, "order": 2, "widgets_values": ["words"]}
        ]
    })
}

fn saved(workflow: &Value) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("workflow.json");
    std::fs::write(&path, workflow.to_string()).unwrap();
    (folder, path)
}

#[test]
fn a_ui_workflow_is_converted_with_the_servers_definitions_and_runs() {
    let server = Server::start(PROGRAMS);
    let (folder, path) = saved(&workflow());
    let path = path.to_str().unwrap();
    let converted = server.cli().run(["prompt", "convert", path, "--strict"]).ended_with(0);
    let prompt: Value = serde_json::from_str(&converted.stdout).unwrap();
    assert_eq!(prompt["1"]["inputs"], json!({"width": 64, "height": 48, "batch_size": 1, "color": 255}));
    assert_eq!(prompt["2"]["inputs"], json!({"images": ["1", 0], "filename_prefix": "made/in_the_editor"}));
    assert_eq!(prompt.as_object().map(serde_json::Map::len), Some(2));

    let outputs = folder.path().join("images");
    let run = server.cli().run(["run", path, "-o", outputs.to_str().unwrap()]).ended_with(0);
    assert!(run.stderr.contains("it was converted to a prompt"), "{}", run.stderr);
    assert!(outputs.join("made").is_dir(), "{run:?}");
}

#[test]
fn what_cannot_be_known_is_told_and_with_strict_there_is_no_prompt() {
    let mut workflow = workflow();
    workflow["nodes"][0]["type"] = json!("NobodyHasThis");
    let (folder, path) = saved(&workflow);
    let definitions = folder.path().join("object_info.json");
    std::fs::write(
        &definitions,
        r#"{"SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": []}}"#,
    )
    .unwrap();
    let server = Server::start(PROGRAMS);
    let arguments =
        ["prompt", "convert", path.to_str().unwrap(), "--object-info", definitions.to_str().unwrap()];
    let converted = server.cli().run(arguments).ended_with(0);
    assert!(serde_json::from_str::<Value>(&converted.stdout).is_ok(), "{}", converted.stdout);
    for words in ["node 1 (NobodyHasThis)", "names of its 4 widgets"] {
        assert!(converted.stderr.contains(words), "{words}: {}", converted.stderr);
    }
    let refused = server.cli().run(arguments.into_iter().chain(["--strict"])).ended_with(7);
    assert_eq!(refused.stdout, "");
    assert!(refused.stderr.contains("NobodyHasThis"), "{}", refused.stderr);
}
