//! Measures nodes, and a real ComfyUI beside them where one is named: `cargo xtask bench native`.
//!
//! Both get the same prompts: an image of a colour that is another one each time, so that nothing can be
//! kept, the node, and a preview of one pixel of its result. What is measured is from handing the prompt over
//! to its end, in this process and over HTTP on this machine.

use std::time::{Duration, Instant};

use comfyicu_engine::{Executor as _, Job, MemoryOutputs, NativeExecutor, NoEvents};
use comfyicu_model::{Prompt, RunId};
use tokio_util::sync::CancellationToken;

use crate::Failure;
use crate::comfyui::ComfyUi;

/// How many times each prompt runs; the median counts.
const ROUNDS: u32 = 5;

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

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut arguments = arguments.iter();
    let comfyui = arguments.next().filter(|address| !address.is_empty()).map(|address| ComfyUi::at(address));
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
                if let Some(comfyui) = &comfyui {
                    theirs.push(comfyui.time(&prompt)?);
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
