//! The recorded prompts, through the server: pixels as ComfyUI itself gave them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Bench, decoded, ended, outputs};
use crate::environment::repository;
use crate::host::{Host, Reply};

/// The version whose recordings are in a folder of that name, where they differ.
const VERSION: &str = "0.3.75";

pub(super) fn all(bench: &Bench) -> String {
    let folder = repository().join("tests").join("data").join("pixels");
    let served = folder.clone();
    let host = Host::start(move |request| {
        let file = served.join(request.path.trim_start_matches('/'));
        fs::read(file).map_or(Reply::status(404), Reply::ok)
    });
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("recordings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("case.json").exists())
        .collect();
    cases.sort();
    let mut wrong = Vec::new();
    let (mut compared, mut left_out) = (0, 0);
    for case in &cases {
        match one(bench, &host, case) {
            Ok(Some(count)) => compared += count,
            Ok(None) => left_out += 1,
            Err(problem) => wrong.push(format!("{}: {problem}", name(case))),
        }
    }
    let seen = format!(
        "{} prompts, {compared} outputs as recorded, {left_out} left out (not of this version, or none saved)",
        cases.len()
    );
    assert!(wrong.is_empty(), "{seen}; {} differ: {}", wrong.len(), wrong.join("; "));
    seen
}

fn name(case: &Path) -> String {
    case.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Runs a case: how many outputs were as recorded; nothing where it says nothing of this version.
fn one(bench: &Bench, host: &Host, case: &Path) -> Result<Option<usize>, String> {
    let read = |file: &str| fs::read(case.join(file)).ok();
    let json = |file: &str| read(file).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let (Some(prompt), Some(recorded)) = (json("prompt.json"), json("case.json")) else { return Ok(None) };
    let prompt = prompt.get("prompt").cloned().unwrap_or(prompt);
    if recorded["status"] != "success" {
        return Ok(None);
    }
    let inputs = recorded["inputs"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let files: serde_json::Map<String, Value> = inputs
        .map(|file| (format!("/input/{file}"), Value::from(host.url(&format!("/{}/{file}", name(case))))))
        .collect();
    let answer = bench.server.post("/workflows/default/runs", &json!({"prompt": prompt, "files": files}));
    if answer.status != 200 {
        return Err(format!("refused: {}", answer.json()["error"]["message"]));
    }
    let run = ended(&bench.server, answer.json()["id"].as_str().unwrap_or_default());
    if run["status"] != "COMPLETED" {
        return Err(format!("{}", run["output"]["error"]["exception_message"]));
    }
    let ours = outputs(&run);
    let mut compared = 0;
    for output in recorded["outputs"].as_array().into_iter().flatten() {
        if output["type"] != "output" {
            continue;
        }
        let text = |key: &str| output[key].as_str().unwrap_or_default();
        let file = text("file");
        let theirs = read(&format!("{VERSION}/{file}")).or_else(|| read(file));
        let Some(theirs) = theirs else { continue };
        let ending = format!("/{}", text("filename"));
        let Some((_, ours)) = ours.iter().find(|(path, _)| format!("/{path}").ends_with(&ending)) else {
            return Err(format!(
                "{} is not among {:?}",
                text("filename"),
                ours.iter().map(|(path, _)| path).collect::<Vec<_>>()
            ));
        };
        let is_same = if output["filename"].as_str().is_some_and(|name| name.contains("_.png")) {
            decoded(ours) == decoded(&theirs)
        } else {
            *ours == theirs
        };
        if !is_same {
            return Err(format!("{file} has other pixels"));
        }
        compared += 1;
    }
    Ok((compared > 0).then_some(compared))
}
