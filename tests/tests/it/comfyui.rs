//! The ComfyUI executor against recordings of three versions of ComfyUI, in good order and in bad.

mod faults;
#[cfg(target_os = "linux")]
mod owned;
mod played;
mod pool;
#[cfg(target_os = "linux")]
mod served;

use std::path::Path;
use std::time::Duration;

use comfyicu_engine::comfyui::{ComfyBackend, ComfyClient, ComfyExecutor, Upload};
use comfyicu_engine::{
    Event, EventSink, ExecutionError, Executor as _, InputFile, InputFiles, Job, MemoryOutputs, Output,
    Secrets,
};
use comfyicu_model::{DestPath, Prompt, RunId};
use comfyicu_tests::{ComfyFault, FakeComfy, PATIENCE, RecordedPrompt, eventually, recordings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// What a run told, and how it ended.
struct Ran {
    result: Result<(), ExecutionError>,
    outputs: Vec<Output>,
    events: Vec<Event>,
}

#[derive(Debug, Default)]
struct Heard(std::sync::Mutex<Vec<Event>>);

impl EventSink for Heard {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// The executor over some ComfyUIs.
async fn executor(comfys: &[&FakeComfy]) -> ComfyExecutor {
    let backends: Vec<_> =
        comfys.iter().map(|comfy| ComfyBackend::new(comfy.url().parse().unwrap())).collect();
    let mut executors = ComfyExecutor::connect(&backends).await.unwrap();
    assert_eq!(executors.len(), 1, "they have one accelerator");
    executors.remove(0)
}

fn job(recorded: &RecordedPrompt, inputs: InputFiles) -> Job {
    try_job(recorded, inputs).unwrap()
}

/// A run of a recorded prompt, unless it is none: the server would not take it.
fn try_job(recorded: &RecordedPrompt, inputs: InputFiles) -> Option<Job> {
    let prompt = Prompt::parse(recorded.prompt.to_string().as_bytes()).ok()?;
    Some(Job::new(RunId::parse("run-1").unwrap(), prompt).inputs(inputs))
}

async fn run(executor: &ComfyExecutor, job: Job) -> Ran {
    let (outputs, heard) = (MemoryOutputs::default(), Heard::default());
    let cancel = CancellationToken::new();
    let executed = executor.execute(job, &heard, &outputs, &cancel);
    let result = tokio::time::timeout(PATIENCE, executed).await.expect("the run ends");
    Ran { result, outputs: outputs.take(), events: heard.0.into_inner().unwrap() }
}

/// A picture for every input that the prompt loads, so that it has to be put there.
fn inputs(recorded: &RecordedPrompt, folder: &TempDir) -> InputFiles {
    let mut files = InputFiles::default();
    for node in recorded.prompt.as_object().unwrap().values() {
        let Some(name) = node["inputs"]["image"].as_str() else { continue };
        let Ok(destination) = DestPath::input(name) else { continue };
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(&path, format!("the bytes of {name}")).unwrap();
        files.insert(destination, InputFile::of(path).unwrap());
    }
    files
}

/// A prompt of the recordings, by a part of its name.
fn recorded(name: &str) -> RecordedPrompt {
    let found = recordings().into_iter().find(|recorded| recorded.name.contains(name));
    found.unwrap_or_else(|| panic!("no recording is {name}"))
}

/// Definitions that say which nodes are outputs, and nothing else.
fn definitions() -> Value {
    json!({"SaveImage": {"input": {}, "output": [], "output_node": true}})
}

/// A ComfyUI that plays one prompt.
fn playing(recorded: &RecordedPrompt, fault: ComfyFault) -> FakeComfy {
    FakeComfy::start(vec![recorded.clone()], &definitions(), fault)
}
