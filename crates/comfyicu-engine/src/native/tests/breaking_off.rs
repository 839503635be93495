//! Long nodes look often whether their run was cancelled, and do nothing more once it was.
//!
//! What is counted is how often they look, and not the time: between two looks lies a row, or so many values.

use super::*;
use crate::native::call::Failure;
use crate::native::context::Context;
use crate::native::run::Results;
use crate::native::steps::{Step, steps};
use crate::native::work::Work;

/// The side of the images: each pass over one looks as often, at least.
const SIDE: usize = 200;

/// How often a node may look again after it has seen that its run is cancelled.
const AFTER: usize = 2;

/// Between the image 1 of two pictures or the mask 2, and what is saved: the node 3.
const NODES: [(&str, &str); 23] = [
    ("ImageBlur", r#""image": ["1", 0], "blur_radius": 4, "sigma": 2.0"#),
    ("ImageSharpen", r#""image": ["1", 0], "sharpen_radius": 2, "sigma": 1.0, "alpha": 1.0"#),
    ("Canny", r#""image": ["1", 0], "low_threshold": 0.01, "high_threshold": 0.01"#),
    ("Morphology", r#""image": ["1", 0], "operation": "close", "kernel_size": 30"#),
    ("ImageQuantize", r#""image": ["1", 0], "colors": 16, "dither": "none""#),
    ("ImageQuantize", r#""image": ["1", 0], "colors": 16, "dither": "floyd-steinberg""#),
    ("ImageQuantize", r#""image": ["1", 0], "colors": 16, "dither": "bayer-4""#),
    ("ImageScaleBy", r#""image": ["1", 0], "upscale_method": "lanczos", "scale_by": 1.5"#),
    ("ImageAddNoise", r#""image": ["1", 0], "seed": 7, "strength": 0.5"#),
    ("ImageFlip", r#""image": ["1", 0], "flip_method": "x-axis: vertically""#),
    ("ImageInvert", r#""image": ["1", 0]"#),
    ("ImageBatch", r#""image1": ["1", 0], "image2": ["1", 0]"#),
    ("RepeatImageBatch", r#""image": ["1", 0], "amount": 3"#),
    ("ImageBlend", r#""image1": ["1", 0], "image2": ["1", 0], "blend_factor": 0.5, "blend_mode": "overlay""#),
    (
        "ImageCompositeMasked",
        r#""destination": ["1", 0], "source": ["1", 0], "x": 1, "y": 1, "resize_source": false"#,
    ),
    (
        "ImagePadForOutpaint",
        r#""image": ["1", 0], "left": 8, "top": 8, "right": 8, "bottom": 8, "feathering": 9"#,
    ),
    ("ImageRGBToYUV", r#""image": ["1", 0]"#),
    ("AdjustContrast", r#""images": ["1", 0], "factor": 0.5"#),
    ("MaskToImage", r#""mask": ["2", 0]"#),
    ("GrowMask", r#""mask": ["2", 0], "expand": 5, "tapered_corners": true"#),
    ("FeatherMask", r#""mask": ["2", 0], "left": 5, "top": 5, "right": 5, "bottom": 5"#),
    ("ThresholdMask", r#""mask": ["2", 0], "value": 0.5"#),
    ("InvertMask", r#""mask": ["2", 0]"#),
];

fn prompt(class: &str, inputs: &str) -> String {
    let save = if class.contains("Mask") && !class.ends_with("Image") && class != "ImageCompositeMasked" {
        r#""9": {"class_type": "MaskPreview", "inputs": {"mask": ["3", 0]}}"#
    } else {
        r#""9": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}}"#
    };
    format!(
        r#"{{"1": {{"class_type": "EmptyImage", "inputs": {{"width": {SIDE}, "height": {SIDE}, "batch_size": 2, "color": 255}}}},
        "2": {{"class_type": "SolidMask", "inputs": {{"width": {SIDE}, "height": {SIDE}, "value": 0.5}}}},
        "3": {{"class_type": "{class}", "inputs": {{{inputs}}}}}, {save}}}"#
    )
}

/// Runs a prompt on one thread until it looks for the `last` time, and says how often it has looked.
fn run_until(last: usize, job: Job) -> (Result<(), Failure>, usize) {
    let steps = steps(&job.prompt, &["9".into()]).unwrap();
    let work = Work::until_look(last);
    let context = Arc::new(Context::new(job, &steps, work.clone()));
    let mut results = Results::default();
    let links = steps.iter().flat_map(Step::possible_links);
    results.expect(links.map(|(node_id, slot)| (node_id.clone(), slot)));
    let mut run = || {
        for step in &steps {
            for call in results.calls(step, &context) {
                let given = (step.definition.run)(call)?;
                results.keep(&step.node_id, given.values);
            }
        }
        Ok(())
    };
    let threads = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    (threads.install(&mut run), work.looks())
}

fn breaks_off_anywhere(name: &str, job: impl Fn() -> Job, at_least: usize) {
    let (result, all) = run_until(usize::MAX, job());
    result.unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
    assert!(all >= at_least, "{name} looks {all} times");
    for last in [1, all / 4, all / 2, all * 3 / 4, all].into_iter().filter(|last| *last > 0) {
        let (result, looks) = run_until(last, job());
        let failure = result.expect_err(name);
        assert_eq!(failure.exception_type, "InterruptProcessingException", "{name} at {last}: {failure:?}");
        assert!(looks <= last + AFTER, "{name} looks {looks} times, cancelled at {last} of {all}");
    }
}

#[test]
fn every_long_node_breaks_off_anywhere() {
    for (class, inputs) in NODES {
        breaks_off_anywhere(class, || job(&prompt(class, inputs)), 2 * SIDE);
    }
    for method in ["nearest-exact", "bilinear", "area", "bicubic"] {
        let inputs = format!(
            r#""image": ["1", 0], "upscale_method": "{method}", "width": 300, "height": 900, "crop": "disabled""#
        );
        breaks_off_anywhere(method, || job(&prompt("ImageScale", &inputs)), 2 * SIDE);
    }
    let flat =
        r#""image": ["1", 0], "upscale_method": "lanczos", "width": 200, "height": 1, "crop": "disabled""#;
    breaks_off_anywhere("to one row", || job(&prompt("ImageScale", flat)), 3 * SIDE);
}

#[test]
fn writing_files_breaks_off_anywhere() {
    let images = r#""images": ["3", 0], "filename_prefix": "x", "fps": 6.0"#;
    for (class, inputs, at_least) in [
        ("SaveAnimatedPNG", r#""compress_level": 9"#, 5 * SIDE),
        ("SaveAnimatedWEBP", r#""lossless": false, "quality": 80, "method": "fastest""#, 4 * SIDE),
    ] {
        let noisy = prompt("ImageAddNoise", r#""image": ["1", 0], "seed": 7, "strength": 0.5"#);
        let preview = r#"{"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}}"#;
        let save = format!(r#"{{"class_type": "{class}", "inputs": {{{images}, {inputs}}}}}"#);
        let prompt = noisy.replace(preview, &save);
        assert_ne!(prompt, noisy);
        breaks_off_anywhere(class, || job(&prompt), at_least);
    }
}

#[test]
fn reading_files_breaks_off_anywhere() {
    const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/pixels");
    let load = r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "9": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}"#;
    for file in [
        "load_gradient_png/gradient.png",
        "load_rgba_checker_png/rgba_checker.png",
        "load_exif2_jpg/exif2.jpg",
        "load_animalpha_webp/animalpha.webp",
        "load_pages_tiff/pages.tiff",
    ] {
        let path = PathBuf::from(format!("{CASES}/{file}"));
        let files = || {
            let file = InputFile::of(path.clone()).unwrap();
            InputFiles::from_iter([(DestPath::input("a.png").unwrap(), file)])
        };
        breaks_off_anywhere(file, || job(load).inputs(files()), 10);
    }
}
