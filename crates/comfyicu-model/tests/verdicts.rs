//! The verdict and ComfyUI's own, on what real servers said to real prompts.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use comfyicu_model::json::{Limits, Number, Object, Value, read};
use comfyicu_model::{Files, ObjectInfo, Prompt, Verdict};

/// Real files and recordings; they lie beside the repository, where somebody has put them.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

fn json(path: &Path) -> Value {
    read(&std::fs::read(path).unwrap(), Limits::default()).unwrap()
}

fn object_info(path: &Path) -> ObjectInfo {
    ObjectInfo::parse(&std::fs::read(path).unwrap()).unwrap()
}

/// What a verdict says, without what ComfyUI decides by chance.
#[derive(Debug, PartialEq, Eq, Default)]
struct Said {
    error: Option<String>,
    outputs: Option<BTreeSet<String>>,
    /// Node → its class, and `code: input` of each error.
    nodes: BTreeMap<String, (String, Vec<String>)>,
}

impl Said {
    fn by_us(verdict: &Verdict) -> Self {
        let nodes = verdict.node_errors().iter().map(|node| {
            let errors =
                node.errors.iter().map(|error| fault(error.code, &error.message, error.input.as_deref()));
            (node.node_id.to_string(), (node.class_type.clone(), sorted(errors)))
        });
        Self {
            error: verdict
                .error()
                .map(|error| format!("{}: {} {}", error.code, error.message, error.details)),
            outputs: Some(verdict.outputs().iter().map(ToString::to_string).collect()),
            nodes: nodes.collect(),
        }
    }

    fn by_comfy_ui(said: &Object) -> Self {
        let text = |object: &Object, key| object.get_str(key).unwrap_or_default().to_owned();
        let error = said.get("error").and_then(Value::as_object).map(|error| {
            let code = text(error, "type");
            // What it says of the outputs themselves is among the node errors, too.
            let details = if code == "prompt_outputs_failed_validation" {
                String::new()
            } else {
                text(error, "details")
            };
            format!("{code}: {} {details}", text(error, "message"))
        });
        let nodes = said.get("node_errors").and_then(Value::as_object).into_iter().flat_map(Object::iter);
        let nodes = nodes.map(|(id, node)| {
            let node = node.as_object().unwrap();
            let errors = node.get("errors").and_then(Value::as_array).unwrap().iter().map(|error| {
                let error = error.as_object().unwrap();
                let extra = error.get("extra_info").and_then(Value::as_object).unwrap_or(error);
                fault(&text(error, "type"), &text(error, "message"), extra.get_str("input_name"))
            });
            (id.to_owned(), (text(node, "class_type"), sorted(errors)))
        });
        let outputs = said.get("good_outputs").and_then(Value::as_array);
        let outputs = outputs.map(|ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        Self { error, outputs, nodes: nodes.collect() }
    }
}

fn fault(code: &str, message: &str, input: Option<&str>) -> String {
    // Which input leads to a node first is by chance.
    let input = input.filter(|_| code != "exception_during_inner_validation").unwrap_or("?");
    format!("{code} {input}: {message}")
}

fn sorted(errors: impl Iterator<Item = String>) -> Vec<String> {
    let mut errors: Vec<_> = errors.collect();
    errors.sort();
    errors
}

/// Whether a recording is about another prompt: it names nodes that this one does not have.
fn is_about_another(said: &Said, prompt: &Prompt) -> bool {
    let class_of = |id: &str| prompt.node(id).and_then(|node| node.class_type());
    let other_node = said.nodes.iter().any(|(id, (class, _))| class_of(id) != Some(class));
    let missing = said.error.as_deref().and_then(|error| error.strip_prefix("missing_node_type: "));
    let other_missing = missing.is_some_and(|error| {
        let (message, id) = error.split_once(" Node ID '#").unwrap();
        let node = prompt.node(id.trim_end_matches('\''));
        let name = node.and_then(|node| node.title().or(node.class_type())).unwrap_or("no such node");
        !message.contains(name) && node.is_none_or(|node| node.class_type().is_some())
    });
    other_node || other_missing
}

#[test]
fn the_corpus_gets_the_verdict_of_comfy_ui() {
    let Some(corpus) = shared("corpus") else { return };
    let object_info = object_info(&corpus.join("object_info/comfyui-0.33.0.object_info.json"));
    let verdicts = json(&corpus.join("validation.json"));
    let (mut same, mut about_another, mut others) = (0, 0, Vec::new());
    for (file, said) in verdicts.as_object().unwrap().iter() {
        let prompt = Prompt::parse(&std::fs::read(corpus.join(file)).unwrap()).unwrap();
        let verdict = prompt.verdict(&object_info);
        let said = said.as_object().unwrap();
        if said.contains_key("exception") {
            assert_eq!(verdict.status(), 500, "{file}");
            same += 1;
            continue;
        }
        let (said, ours) = (Said::by_comfy_ui(said), Said::by_us(&verdict));
        if said == ours {
            same += 1;
        } else if is_about_another(&said, &prompt) {
            about_another += 1;
        } else {
            others.push(format!("{file}\n  ComfyUI: {said:?}\n  we:      {ours:?}"));
        }
    }
    println!("{same} the same, {about_another} recorded of another prompt, {} others", others.len());
    assert!(others.is_empty(), "{}", others.join("\n"));
    assert!(same >= 802 && about_another <= 12, "{same} the same, {about_another} of another prompt");
}

/// What lay in the folders of the recorded servers.
const RECORDED_FILES: &[&str] = &[
    "/input/gradient.png",
    "/input/waves.png",
    "/input/noise.png",
    "/input/rgba.png",
    "/input/gray.png",
    "/input/small30x20.png",
    "/input/corrupt_notpng.png",
    "/input/corrupt_truncated.png",
    "/input/empty.png",
    "/models/checkpoints/tiny_random_sd15.safetensors",
];

fn recorded_files() -> Files {
    let source = || "http://127.0.0.1/somewhere".parse().unwrap();
    RECORDED_FILES.iter().map(|path| (path.parse().unwrap(), source())).collect()
}

/// The submissions of a transcript, each with the status and the body of its answer.
fn submissions(transcript: &Path) -> Vec<(Object, u64, String)> {
    let mut sent = BTreeMap::new();
    let mut all = Vec::new();
    for line in std::fs::read_to_string(transcript).unwrap().lines() {
        let event = read(line.as_bytes(), Limits::default()).unwrap();
        let event = event.as_object().unwrap();
        let number = |key| event.get(key).and_then(Value::as_number).and_then(Number::as_u64);
        let text = event.get_str("text").unwrap_or_default().to_owned();
        match event.get_str("kind") {
            Some("http_request") if event.get_str("path") == Some("/prompt") => {
                sent.insert(number("id"), text);
            }
            Some("http_response") => {
                let Some(body) = sent.remove(&number("id")) else { continue };
                if let Ok(Value::Object(body)) = read(body.as_bytes(), Limits::default()) {
                    all.push((body, number("status").unwrap(), text));
                }
            }
            _ => {}
        }
    }
    all
}

/// What can be compared: a prompt, sent alone, of classes that the recorded definitions have.
fn comparable(body: &Object, object_info: &ObjectInfo) -> Option<Prompt> {
    let prompt = Prompt::from_value(body.get("prompt")?.clone()).ok()?;
    // ComfyUI's own test nodes were installed for some scenarios, and left out of the definitions.
    let is_test_node = |class: &str| object_info.get(class).is_none() && class != "NoSuchNode";
    let foreign = prompt.nodes().filter_map(|node| node.class_type()).any(is_test_node);
    // Parts of a body that ComfyUI stumbles over, whatever the prompt.
    let is_odd = body.get_str("extra_data").is_some()
        || body.get_str("number").is_some()
        || body.contains_key("partial_execution_targets");
    (!foreign && !is_odd).then_some(prompt)
}

#[test]
fn recorded_submissions_get_the_verdict_of_comfy_ui() {
    let Some(recordings) = shared("comfyui") else { return };
    let files = recorded_files();
    let (mut same, mut left_out, mut others) = (0, 0, Vec::new());
    for (version, definitions) in [
        ("0.21.0", "object_info.json"),
        ("0.3.75", "versions/0.3.75/object_info.json"),
        ("0.3.64", "versions/0.3.64/object_info.json"),
    ] {
        let object_info = object_info(&recordings.join(definitions));
        let folder = recordings.join("transcripts").join(version);
        for transcript in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            for (body, status, answer) in submissions(&transcript) {
                let Some(prompt) = comparable(&body, &object_info) else {
                    left_out += 1;
                    continue;
                };
                let verdict = prompt.verdict_with_files(&object_info, &files.paths().collect::<Vec<_>>());
                let said = read(answer.as_bytes(), Limits::default()).ok();
                let said = said.as_ref().and_then(Value::as_object).map(Said::by_comfy_ui);
                let ours = Said { outputs: None, ..Said::by_us(&verdict) };
                if u64::from(verdict.status()) == status && said.as_ref().is_none_or(|said| *said == ours) {
                    same += 1;
                } else {
                    others.push(format!(
                        "{}: {status} {said:?}\n  we: {} {ours:?}",
                        transcript.display(),
                        verdict.status()
                    ));
                }
            }
        }
    }
    println!("{same} the same, {left_out} not comparable, {} others", others.len());
    assert!(others.is_empty(), "{}", others.join("\n"));
    assert!(same >= 320 && left_out <= 40, "{same} the same, {left_out} not comparable");
}

/// The copies in the repository.
#[test]
fn the_copies_get_the_verdict_of_comfy_ui() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/verdicts");
    let definitions = |version: &str| object_info(&data.join(format!("object_info-{version}.json")));
    let (current, recorded) = (definitions("0.33.0"), definitions("0.21.0"));
    let files = recorded_files();
    let submissions = std::fs::read_to_string(data.join("submissions.jsonl")).unwrap();
    assert_eq!(submissions.lines().count(), 55);
    for line in submissions.lines() {
        let submission = read(line.as_bytes(), Limits::default()).unwrap();
        let submission = submission.as_object().unwrap();
        let name = submission.get_str("name").unwrap();
        let prompt = Prompt::from_value(submission.get("prompt").unwrap().clone()).unwrap();
        let verdict = match submission.get_str("version") {
            Some("0.33.0") => prompt.verdict(&current),
            _ => prompt.verdict_with_files(&recorded, &files.paths().collect::<Vec<_>>()),
        };
        let status = submission.get("status").and_then(Value::as_number).and_then(Number::as_u64);
        assert_eq!(Some(u64::from(verdict.status())), status, "{name}");
        if verdict.status() != 500 {
            assert_eq!(verdict.error().map(|error| error.code), submission.get_str("error"), "{name}");
        }
        let (said, ours) = (Said::by_comfy_ui(submission), Said::by_us(&verdict));
        assert_eq!(said.nodes, ours.nodes, "{name}");
        assert!(said.outputs.is_none() || said.outputs == ours.outputs, "{name}");
    }
}
