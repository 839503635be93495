//! Runs recordings of real ComfyUI servers through the executor: the pixels, names and texts must be equal.
//!
//! The cases in `tests/data/pixels` always run; those of a `shared` folder beside the repository, and of the
//! folder that `COMFYICU_PIXELS` names when this is compiled, where there is one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a recording that is not as it should be is a failure of the test"
)]

mod picture;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use comfyicu_engine::{
    Event, EventSink, ExecutionError, Executor as _, InputFile, InputFiles, Job, MemoryOutputs,
    NativeExecutor, Output, OutputKind,
};
use comfyicu_model::json::{self, Object, Value};
use comfyicu_model::{DestPath, Prompt, RunId};
use picture::Picture;
use tokio_util::sync::CancellationToken;

/// The version whose results count where versions differ.
const VERSION: &str = "0.3.75";

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/pixels");
const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/comfyui/pixels");

/// Cases whose bytes may differ by one, and why.
const WITHIN_ONE: [(&str, &str); 2] = [
    ("c_sharpen_flat_9_0.1", "MKL's square root is not rounded, so some weights differ by a last bit"),
    ("c_sharpen_rgba", "MKL's square root is not rounded, so some weights differ by a last bit"),
];

#[tokio::test]
async fn own_recordings_are_equal() {
    let tally = run_all(Path::new(OWN)).await;
    assert!(tally.equal >= 318 && tally.left_out == 0, "{tally:?}");
}

#[tokio::test]
async fn recordings_beside_the_repository_are_equal() {
    for folder in [Some(SHARED), option_env!("COMFYICU_PIXELS")].into_iter().flatten() {
        if Path::new(folder).is_dir() {
            let tally = run_all(Path::new(folder)).await;
            println!("{folder}: {tally:?}");
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    equal: usize,
    /// Other node classes, or file formats that are not read.
    left_out: usize,
}

async fn run_all(folder: &Path) -> Tally {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.join("prompt.json").is_file());
    cases.sort();
    let executor = NativeExecutor::new();
    let (mut tally, mut different) = (Tally::default(), Vec::new());
    for path in cases {
        let case = Case::read(&path);
        match case.differences(&executor).await {
            None => tally.left_out += 1,
            Some(differences) if differences.is_empty() => tally.equal += 1,
            Some(differences) => different.push(format!("{}: {}", case.name, differences.join("; "))),
        }
    }
    assert!(different.is_empty(), "{tally:?}, {} differ:\n{}", different.len(), different.join("\n"));
    tally
}

/// The texts that nodes show, by their ids.
type Texts = BTreeMap<String, Vec<String>>;

/// Hears what nodes show that is no file.
#[derive(Debug, Default)]
struct Shown(Mutex<Texts>);

impl EventSink for Shown {
    fn emit(&self, event: Event) {
        if let Event::NodeTexts { node_id, texts } = event {
            self.0.lock().unwrap().insert(node_id.to_string(), texts);
        }
    }
}

struct Case {
    name: String,
    folder: PathBuf,
    prompt: Prompt,
    recorded: Object,
}

impl Case {
    fn read(folder: &Path) -> Self {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let prompt = Prompt::parse(&fs::read(folder.join("prompt.json")).unwrap()).unwrap();
        let recorded = object(&folder.join("case.json")).expect("case.json");
        Self { name, folder: folder.to_owned(), prompt, recorded }
    }

    fn job(&self) -> Job {
        let inputs = self.recorded.get("inputs").and_then(Value::as_array).unwrap();
        let inputs: InputFiles = inputs
            .iter()
            .filter_map(Value::as_str)
            .map(|name| (DestPath::input(name).unwrap(), InputFile::of(self.folder.join(name)).unwrap()))
            .collect();
        let extra = object(&self.folder.join("extra_pnginfo.json")).unwrap_or_default();
        Job::new(RunId::parse("run").unwrap(), self.prompt.clone()).inputs(inputs).extra_pnginfo(extra)
    }

    /// What differs from the recording; `None` when it is beyond what the executor does.
    async fn differences(&self, executor: &NativeExecutor) -> Option<Vec<String>> {
        let info = executor.object_info().await.unwrap();
        let unknown =
            |node: comfyicu_model::Node<'_>| node.class_type().is_none_or(|class| info.get(class).is_none());
        if self.prompt.nodes().any(unknown) {
            return None;
        }
        let outputs = MemoryOutputs::default();
        let shown = Shown::default();
        let result = executor.execute(self.job(), &shown, &outputs, &CancellationToken::new()).await;
        let status = self.recorded.get_str("status").unwrap();
        let as_recorded = match &result {
            Ok(()) => status == "success",
            Err(ExecutionError::Refused(_)) => status == "rejected",
            Err(ExecutionError::Node(failure)) if failure.message.contains("BMP and TIFF are read") => {
                if status != "error" {
                    return None;
                }
                true
            }
            Err(ExecutionError::Node(_)) => status == "error",
            Err(_) => false,
        };
        if !as_recorded {
            let failure = result.err().map_or("it ran".to_owned(), |error| chain(&error));
            return Some(vec![format!("recorded as {status}, but: {failure}")]);
        }
        let mut differences = if status == "success" { self.compare(outputs.take()) } else { Vec::new() };
        let (ours, theirs) = (shown.0.into_inner().unwrap(), self.recorded_texts());
        if status == "success" && ours != theirs {
            differences.push(format!("the texts are {ours:?} instead of {theirs:?}"));
        }
        Some(differences)
    }

    /// What the nodes showed that is no file.
    fn recorded_texts(&self) -> Texts {
        let shown = self.recorded.get("history_outputs").and_then(Value::as_object);
        let texts = |outputs: &Value| -> Option<Vec<String>> {
            let texts = outputs.as_object()?.get("text")?.as_array()?;
            Some(texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect())
        };
        let nodes = shown.into_iter().flat_map(Object::iter);
        nodes.filter_map(|(node_id, outputs)| Some((node_id.to_owned(), texts(outputs)?))).collect()
    }

    fn compare(&self, outputs: Vec<Output>) -> Vec<String> {
        let mut by_node: BTreeMap<String, Vec<Output>> = BTreeMap::new();
        for output in outputs {
            by_node.entry(output.node_id.to_string()).or_default().push(output);
        }
        let recorded = self.recorded.get("outputs").and_then(Value::as_array).unwrap();
        let mut differences = Vec::new();
        let mut compared = HashSet::new();
        for entry in recorded.iter().filter_map(Value::as_object) {
            let node = entry.get_str("node").unwrap();
            let index = entry.get("index").and_then(Value::as_number).and_then(json::Number::as_u64).unwrap();
            let index = usize::try_from(index).unwrap();
            compared.insert((node, index));
            match by_node.get(node).and_then(|outputs| outputs.get(index)) {
                Some(output) => differences.extend(self.compare_one(entry, output)),
                None => differences.push(format!("output {index} of node {node} is missing")),
            }
        }
        if Self::names(&by_node) != self.recorded_names() {
            let (ours, theirs) = (Self::names(&by_node), self.recorded_names());
            differences.push(format!("the files are {ours:?} instead of {theirs:?}"));
        }
        let made: usize = by_node.values().map(Vec::len).sum();
        if made != compared.len() {
            differences.push(format!("{made} outputs instead of {}", compared.len()));
        }
        differences
    }

    /// Kind, folder and name of each file. Where several nodes save, ComfyUI draws by lot which goes first, so
    /// only all names together are compared.
    fn names(by_node: &BTreeMap<String, Vec<Output>>) -> BTreeSet<[String; 3]> {
        let name = |output: &Output| {
            let kind = if output.kind == OutputKind::Temp { "temp" } else { "output" };
            named(kind, output.path.subfolder(), output.path.file_name())
        };
        by_node.values().flatten().map(name).collect()
    }

    fn recorded_names(&self) -> BTreeSet<[String; 3]> {
        let recorded = self.recorded.get("outputs").and_then(Value::as_array).unwrap();
        let name = |entry: &Object| {
            let field = |key| entry.get_str(key).unwrap();
            named(field("type"), field("subfolder"), field("filename"))
        };
        recorded.iter().filter_map(Value::as_object).map(name).collect()
    }

    fn compare_one(&self, entry: &Object, output: &Output) -> Vec<String> {
        let file = entry.get_str("file").unwrap();
        let of_version = self.folder.join(VERSION).join(file);
        let path = if of_version.is_file() { of_version } else { self.folder.join(file) };
        let (theirs, ours) =
            (Picture::read(&fs::read(path).unwrap()), Picture::read(output.content.as_bytes().unwrap()));
        let mut differences = Vec::new();
        if theirs.header != ours.header || theirs.animation != ours.animation {
            let of = |picture: &Picture| format!("{} {:?}", picture.header, picture.animation);
            differences.push(format!("{file}: {} instead of {}", of(&ours), of(&theirs)));
        } else if theirs.pixels != ours.pixels {
            let pairs = theirs.pixels.iter().zip(&ours.pixels);
            let apart: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).filter(|apart| *apart > 0).collect();
            let most = *apart.iter().max().unwrap();
            let bound = u8::from(WITHIN_ONE.iter().any(|(name, _)| *name == self.name));
            if most > bound {
                differences.push(format!(
                    "{file}: {} of {} bytes differ, by {most} at most",
                    apart.len(),
                    ours.pixels.len()
                ));
            }
        }
        if theirs.texts != ours.texts {
            differences.push(format!("{file}: texts {:?} instead of {:?}", ours.texts, theirs.texts));
        }
        differences
    }
}

/// The letters in a preview's name are drawn by lot.
fn named(kind: &str, subfolder: &str, name: &str) -> [String; 3] {
    let name = match name.strip_prefix("ComfyUI_temp_") {
        Some(drawn) => {
            format!("ComfyUI_temp_{}", drawn.trim_start_matches(|letter: char| letter.is_ascii_lowercase()))
        }
        None => name.to_owned(),
    };
    [kind.to_owned(), subfolder.to_owned(), name]
}

fn object(path: &Path) -> Option<Object> {
    let bytes = fs::read(path).ok()?;
    json::read(&bytes, json::Limits::default()).unwrap().as_object().cloned()
}

fn chain(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {}", chain(source)));
    format!("{error}{}", source.unwrap_or_default())
}
