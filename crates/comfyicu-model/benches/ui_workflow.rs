//! How long a UI workflow takes to become a prompt: one of 976 nodes, beside `serde_json::Value` of the same bytes;
//! and each file of `tests/data/ui_workflows` beside the converter of comfy-cli, in the same run.
//!
//! `cargo bench -p comfyicu-model --bench ui_workflow`; with `COMFY_CLI_PYTHON=PYTHON`, a Python that has comfy-cli
//! installed, beside that too.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may end, and says its figures"
)]

mod peer;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use comfyicu_model::json::{Limits, Number, Value, read};
use comfyicu_model::{ConvertOptions, ObjectInfo, UiWorkflow};
use criterion::{Criterion, Throughput, criterion_group};

/// As many as the largest file of the corpus has.
const NODES: usize = 976;

/// How often each file is converted; the best counts, so that what else runs on the machine does not.
const TIMES: usize = 50;

fn main() {
    benches();
    let files = peer_files();
    let definitions = definitions_path();
    let Some(peer) = peer::times(&definitions, &files) else {
        println!("COMFY_CLI_PYTHON is not set: nothing to compare with");
        return;
    };
    let object_info = ObjectInfo::parse(&bytes(&definitions)).expect("definitions");
    let mut all = (Duration::ZERO, Duration::ZERO);
    println!("{:<44} {:>12} {:>12} {:>7}", "file, read, converted and written", "here", "comfy-cli", "ratio");
    for (file, theirs) in files.iter().zip(peer) {
        let Some(theirs) = theirs else { continue };
        let ours = best(&bytes(file), &object_info);
        all = (all.0 + ours, all.1 + theirs);
        if file.starts_with(data()) || is_large(file) {
            println!("{:<44} {:>12.1?} {:>12.1?} {:>6.0}×", name(file), ours, theirs, ratio(theirs, ours));
        }
    }
    println!("all {} files: {:.1?} and {:.1?}, {:.0}×", files.len(), all.0, all.1, ratio(all.1, all.0));
}

fn ratio(more: Duration, less: Duration) -> f64 {
    more.as_secs_f64() / less.as_secs_f64()
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/ui_workflows")
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus")
}

const LARGE: &str = "ui/wyrde__wyrde-comfyui-workflows__multi-sample-latent-fixing-x40-v1.2.json";

fn is_large(file: &Path) -> bool {
    file == corpus().join(LARGE)
}

/// All definitions of ComfyUI where the corpus has them, else those that the small files need.
fn definitions_path() -> PathBuf {
    let all = corpus().join("object_info/comfyui-0.33.0.object_info.json");
    if all.is_file() { all } else { data().join("object_info.json") }
}

/// The small files, and what the corpus has where it is there.
fn peer_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [data(), corpus().join("pairs")] {
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let paths = entries.map(|entry| entry.path());
        files.extend(paths.filter(|path| path.to_string_lossy().ends_with(".ui.json")));
    }
    files.sort();
    files.extend(Some(corpus().join(LARGE)).filter(|large| large.is_file()));
    files
}

fn name(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.chars().take(44).collect()
}

fn bytes(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The shortest time from the bytes of a UI workflow to those of its prompt.
fn best(json: &[u8], object_info: &ObjectInfo) -> Duration {
    let once = || {
        let start = Instant::now();
        black_box(converted(black_box(json), object_info));
        start.elapsed()
    };
    (0..TIMES).map(|_| once()).min().unwrap_or_default()
}

fn converted(json: &[u8], object_info: &ObjectInfo) -> String {
    let workflow = UiWorkflow::parse(json).expect("a UI workflow");
    let conversion = workflow.to_prompt(object_info, &ConvertOptions::default());
    conversion.expect("it has a prompt").prompt.to_json()
}

/// The largest file of the corpus; without the corpus, a small one side by side until it is as large.
fn large() -> Vec<u8> {
    let real = corpus().join(LARGE);
    if real.is_file() { bytes(&real) } else { side_by_side().into_bytes() }
}

fn side_by_side() -> String {
    let json = bytes(&data().join("upscale_latent_muted.ui.json"));
    let Ok(Value::Object(mut workflow)) = read(&json, Limits::default()) else { panic!("a UI workflow") };
    let list = |key: &str| workflow.get(key).and_then(Value::as_array).unwrap_or_default().to_vec();
    let (nodes, links) = (list("nodes"), list("links"));
    let copies = 0..i64::try_from(NODES.div_ceil(nodes.len())).expect("a few");
    let copied = |all: &[Value]| {
        copies
            .clone()
            .flat_map(|copy| all.iter().map(move |value| moved(value, copy * 1000)).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let (nodes, links) = (copied(&nodes), copied(&links));
    workflow.insert("nodes", nodes);
    workflow.insert("links", links);
    Value::from(workflow).to_json()
}

/// A node or a link whose numbers are higher by as much.
fn moved(value: &Value, by: i64) -> Value {
    let more = |value: &Value| match value.as_number().and_then(Number::as_i64) {
        Some(number) => Value::from(number + by),
        None => value.clone(),
    };
    match value {
        Value::Array(link) => {
            let part =
                |(at, part): (usize, &Value)| if matches!(at, 0 | 1 | 3) { more(part) } else { part.clone() };
            Value::Array(link.iter().enumerate().map(part).collect())
        }
        Value::Object(node) => {
            let mut node = node.clone();
            let id = node.get("id").map(more);
            node.insert("id", id);
            let inputs = node.get_mut("inputs").map(std::mem::take);
            if let Some(Value::Array(mut inputs)) = inputs {
                for slot in inputs.iter_mut().filter_map(Value::as_object_mut) {
                    let link = slot.get("link").map(more);
                    slot.insert("link", link);
                }
                node.insert("inputs", inputs);
            }
            node.into()
        }
        _ => value.clone(),
    }
}

fn converting(criterion: &mut Criterion) {
    let object_info = ObjectInfo::parse(&bytes(&definitions_path())).expect("definitions");
    let json = large();
    let workflow = UiWorkflow::parse(&json).expect("a UI workflow");
    let nodes = workflow.as_object().get("nodes").and_then(Value::as_array).map_or(0, <[Value]>::len);
    let mut group = criterion.benchmark_group(format!("UI workflow of {nodes} nodes"));
    group.throughput(Throughput::Bytes(u64::try_from(json.len()).expect("a length")));
    group.bench_function("serde_json::Value", |bencher| {
        bencher.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&json)).expect("JSON"));
    });
    group.bench_function("UiWorkflow::parse", |bencher| {
        bencher.iter(|| UiWorkflow::parse(black_box(&json)).expect("a UI workflow"));
    });
    group.bench_function("UiWorkflow::to_prompt", |bencher| {
        bencher.iter(|| black_box(&workflow).to_prompt(&object_info, &ConvertOptions::default()));
    });
    group.bench_function("parse, convert and write", |bencher| {
        bencher.iter(|| converted(black_box(&json), &object_info));
    });
    group.finish();
}

criterion_group!(benches, converting);
