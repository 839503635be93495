//! Measures nodes, and a real ComfyUI beside them where one is named: `cargo xtask bench native`.
//!
//! Both get the same prompts: an image of a colour that is another one each time, so that nothing can be
//! kept, the node, and a preview of one pixel of its result. What is measured is from handing the prompt over
//! to its end, in this process and over HTTP on this machine.

#![expect(clippy::print_stdout, reason = "talking to the person at the shell is its job")]

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use comfyicu_engine::{Executor as _, Job, MemoryOutputs, NativeExecutor, NoEvents};
use comfyicu_model::json::{self, Value};
use comfyicu_model::{Prompt, RunId};
use tokio_util::sync::CancellationToken;

type Failure = Box<dyn std::error::Error>;

/// How many times each prompt runs; the median counts.
const ROUNDS: u32 = 5;

/// How long one prompt may take in the ComfyUI that is compared with.
const PATIENCE: Duration = Duration::from_secs(120);

/// Nodes with what stands at their inputs, between the image `["1", 0]` and the result of node 2.
const NODES: [(&str, &str); 13] = [
    ("(none)", ""),
    ("ImageInvert", r#""image": ["1", 0]"#),
    (
        "ImageScale area",
        r#""image": ["1", 0], "upscale_method": "area", "width": HALF, "height": HALF, "crop": "disabled""#,
    ),
    (
        "ImageScale bicubic",
        r#""image": ["1", 0], "upscale_method": "bicubic", "width": HALF, "height": HALF, "crop": "disabled""#,
    ),
    (
        "ImageScale lanczos",
        r#""image": ["1", 0], "upscale_method": "lanczos", "width": HALF, "height": HALF, "crop": "disabled""#,
    ),
    ("ImageBlur", r#""image": ["1", 0], "blur_radius": 5, "sigma": 2.0"#),
    ("ImageSharpen", r#""image": ["1", 0], "sharpen_radius": 2, "sigma": 1.0, "alpha": 1.0"#),
    (
        "ImageBlend overlay",
        r#""image1": ["1", 0], "image2": ["1", 0], "blend_factor": 0.5, "blend_mode": "overlay""#,
    ),
    (
        "ImageCompositeMasked",
        r#""destination": ["1", 0], "source": ["1", 0], "x": 9, "y": 9, "resize_source": false"#,
    ),
    ("ImageFlip", r#""image": ["1", 0], "flip_method": "y-axis: horizontally""#),
    ("ImageRotate", r#""image": ["1", 0], "rotation": "90 degrees""#),
    ("ImageQuantize", r#""image": ["1", 0], "colors": 16, "dither": "none""#),
    ("Morphology", r#""image": ["1", 0], "operation": "dilate", "kernel_size": 5"#),
];

/// What a prompt measures.
#[derive(Clone, Copy)]
enum What {
    Node(&'static str, &'static str),
    /// Ten nodes one after the other.
    Pipeline,
    /// Writing PNG.
    Save,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Node(name, _) => name,
            Self::Pipeline => "ten nodes",
            Self::Save => "PNG encode",
        }
    }

    /// The prompt for an image of a side, of a batch and a colour.
    fn prompt(self, side: u32, batch: u32, colour: u32) -> String {
        let image = format!(
            r#""1": {{"class_type": "EmptyImage", "inputs": {{"width": {side}, "height": {side}, "batch_size": {batch}, "color": {colour}}}}}"#
        );
        let node = |id: usize, class: &str, inputs: &str| {
            let inputs = inputs.replace("HALF", &(side / 2).to_string());
            format!(r#", "{id}": {{"class_type": "{class}", "inputs": {{{inputs}}}}}"#)
        };
        let (nodes, last) = match self {
            Self::Node(_, "") | Self::Save => (String::new(), 1),
            Self::Node(name, inputs) => (node(2, name.split(' ').next().unwrap_or(name), inputs), 2),
            Self::Pipeline => {
                let steps = NODES.iter().skip(1).cycle().filter(|(name, _)| !name.contains("Quantize"));
                let chain = steps.take(10).enumerate().map(|(at, (name, inputs))| {
                    let source = format!(r#"["{}", 0]"#, at + 1);
                    let class = name.split(' ').next().unwrap_or(name);
                    node(at + 2, class, &inputs.replace(r#"["1", 0]"#, &source))
                });
                (chain.collect(), 11)
            }
        };
        let part = r#""width": 1, "height": 1, "x": 0, "y": 0"#;
        let end = match self {
            Self::Save => node(90, "PreviewImage", r#""images": ["1", 0]"#),
            _ => {
                node(90, "ImageCrop", &format!(r#""image": ["{last}", 0], {part}"#))
                    + &node(91, "PreviewImage", r#""images": ["90", 0]"#)
            }
        };
        format!("{{{image}{nodes}{end}}}")
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let comfyui = arguments.next().filter(|address| !address.is_empty());
    let sides: Vec<u32> = match arguments.next() {
        Some(sides) => sides.split(',').map(str::parse).collect::<Result<_, _>>()?,
        None => vec![512, 2048],
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let executor = NativeExecutor::new();
    let whats = NODES.map(|(name, inputs)| What::Node(name, inputs)).into_iter();
    println!(
        "| prompt | side | batch | native, ms | ComfyUI, ms | times as fast |\n|---|---|---|---|---|---|"
    );
    let mut colour = 0;
    for what in whats.chain([What::Pipeline, What::Save]) {
        for (side, batch) in sides.iter().map(|side| (*side, 1)).chain([(512, 8)]) {
            let (mut own, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                colour += 1;
                let prompt = what.prompt(side, batch, colour);
                own.push(native(&runtime, &executor, &prompt)?);
                if let Some(address) = &comfyui {
                    theirs.push(real(address, &prompt)?);
                }
            }
            let own = median(own);
            let compared = match median(theirs) {
                theirs if comfyui.is_some() => format!("{:.1} | {:.1}", theirs, theirs / own),
                _ => "- | -".to_owned(),
            };
            println!("| {} | {side} | {batch} | {own:.1} | {compared} |", what.name());
        }
    }
    Ok(())
}

/// The median in milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

fn native(
    runtime: &tokio::runtime::Runtime,
    executor: &NativeExecutor,
    prompt: &str,
) -> Result<Duration, Failure> {
    let started = Instant::now();
    let job = Job::new(RunId::parse("bench")?, Prompt::parse(prompt.as_bytes())?);
    let outputs = MemoryOutputs::default();
    let cancel = CancellationToken::new();
    runtime.block_on(executor.execute(job, &NoEvents, &outputs, &cancel))?;
    Ok(started.elapsed())
}

/// Runs a prompt in a real ComfyUI. Its end is asked for each half millisecond, which is what is lost at most.
fn real(address: &str, prompt: &str) -> Result<Duration, Failure> {
    let started = Instant::now();
    let answer = http(address, "POST", "/prompt", &format!(r#"{{"prompt": {prompt}}}"#))?;
    let answer = json::read(answer.as_bytes(), json::Limits::default())?;
    let id = answer.as_object().and_then(|answer| answer.get_str("prompt_id"));
    let id = id.ok_or_else(|| format!("ComfyUI refused a prompt: {}", answer.to_json()))?.to_owned();
    while started.elapsed() < PATIENCE {
        let history = http(address, "GET", &format!("/history/{id}"), "")?;
        let history = json::read(history.as_bytes(), json::Limits::default())?;
        let entry = history.as_object().and_then(|history| history.get(&id)).and_then(Value::as_object);
        let status = entry.and_then(|entry| entry.get("status")).and_then(Value::as_object);
        match status.and_then(|status| status.get_str("status_str")) {
            Some("success") => return Ok(started.elapsed()),
            Some(_) => return Err(format!("ComfyUI failed at {prompt}").into()),
            None => std::thread::sleep(Duration::from_micros(500)),
        }
    }
    Err("ComfyUI did not end in time".into())
}

/// One exchange over a connection of its own; the body of the answer.
fn http(address: &str, method: &str, path: &str, body: &str) -> Result<String, io::Error> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}
