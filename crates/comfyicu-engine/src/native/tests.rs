//! Whole runs: order, events, files, cancellation, failures.

use std::path::PathBuf;
use std::sync::Mutex;

use comfyicu_model::{DestPath, RunId};

use super::*;
use crate::{InputFile, InputFiles, MemoryOutputs, NoEvents, OutputKind, SaveError};

/// Two saves and a preview of one image, which they share, and a node that nothing needs.
const PROMPT: &str = r#"{
    "9": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a/x"}},
    "8": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a/x"}},
    "7": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "1": {"class_type": "EmptyImage", "inputs": {"width": 2, "height": 1, "batch_size": 2, "color": 255}},
    "5": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}
}"#;

fn job(prompt: &str) -> Job {
    Job::new(RunId::parse("r1").unwrap(), Prompt::parse(prompt.as_bytes()).unwrap())
}

async fn run(job: Job) -> Result<Vec<Output>, ExecutionError> {
    let outputs = MemoryOutputs::default();
    let cancel = CancellationToken::new();
    NativeExecutor::new().execute(job, &NoEvents, &outputs, &cancel).await.map(|()| outputs.take())
}

/// Notes which nodes started, and cancels the run when one of them does.
#[derive(Debug, Default)]
struct Watcher {
    started: Mutex<Vec<(String, usize, usize)>>,
    cancel_at: Option<&'static str>,
    token: CancellationToken,
}

impl EventSink for Watcher {
    fn emit(&self, event: Event) {
        let Event::NodeStarted { node_id, done, total, .. } = event else { return };
        if self.cancel_at == Some(node_id.as_str()) {
            self.token.cancel();
        }
        self.started.lock().unwrap().push((node_id.to_string(), done, total));
    }
}

#[tokio::test]
async fn nodes_run_once_after_what_they_need() {
    let (watcher, outputs) = (Watcher::default(), MemoryOutputs::default());
    NativeExecutor::new().execute(job(PROMPT), &watcher, &outputs, &watcher.token).await.unwrap();
    let started = watcher.started.into_inner().unwrap();
    let ids: Vec<_> = started.iter().map(|(id, ..)| id.as_str()).collect();
    assert_eq!(ids, ["1", "8", "2", "9", "7"], "an output goes first when it can");
    assert!(started.iter().enumerate().all(|(at, (_, done, total))| (*done, *total) == (at, 5)));
}

#[tokio::test]
async fn files_of_one_prefix_are_numbered_through() {
    let outputs = run(job(PROMPT)).await.unwrap();
    let of = |kind| outputs.iter().filter(move |output| output.kind == kind);
    let named: Vec<_> =
        of(OutputKind::Output).map(|output| (output.node_id.as_str(), output.path.as_str())).collect();
    assert_eq!(
        named,
        [("8", "a/x_00001_.png"), ("8", "a/x_00002_.png"), ("9", "a/x_00003_.png"), ("9", "a/x_00004_.png")]
    );
    assert_eq!(of(OutputKind::Temp).count(), 2);
    let again = run(job(PROMPT)).await.unwrap();
    let contents = |outputs: &[Output]| -> Vec<_> {
        outputs
            .iter()
            .map(|output| (output.path.clone(), output.content.as_bytes().unwrap().clone()))
            .collect()
    };
    assert_eq!(contents(&again), contents(&outputs), "a run again gives the same files");
}

#[tokio::test]
async fn a_shared_image_is_not_changed_by_one_of_its_readers() {
    let outputs = run(job(PROMPT)).await.unwrap();
    let pixels = |node: &str| {
        let output = outputs.iter().find(|output| output.node_id.as_str() == node).unwrap();
        codec::decode(output.content.as_bytes().unwrap()).unwrap().remove(0).rgb
    };
    assert_eq!(pixels("8"), [0, 0, 255, 0, 0, 255]);
    assert_eq!(pixels("9"), [255, 255, 0, 255, 255, 0]);
}

#[tokio::test]
async fn cancelling_stops_before_the_next_node() {
    let watcher = Watcher { cancel_at: Some("1"), ..Watcher::default() };
    let outputs = MemoryOutputs::default();
    let result = NativeExecutor::new().execute(job(PROMPT), &watcher, &outputs, &watcher.token).await;
    assert!(matches!(result, Err(ExecutionError::Cancelled)));
    assert_eq!(watcher.started.lock().unwrap().len(), 1);
    assert!(outputs.take().is_empty());
}

#[tokio::test]
async fn a_failure_names_the_node_and_the_file() {
    let load = r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}"#;
    let failure = |result| match result {
        Err(ExecutionError::Node(failure)) => {
            (failure.node_id.to_string(), failure.exception_type, failure.message)
        }
        other => panic!("{other:?}"),
    };
    let (node, kind, message) = failure(run(job(load)).await);
    assert_eq!((node.as_str(), &*kind), ("1", "FileNotFoundError"));
    assert_eq!(message, "no file was given for /input/a.png: add it to the run's `files`");

    let folder = tempfile::tempdir().unwrap();
    let file = |content: &[u8]| -> PathBuf {
        let path = folder.path().join("blob");
        std::fs::write(&path, content).unwrap();
        path
    };
    let given = |path: PathBuf| {
        InputFiles::from_iter([(DestPath::input("a.png").unwrap(), InputFile::of(path).unwrap())])
    };
    let (_, kind, message) = failure(run(job(load).inputs(given(file(b"GIF89a")))).await);
    assert_eq!(kind, "PIL.UnidentifiedImageError");
    assert_eq!(message, "a.png cannot be loaded: it is a GIF file; PNG, JPEG, WebP and TIFF are read");
    let (_, kind, message) = failure(run(job(load).inputs(given(file(b"\xff\xd8\xff\xe0")))).await);
    assert_eq!(kind, "OSError");
    assert!(message.starts_with("a.png cannot be loaded: the JPEG file is damaged: "), "{message}");
}

#[tokio::test]
async fn too_large_an_image_is_the_failure_of_its_node() {
    let large = PROMPT.replace("\"width\": 2, \"height\": 1", "\"width\": 16384, \"height\": 16384");
    let Err(ExecutionError::Node(failure)) = run(job(&large)).await else { panic!("it ran") };
    assert_eq!((failure.node_id.as_str(), &*failure.exception_type), ("1", "MemoryError"));
}

#[tokio::test]
async fn what_the_check_finds_is_refused() {
    let faulty = job(&PROMPT.replace("ImageInvert", "ImageInver"));
    let findings = NativeExecutor::new().check(&faulty.prompt).await.unwrap();
    assert_eq!(
        findings.iter().map(|finding| finding.code.as_ref()).collect::<Vec<_>>(),
        ["missing_node_type"; 2]
    );
    assert!(matches!(run(faulty).await, Err(ExecutionError::Refused(refused)) if refused == findings));
}

/// A disk that is full.
#[derive(Debug)]
struct Full;

#[async_trait]
impl OutputSink for Full {
    async fn save(&self, output: Output) -> Result<(), SaveError> {
        Err(SaveError::new(output.path, std::io::ErrorKind::StorageFull.into()))
    }
}

#[tokio::test]
async fn a_save_that_fails_ends_the_run() {
    let cancel = CancellationToken::new();
    let result = NativeExecutor::new().execute(job(PROMPT), &NoEvents, &Full, &cancel).await;
    assert!(matches!(result, Err(ExecutionError::Save(_))));
}
