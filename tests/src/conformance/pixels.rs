//! The recorded prompts, through the server: pixels as ComfyUI itself gave them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Bench, decoded, ended, outputs};
use crate::environment::repository;
use crate::host::{Host, Reply};

/// The version whose recordings are in a folder of that name, where they differ.
const VERSION: &str = "0.3.75";

/// One output of so many may be not quite as recorded.
const MOST_NEAR: usize = 100;

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
    let (mut compared, mut left_out) = (Compared::default(), 0);
    for case in &cases {
        match one(bench, &host, case) {
            Ok(Some(Compared { same, near })) => {
                compared.same += same;
                compared.near += near;
            }
            Ok(None) => left_out += 1,
            Err(problem) => wrong.push(format!("{}: {problem}", name(case))),
        }
    }
    let seen = format!(
        "{} prompts, {} outputs as recorded, {} within 1/255 of that, {left_out} left out (not of this version, or none saved)",
        cases.len(),
        compared.same,
        compared.near
    );
    assert!(compared.near * MOST_NEAR <= compared.same, "{seen}; that is no accident");
    assert!(wrong.is_empty(), "{seen}; {} differ: {}", wrong.len(), wrong.join("; "));
    seen
}

/// How many outputs were as recorded.
#[derive(Clone, Copy, Debug, Default)]
struct Compared {
    same: usize,
    /// Not quite: the processor that ComfyUI computes on adds up in another order.
    near: usize,
}

fn name(case: &Path) -> String {
    case.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Runs a case: how many outputs were as recorded; nothing where it says nothing of this version.
fn one(bench: &Bench, host: &Host, case: &Path) -> Result<Option<Compared>, String> {
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
    let mut compared = Compared::default();
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
        match difference(ours, &theirs) {
            Some(0) => compared.same += 1,
            Some(1) => compared.near += 1,
            Some(steps) => return Err(format!("{file} differs by up to {steps} of 255")),
            None => return Err(format!("{file} is another image")),
        }
    }
    Ok((compared.same + compared.near > 0).then_some(compared))
}

/// How far the pixels of two images are apart at most; `None` where they cannot be compared. What is no PNG is compared
/// as it is coded, without its metadata: there the prompt has the names that the run has on ComfyUI.
fn difference(ours: &[u8], theirs: &[u8]) -> Option<u8> {
    match (ours, theirs) {
        ([0x89, b'P', b'N', b'G', ..], [0x89, b'P', b'N', b'G', ..]) => {
            let ((width, height, color, ours), theirs) = (decoded(ours), decoded(theirs));
            let is_alike =
                (width, height, color, ours.len()) == (theirs.0, theirs.1, theirs.2, theirs.3.len());
            let steps = ours.iter().zip(&theirs.3).map(|(ours, theirs)| ours.abs_diff(*theirs));
            let steps = steps.max().unwrap_or(0);
            // The next colour of a palette may be any.
            (is_alike && (steps == 0 || color != png::ColorType::Indexed)).then_some(steps)
        }
        ([b'R', b'I', b'F', b'F', ..], [b'R', b'I', b'F', b'F', ..]) => {
            (webp_pixels(ours) == webp_pixels(theirs)).then_some(0)
        }
        _ => (ours == theirs).then_some(0),
    }
}

/// The parts of a WebP file that are no metadata.
fn webp_pixels(file: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut parts = Vec::new();
    let mut rest = file.get(12..).unwrap_or_default();
    while let Some((head, behind)) = rest.split_at_checked(8) {
        let (name, length) = head.split_at(4);
        let length = length.try_into().map_or(0, u32::from_le_bytes) as usize;
        let Some((body, behind)) = behind.split_at_checked(length) else { break };
        if name != b"EXIF" {
            parts.push((name, body));
        }
        // A part of odd length is filled up.
        rest = behind.get(length % 2..).unwrap_or_default();
    }
    parts
}
