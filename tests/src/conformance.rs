//! Whether the server in front of a real ComfyUI does what it promises: the same checks for everybody's ComfyUI.

mod checks;
mod kinds;
mod models;
mod own;
mod pixels;
mod pool;
mod proxy;

pub use own::ComfyFolder;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::get;
use crate::server::{Programs, Server, ServerOptions};

/// How long a run may take on a real ComfyUI, on a processor that others use too.
const RUN: Duration = Duration::from_mins(5);
/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(20);

/// How one check went.
#[derive(Clone, Debug)]
pub struct Conformance {
    /// What was checked.
    pub name: &'static str,
    /// What was seen, or what was wrong.
    pub result: Result<String, String>,
    /// How long it took.
    pub took: Duration,
}

/// A check: it says what it saw, and panics when that is wrong.
type Check = fn(&Bench) -> String;

/// What is checked, in order.
const CHECKS: [(&str, Check); 14] = [
    ("success", checks::success),
    ("rejection", checks::rejection),
    ("failure of a node", checks::failure),
    ("everything cached", checks::cached),
    ("cancel while it runs", checks::cancel_running),
    ("cancel while it waits", checks::cancel_waiting),
    ("one name, different bytes, at once", checks::one_name),
    ("a file that no input names", checks::unnamed_file),
    ("a prefix that comes over a link", checks::linked_prefix),
    ("names in files of every kind", kinds::names),
    ("a checkpoint, a LoRA, a sampler", models::sampled),
    ("pixels of the recordings", pixels::all),
    ("200 runs over two, one of which dies", pool::one_dies),
    ("a ComfyUI of the server's own", own::owned),
];

/// What is said of a check that starts ComfyUIs.
const NO_FOLDER: &str = "left out: it needs --comfyui-dir DIR, to start ComfyUIs from";

/// What is checked.
#[derive(Clone, Debug, Default)]
pub struct ConformanceOptions {
    /// Where a ComfyUI listens; without it one is started from the folder.
    pub url: Option<String>,
    /// From where ComfyUIs can be started.
    pub folder: Option<ComfyFolder>,
    /// A checkpoint, and a `LoRA` for it, that a run is to bring.
    pub checkpoint: Option<PathBuf>,
    /// A `LoRA` for the checkpoint.
    pub lora: Option<PathBuf>,
    /// Only the checks whose names have this in them.
    pub only: String,
}

/// A server in front of a ComfyUI, and the ComfyUI itself.
#[derive(Debug)]
struct Bench {
    programs: Programs,
    options: ConformanceOptions,
    comfyui: String,
    server: Server,
}

/// Checks the server in front of a ComfyUI.
///
/// # Panics
/// When the ComfyUI or the server does not start.
pub fn conformance(programs: Programs, options: ConformanceOptions, tell: impl Fn(&Conformance)) -> bool {
    let own = options.folder.as_ref().filter(|_| options.url.is_none()).map(own::Process::start);
    let url = own.as_ref().map(|own| own.url().to_owned()).or_else(|| options.url.clone());
    let comfyui = url.expect("a URL or a folder").trim_end_matches('/').to_owned();
    let server = served(programs, &options, &[&comfyui]).start();
    let bench = Bench { programs, options, comfyui, server };
    let mut is_good = true;
    for (name, check) in CHECKS.into_iter().filter(|(name, _)| name.contains(&bench.options.only)) {
        let begun = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| check(&bench))).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
        });
        let done = Conformance { name, result, took: begun.elapsed() };
        is_good &= done.result.is_ok();
        tell(&done);
    }
    is_good
}

/// A server in front of these ComfyUIs, which see the same folder, where there is one.
fn served(programs: Programs, options: &ConformanceOptions, comfyuis: &[&str]) -> ServerOptions {
    let server = ServerOptions::new(programs).args(["--allow-host", "127.0.0.1"]);
    let folder = options.folder.as_ref().map(|comfy| format!(",folder={}", comfy.folder.display()));
    comfyuis.iter().fold(server, |server, url| {
        server.args(["--comfyui", &format!("{url}{}", folder.as_deref().unwrap_or_default())])
    })
}

impl Bench {
    /// Submits a run, waits for its end, and gives it.
    fn run(&self, body: &Value) -> Value {
        ended(&self.server, &self.server.submit(body))
    }
}

/// Waits for the end of a run.
fn ended(server: &Server, id: &str) -> Value {
    let begun = Instant::now();
    loop {
        let run = server.run(id);
        if ["COMPLETED", "ERROR", "CANCELLED"].contains(&run["status"].as_str().unwrap_or_default()) {
            return run;
        }
        assert!(begun.elapsed() < RUN, "no end within {RUN:?}: {}", run["status"]);
        std::thread::sleep(PAUSE);
    }
}

/// The bytes of the outputs of a run that completed.
#[track_caller]
fn outputs(run: &Value) -> Vec<(String, Vec<u8>)> {
    assert_eq!(run["status"], "COMPLETED", "{}", run["output"]);
    let outputs = run["output"].as_array().expect("outputs").iter();
    let output = |output: &Value| {
        let url = output["url"].as_str().expect("an address");
        let path = output["filename"].as_str().expect("a name");
        // /workflows/WORKFLOW/output/RUN/PATH
        let path = path.splitn(6, '/').last().unwrap_or_default().to_owned();
        (path, get(url).expect_status(200).body)
    };
    outputs.map(output).collect()
}

/// A picture of one colour, and where it is saved.
fn colour(colour: u32, prefix: &str) -> Value {
    json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 32, "height": 24, "batch_size": 1, "color": colour}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}}
    })
}

/// A prompt that takes ComfyUI some seconds, in many nodes; the number makes it one that is not cached.
fn slow(number: u32) -> Value {
    let mut prompt = json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 1200, "height": 1200, "batch_size": 1, "color": number}},
        "99": {"class_type": "SaveImage", "inputs": {"images": ["17", 0], "filename_prefix": "slow"}}
    });
    for node in 10..18 {
        let before = if node == 10 { "1".to_owned() } else { (node - 1).to_string() };
        let inputs = json!({"image": [before, 0], "blur_radius": 15, "sigma": 5.0});
        prompt[node.to_string()] = json!({"class_type": "ImageBlur", "inputs": inputs});
    }
    prompt
}

/// A number that was not used before, so that nothing is cached by chance.
fn fresh() -> u32 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.subsec_nanos() ^ now.as_secs().to_le_bytes().map(u32::from).iter().sum::<u32>())
        & 0x00ff_ffff
}

/// The colour of the first pixel of a PNG, and its decoded bytes.
fn decoded(bytes: &[u8]) -> (u32, u32, png::ColorType, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size that fits")];
    let info = reader.next_frame(&mut pixels).expect("a whole PNG");
    pixels.truncate(info.buffer_size());
    (info.width, info.height, info.color_type, pixels)
}

/// Whether a picture has one colour, this one.
#[track_caller]
fn assert_colour(bytes: &[u8], colour: u32) {
    let [_, red, green, blue] = colour.to_be_bytes();
    let (.., pixels) = decoded(bytes);
    assert!(pixels.chunks_exact(3).all(|pixel| pixel == [red, green, blue]), "not the colour {colour:06x}");
}
