//! Whole runs: order, events, files, cancellation, failures.

mod breaking_off;
mod memory;
mod switch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use comfyicu_model::{DestPath, Prompt, RunId};

use super::*;
use crate::{Event, InputFile, InputFiles, MemoryOutputs, NoEvents, Output, OutputKind, SaveError};

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

/// Notes which nodes started, and cancels the run when one of them does, or node 2 has made progress.
#[derive(Debug, Default)]
struct Watcher {
    started: Mutex<Vec<(String, usize, usize)>>,
    cached: Mutex<Vec<String>>,
    texts: Mutex<BTreeMap<String, Vec<String>>>,
    progress: Mutex<Vec<(u64, u64)>>,
    cancel_at: Option<&'static str>,
    token: CancellationToken,
}

impl EventSink for Watcher {
    fn emit(&self, event: Event) {
        match event {
            Event::NodeStarted { node_id, done, total, .. } => {
                if self.cancel_at == Some(node_id.as_str()) {
                    self.token.cancel();
                }
                self.started.lock().unwrap().push((node_id.to_string(), done, total));
            }
            Event::NodeTexts { node_id, texts } => {
                self.texts.lock().unwrap().insert(node_id.to_string(), texts);
            }
            Event::NodeCached { node_id } => self.cached.lock().unwrap().push(node_id.to_string()),
            Event::Progress { node_id, value, max } if node_id.as_str() == "2" => {
                self.token.cancel();
                self.progress.lock().unwrap().push((value, max));
            }
            Event::Progress { .. } => {}
            other => panic!("the native executor does not tell {other:?}"),
        }
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
        codec::decode(output.content.as_bytes().unwrap(), limit::Extent::ALL, &work::Work::default())
            .unwrap()
            .remove(0)
            .rgb
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
    let folder = tempfile::tempdir().unwrap();
    let file = |content: &[u8]| -> PathBuf {
        let path = folder.path().join("blob");
        std::fs::write(&path, content).unwrap();
        path
    };
    let given = |path: PathBuf| {
        InputFiles::from_iter([(DestPath::input("a.png").unwrap(), InputFile::of(path).unwrap())])
    };
    let (_, kind, message) = failure(run(job(load).inputs(given(file(b"8BPS")))).await);
    assert_eq!(kind, "PIL.UnidentifiedImageError");
    assert_eq!(
        message,
        "a.png cannot be loaded: its format is Photoshop; PNG, JPEG, WebP, GIF, BMP and TIFF are read"
    );
    // Pillow takes no file for JPEG whose first marker has no length, and that for damaged where it is cut short.
    let (_, kind, _) = failure(run(job(load).inputs(given(file(b"\xff\xd8\xff\xe0")))).await);
    assert_eq!(kind, "PIL.UnidentifiedImageError");
    let (_, kind, message) = failure(run(job(load).inputs(given(file(b"\xff\xd8\xff\xe0\0\x10JFIF")))).await);
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
async fn what_is_known_to_be_too_large_fails_before_anything_runs() {
    let prompt = r#"{
        "1": {"class_type": "EmptyImage", "inputs": {"width": 512, "height": 512, "batch_size": 8, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "first"}},
        "3": {"class_type": "ImageScaleBy", "inputs": {"image": ["1", 0], "upscale_method": "area", "scale_by": 4.0}},
        "4": {"class_type": "ImageInvert", "inputs": {"image": ["3", 0]}},
        "5": {"class_type": "RepeatImageBatch", "inputs": {"image": ["4", 0], "amount": 9}},
        "6": {"class_type": "PreviewImage", "inputs": {"images": ["5", 0]}}
    }"#;
    let outputs = MemoryOutputs::default();
    let cancel = CancellationToken::new();
    let result = NativeExecutor::new().execute(job(prompt), &NoEvents, &outputs, &cancel).await;
    let Err(ExecutionError::Node(failure)) = result else { panic!("{result:?}") };
    assert_eq!((failure.node_id.as_str(), &*failure.exception_type), ("5", "MemoryError"));
    assert!(outputs.take().is_empty(), "the first image was saved before");
}

#[tokio::test]
async fn what_the_check_finds_is_refused() {
    let faulty = job(&PROMPT.replace("ImageInvert", "ImageInver"));
    let findings = NativeExecutor::new().check(&RunRequest::new(faulty.prompt.clone())).await.unwrap();
    assert_eq!(
        findings.iter().map(|finding| finding.code.as_ref()).collect::<Vec<_>>(),
        ["missing_node_type"; 2]
    );
    insta::assert_snapshot!(findings[0], @"node 2 (ImageInver): there is no class `ImageInver` (was `ImageInvert` meant? other classes need a real ComfyUI: `comfyicu-server serve --comfyui URL`, where your version has it)");
    assert!(matches!(run(faulty).await, Err(ExecutionError::Refused(refused)) if refused == findings));
    let other = job(&PROMPT.replace("EmptyImage", "KSampler"));
    let findings = NativeExecutor::new().check(&RunRequest::new(other.prompt)).await.unwrap();
    insta::assert_snapshot!(findings[0], @"node 1 (KSampler): there is no class `KSampler` (other classes need a real ComfyUI: `comfyicu-server serve --comfyui URL`, where your version has it)");
    let without_file = r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}"#;
    let refused = run(job(without_file)).await.unwrap_err();
    insta::assert_snapshot!(refused, @r#"the prompt is refused: node 1 (LoadImage), input `image`: the server has no file "a.png" (send it among the `files` of the run, as /input/a.png)"#);
}

#[tokio::test]
async fn good_outputs_run_without_the_others() {
    // As ComfyUI does, and with slots counted from the last.
    let json = r#"{
        "1": {"class_type": "SolidMask", "inputs": {"value": 1, "width": 2, "height": 1}},
        "2": {"class_type": "MaskToImage", "inputs": {"mask": ["1", -1]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["2", 7], "filename_prefix": "x"}},
        "5": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}
    }"#;
    let outputs = run(job(json)).await.unwrap();
    let named: Vec<_> =
        outputs.iter().map(|output| (output.node_id.as_str(), output.path.as_str())).collect();
    assert_eq!(named, [("3", "x_00001_.png")]);
}

/// A disk that is full.
#[derive(Debug)]
struct Full;

#[async_trait]
impl OutputSink for Full {
    async fn save(&self, output: Output) -> Result<(), SaveError> {
        Err(SaveError::new(output.path, io::ErrorKind::StorageFull.into()))
    }
}

#[tokio::test]
async fn a_save_that_fails_ends_the_run() {
    let cancel = CancellationToken::new();
    let result = NativeExecutor::new().execute(job(PROMPT), &NoEvents, &Full, &cancel).await;
    assert!(matches!(result, Err(ExecutionError::Save(_))));
}

/// Which nodes ran, and which did not have to.
async fn watched(executor: &NativeExecutor, job: Job) -> [Vec<String>; 2] {
    let (watcher, outputs) = (Watcher::default(), MemoryOutputs::default());
    executor.execute(job, &watcher, &outputs, &watcher.token).await.unwrap();
    assert!(!outputs.take().is_empty(), "outputs are never left out");
    let started = watcher.started.into_inner().unwrap().into_iter().map(|(node_id, ..)| node_id).collect();
    [started, watcher.cached.into_inner().unwrap()]
}

#[tokio::test]
async fn what_an_earlier_run_gave_is_not_made_again() {
    let executor = NativeExecutor::new();
    let first = watched(&executor, job(PROMPT)).await;
    assert_eq!(first, [vec!["1", "8", "2", "9", "7"], vec![]]);
    let again = watched(&executor, job(PROMPT)).await;
    assert_eq!(again, [vec!["8", "9", "7"], vec!["1", "2"]]);
    // Under other names, and with what leads to a known result left out.
    let renamed = PROMPT.replace("\"1\"", "\"11\"").replace("\"8\"", "\"18\"").replacen(
        "[\"11\", 0], \"filename",
        "[\"2\", 0], \"filename",
        1,
    );
    assert_eq!(watched(&executor, job(&renamed)).await[1], ["2"]);
    let other = watched(&executor, job(&PROMPT.replace("255", "254"))).await;
    assert_eq!(other[1], Vec::<String>::new());
    executor.clear_cache();
    assert_eq!(watched(&executor, job(PROMPT)).await, first);
}

#[tokio::test]
async fn what_is_as_soon_made_again_is_not_kept() {
    // Each image takes 3 MiB.
    let prompt = r#"{
        "1": {"class_type": "EmptyImage", "inputs": {"width": 512, "height": 512, "batch_size": 1, "color": 255}},
        "2": {"class_type": "ImageSharpen", "inputs": {"image": ["1", 0], "sharpen_radius": 1, "sigma": 1.0, "alpha": 1.0}},
        "3": {"class_type": "ImageFlip", "inputs": {"image": ["2", 0], "flip_method": "x"}},
        "4": {"class_type": "ImageCrop", "inputs": {"image": ["3", 0], "x": 0, "y": 0, "width": 9, "height": 9}},
        "5": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
        "6": {"class_type": "PreviewImage", "inputs": {"images": ["4", 0]}}
    }"#;
    let prompt = prompt.replace(r#""x"}"#, r#""x-axis: vertically"}"#);
    let executor = NativeExecutor::new();
    assert_eq!(watched(&executor, job(&prompt)).await[1], Vec::<String>::new());
    let [mut started, cached] = watched(&executor, job(&prompt)).await;
    started.sort();
    assert_eq!(
        (started, cached),
        (["3", "5", "6"].map(str::to_owned).to_vec(), ["2", "4"].map(str::to_owned).to_vec())
    );
}

#[tokio::test]
async fn a_file_counts_by_its_bytes() {
    let load = r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}"#;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, shade: u8| {
        let pixels = codec::Pixels { width: 1, height: 1, channels: 3, bytes: &[shade; 3] };
        let path = folder.path().join(name);
        std::fs::write(&path, codec::encode_png(&pixels, &[], &work::Work::default()).unwrap()).unwrap();
        path
    };
    let executor = NativeExecutor::new();
    let mut runs = Vec::new();
    for (prompt, name, path) in [
        (load.to_owned(), "a.png", write("first", 1)),
        (load.replace("a.png", "b.png"), "b.png", write("copy", 1)),
        (load.to_owned(), "a.png", write("second", 2)),
    ] {
        let files = InputFiles::from_iter([(DestPath::input(name).unwrap(), InputFile::of(path).unwrap())]);
        runs.push(watched(&executor, job(&prompt).inputs(files)).await[1].clone());
    }
    assert_eq!(runs, [vec![], vec!["1"], vec![]]);
}

#[tokio::test]
async fn long_work_tells_its_progress_and_breaks_off_inside() {
    let long = r#"{
        "1": {"class_type": "EmptyImage", "inputs": {"width": 1024, "height": 2048, "batch_size": 1, "color": 255}},
        "2": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 31, "sigma": 10.0}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}}"#;
    let (watcher, outputs) = (Watcher::default(), MemoryOutputs::default());
    let result = NativeExecutor::new().execute(job(long), &watcher, &outputs, &watcher.token).await;
    assert!(matches!(result, Err(ExecutionError::Cancelled)));
    let progress = watcher.progress.into_inner().unwrap();
    let [(done, total)] = progress[..] else { panic!("{progress:?}") };
    assert!((1..total).contains(&done), "{done} of {total}");
    assert_eq!(watcher.started.into_inner().unwrap().len(), 2);
}
