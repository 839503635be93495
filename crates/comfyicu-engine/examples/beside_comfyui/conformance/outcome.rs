//! What came of a case, on either side, and where the two differ.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Mutex;

use comfyicu_engine::{
    Event, EventSink, ExecutionError, Executor as _, InputFiles, Job, MemoryOutputs, NativeExecutor,
    OutputKind,
};
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Prompt, RunId};
use tokio_util::sync::CancellationToken;

use super::case::Case;
use super::files::Files;
use crate::Failure;
use crate::comfyui::{Answer, ComfyUi, status};
use crate::picture::Picture;

/// What came of a case.
#[derive(Debug)]
pub(super) enum Outcome {
    Refused,
    Failed {
        exception_type: String,
        message: String,
    },
    /// The texts that nodes showed, where that is known.
    Ended {
        files: Vec<File>,
        texts: BTreeMap<String, Option<Vec<String>>>,
    },
}

/// A file that a node saved.
#[derive(Debug)]
pub(super) struct File {
    node: String,
    kind: &'static str,
    subfolder: String,
    name: String,
    bytes: Vec<u8>,
}

impl Outcome {
    pub(super) const fn failed(&self) -> bool {
        !matches!(self, Self::Ended { .. })
    }

    /// Stores the case with this as its recording.
    pub(super) fn store(&self, folder: &Path, case: &Case, files: &Files) -> Result<(), Failure> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("prompt.json"), Value::from(case.nodes.clone()).to_json_pretty())?;
        let inputs: Vec<&str> = loaded(&case.nodes).collect();
        for name in &inputs {
            let (_, bytes) = files.all().find(|(own, _)| name.ends_with(own)).expect("a file of the case");
            fs::create_dir_all(folder.join(name).parent().expect("a folder"))?;
            fs::write(folder.join(name), bytes)?;
        }
        let status = match self {
            Self::Refused => "rejected",
            Self::Failed { .. } => "error",
            Self::Ended { .. } => "success",
        };
        let mut recorded = Object::from_iter([("status", Value::from(status)), ("inputs", inputs.into())]);
        if let Self::Ended { files, texts } = self {
            let mut index_of: BTreeMap<&str, i64> = BTreeMap::new();
            let mut outputs = Vec::new();
            for file in files {
                let index = index_of.entry(&file.node).or_insert(-1);
                *index += 1;
                let extension = file.name.rsplit('.').next().unwrap_or_default();
                let stored = format!("out_{}_{index}.{extension}", file.node);
                fs::write(folder.join(&stored), &file.bytes)?;
                outputs.push(Value::from(Object::from_iter([
                    ("node", Value::from(file.node.as_str())),
                    ("index", (*index).into()),
                    ("type", file.kind.into()),
                    ("subfolder", file.subfolder.as_str().into()),
                    ("filename", file.name.as_str().into()),
                    ("file", stored.into()),
                ])));
            }
            let known = texts.iter().filter_map(|(node, texts)| Some((node, texts.as_ref()?)));
            let shown = known.map(|(node, texts)| {
                let text = Value::Array(texts.iter().map(|text| text.as_str().into()).collect());
                (node.clone(), Value::from(Object::from_iter([("text", text)])))
            });
            recorded.insert("history_outputs", shown.collect::<Object>());
            recorded.insert("outputs", Value::Array(outputs));
        }
        fs::write(folder.join("case.json"), Value::from(recorded).to_json_pretty())?;
        Ok(())
    }
}

/// The files that a prompt loads.
fn loaded(nodes: &Object) -> impl Iterator<Item = &str> {
    nodes.iter().filter_map(|(_, node)| node.as_object()?.get("inputs")?.as_object()?.get_str("image"))
}

/// Runs a case in the real ComfyUI.
pub(super) fn theirs(comfyui: &ComfyUi, case: &Case) -> Result<Outcome, Failure> {
    let entry = match comfyui.run(&Value::from(case.nodes.clone()).to_json())? {
        Answer::Refused => return Ok(Outcome::Refused),
        Answer::Ended(entry) => entry,
    };
    if status(&entry) != Some("success") {
        let error = error(&entry).ok_or("a failure without a message")?;
        let text = |key| error.get_str(key).unwrap_or_default().to_owned();
        return Ok(Outcome::Failed {
            exception_type: text("exception_type"),
            message: text("exception_message"),
        });
    }
    // What stands in its cache was shown by an earlier prompt, and not by this one.
    let mut texts: BTreeMap<String, Option<Vec<String>>> =
        cached(&entry).map(|node| (node.to_owned(), None)).collect();
    let mut files = Vec::new();
    for (node, shown) in entry.get("outputs").and_then(Value::as_object).into_iter().flat_map(Object::iter) {
        let list = |key| shown.as_object().and_then(|shown| shown.get(key)).and_then(Value::as_array);
        for image in list("images").unwrap_or_default().iter().filter_map(Value::as_object) {
            let [kind, subfolder, name] =
                ["type", "subfolder", "filename"].map(|key| image.get_str(key).unwrap_or_default());
            files.push(File {
                node: node.to_owned(),
                kind: if kind == "temp" { "temp" } else { "output" },
                subfolder: subfolder.to_owned(),
                name: name.to_owned(),
                bytes: comfyui.view(kind, subfolder, name)?,
            });
        }
        if let Some(shown) = list("text") {
            let shown = shown.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            texts.insert(node.to_owned(), Some(shown));
        }
    }
    Ok(Outcome::Ended { files, texts })
}

/// The message about a node's failure.
fn error(entry: &Object) -> Option<&Object> {
    message(entry, "execution_error")
}

/// The nodes that did not run, because an earlier prompt had the same.
fn cached(entry: &Object) -> impl Iterator<Item = &str> {
    let nodes = message(entry, "execution_cached").and_then(|message| message.get("nodes")?.as_array());
    nodes.unwrap_or_default().iter().filter_map(Value::as_str)
}

fn message<'e>(entry: &'e Object, name: &str) -> Option<&'e Object> {
    let messages = entry.get("status")?.as_object()?.get("messages")?.as_array()?;
    messages.iter().find_map(|message| match message.as_array()? {
        [kind, body] if kind.as_str() == Some(name) => body.as_object(),
        _ => None,
    })
}

/// Hears what nodes show that is no file.
#[derive(Debug, Default)]
struct Shown(Mutex<BTreeMap<String, Vec<String>>>);

impl EventSink for Shown {
    fn emit(&self, event: Event) {
        if let Event::NodeTexts { node_id, texts } = event {
            self.0.lock().unwrap().insert(node_id.to_string(), texts);
        }
    }
}

/// Runs a case here.
pub(super) async fn ours(executor: &NativeExecutor, case: &Case, files: &Files) -> Result<Outcome, Failure> {
    let prompt = Prompt::parse(Value::from(case.nodes.clone()).to_json().as_bytes())?;
    let inputs: InputFiles = loaded(&case.nodes).filter_map(|name| files.input(name)).collect();
    let job = Job::new(RunId::parse("conformance")?, prompt).inputs(inputs);
    let (outputs, shown) = (MemoryOutputs::default(), Shown::default());
    match executor.execute(job, &shown, &outputs, &CancellationToken::new()).await {
        Ok(()) => {}
        Err(ExecutionError::Refused(_)) => return Ok(Outcome::Refused),
        Err(ExecutionError::Node(failure)) => {
            return Ok(Outcome::Failed {
                exception_type: failure.exception_type.to_string(),
                message: failure.message.clone(),
            });
        }
        Err(error) => return Err(error.into()),
    }
    let file = |output: comfyicu_engine::Output| File {
        node: output.node_id.to_string(),
        kind: if output.kind == OutputKind::Temp { "temp" } else { "output" },
        subfolder: output.path.subfolder().to_owned(),
        name: output.path.file_name().to_owned(),
        bytes: output.content.as_bytes().map(|bytes| bytes.to_vec()).unwrap_or_default(),
    };
    let files = outputs.take().into_iter().map(file).collect();
    let shown = shown.0.into_inner().unwrap();
    Ok(Outcome::Ended { files, texts: shown.into_iter().map(|(node, texts)| (node, Some(texts))).collect() })
}

/// Where two outcomes differ.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// What is not the same, but for pixels.
    other: Vec<String>,
    exception: Option<String>,
    pixels: Vec<String>,
    /// The largest distance of two bytes.
    apart: u8,
}

impl Differences {
    pub(super) const fn is_equal(&self) -> bool {
        self.other.is_empty() && self.exception.is_none() && self.pixels.is_empty()
    }

    pub(super) const fn only_exceptions(&self) -> bool {
        self.other.is_empty() && self.pixels.is_empty() && self.exception.is_some()
    }

    pub(super) const fn within_one(&self) -> bool {
        self.other.is_empty() && self.exception.is_none() && self.apart <= 1
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> =
            self.other.iter().chain(&self.exception).chain(&self.pixels).map(String::as_str).collect();
        f.write_str(&all.join("; "))
    }
}

pub(super) fn differences(ours: &Outcome, theirs: &Outcome) -> Differences {
    let mut differences = Differences::default();
    match (ours, theirs) {
        (Outcome::Refused, Outcome::Refused) => {}
        (
            Outcome::Failed { exception_type: own, message: own_message },
            Outcome::Failed { exception_type, message },
        ) => {
            if own != exception_type {
                differences.exception =
                    Some(format!("{own} ({own_message}) instead of {exception_type} ({})", message.trim()));
            }
        }
        (Outcome::Ended { files: own, texts: own_texts }, Outcome::Ended { files, texts }) => {
            let known = |node: &str| texts.get(node).is_none_or(Option::is_some);
            let shown = own_texts.iter().filter(|(node, _)| known(node));
            if !shown.eq(texts.iter().filter(|(node, _)| known(node))) {
                differences.other.push(format!("texts {own_texts:?} instead of {texts:?}"));
            }
            compare_files(own, files, &mut differences);
        }
        (own, other) => differences.other.push(format!("{} instead of {}", summary(own), summary(other))),
    }
    differences
}

fn summary(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused => "refused".to_owned(),
        Outcome::Failed { exception_type, message } => format!("{exception_type} ({})", message.trim()),
        Outcome::Ended { files, .. } => format!("{} files", files.len()),
    }
}

fn compare_files(own: &[File], theirs: &[File], differences: &mut Differences) {
    for node in nodes(own, theirs) {
        let of = |files: &'_ [File]| files.iter().filter(|file| file.node == node).count();
        if of(own) != of(theirs) {
            differences.other.push(format!("node {node}: {} files instead of {}", of(own), of(theirs)));
            continue;
        }
        let pairs =
            own.iter().filter(|file| file.node == node).zip(theirs.iter().filter(|file| file.node == node));
        for (own, theirs) in pairs {
            compare_file(own, theirs, differences);
        }
    }
}

fn nodes<'f>(own: &'f [File], theirs: &'f [File]) -> Vec<&'f str> {
    let mut nodes: Vec<&str> = own.iter().chain(theirs).map(|file| file.node.as_str()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

fn compare_file(own: &File, theirs: &File, differences: &mut Differences) {
    let place = |file: &File| (file.kind, file.subfolder.clone(), without_lot(&file.name));
    if place(own) != place(theirs) {
        differences.other.push(format!("{:?} instead of {:?}", place(own), place(theirs)));
    }
    let read = |file: &File| {
        let bytes = file.bytes.clone();
        catch_unwind(move || Picture::read(&bytes)).map_err(|_| format!("{} cannot be read", file.name))
    };
    let (ours, theirs) = match (read(own), read(theirs)) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (ours, theirs) => {
            differences.other.extend([ours.err(), theirs.err()].into_iter().flatten());
            return;
        }
    };
    if (&ours.header, &ours.animation) != (&theirs.header, &theirs.animation) {
        let header = |picture: &Picture| format!("{} {:?}", picture.header, picture.animation);
        differences.other.push(format!("{}: {} instead of {}", own.name, header(&ours), header(&theirs)));
    } else if ours.pixels != theirs.pixels {
        let pairs = ours.pixels.iter().zip(&theirs.pixels);
        let apart: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).filter(|apart| *apart > 0).collect();
        let most = apart.iter().copied().max().unwrap_or(u8::MAX);
        differences.apart = differences.apart.max(most);
        let (count, all) = (apart.len(), ours.pixels.len());
        differences.pixels.push(format!(
            "node {} {}: {count} of {all} bytes differ, by {most} at most",
            own.node, ours.header
        ));
    }
    if ours.texts != theirs.texts {
        differences.other.push(format!("texts {:?} instead of {:?}", ours.texts, theirs.texts));
    }
}

/// A name without what ComfyUI draws by lot for previews when it starts, and counts over all prompts.
fn without_lot(name: &str) -> String {
    match name.strip_prefix("ComfyUI_temp_") {
        Some(_) => "ComfyUI_temp_".to_owned(),
        None => name.to_owned(),
    }
}
