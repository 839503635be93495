//! Node definitions beside `serde_json::Value`, and the check of a large prompt against all of them.
//!
//! The definitions are those of a real ComfyUI where `../shared` has them, else made to be like them.
//! Run it with `cargo bench -p comfyicu-model --bench validate`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use comfyicu_model::{ObjectInfo, Prompt};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// How many nodes the prompt has.
const NODES: usize = 250;

fn definitions() -> Vec<u8> {
    let real = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus/object_info/comfyui-0.33.0.object_info+models.json");
    std::fs::read(real).unwrap_or_else(|_| made_up())
}

/// 900 classes, and those that the prompt uses.
fn made_up() -> Vec<u8> {
    let mut json = String::from("{");
    for class in 0..900 {
        let _infallible = write!(
            json,
            r#""Class{class}": {{"input": {{"required": {{"image": ["IMAGE"], "size": ["INT", {{"min": 0, "max": 16384}}], "how": [["near", "far", "lanczos"], {{"tooltip": "How it is done, in a sentence or two."}}]}}}}, "output": ["IMAGE"], "output_name": ["IMAGE"], "description": "Does something to an image.", "category": "image"}},"#
        );
    }
    json.push_str(USED);
    json.into_bytes()
}

/// The classes of the prompt, as ComfyUI defines them.
const USED: &str = r#"
    "CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [["svd_xt.safetensors", "sd3.safetensors"]]}}, "output": ["MODEL", "CLIP", "VAE"]},
    "CLIPTextEncode": {"input": {"required": {"text": ["STRING", {"multiline": true}], "clip": ["CLIP"]}}, "output": ["CONDITIONING"]},
    "EmptyLatentImage": {"input": {"required": {"width": ["INT", {"min": 16, "max": 16384}], "height": ["INT", {"min": 16, "max": 16384}], "batch_size": ["INT", {"min": 1, "max": 4096}]}}, "output": ["LATENT"]},
    "KSampler": {"input": {"required": {"model": ["MODEL"], "seed": ["INT", {"min": 0, "max": 18446744073709551615}], "steps": ["INT", {"min": 1, "max": 10000}], "cfg": ["FLOAT", {"min": 0.0, "max": 100.0}], "sampler_name": [["euler", "ddim", "uni_pc"]], "scheduler": [["normal", "simple"]], "positive": ["CONDITIONING"], "negative": ["CONDITIONING"], "latent_image": ["LATENT"], "denoise": ["FLOAT", {"min": 0.0, "max": 1.0}]}}, "output": ["LATENT"]},
    "VAEDecode": {"input": {"required": {"samples": ["LATENT"], "vae": ["VAE"]}}, "output": ["IMAGE"]},
    "SaveImage": {"input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING"]}}, "output": [], "output_node": true}
}"#;

/// One checkpoint, and behind it texts, samplers, decoders and saves until the prompt has its size.
fn prompt() -> Vec<u8> {
    let mut json = String::from(
        r#"{"0": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd3.safetensors"}}"#,
    );
    for group in 0..NODES / 6 {
        let id = |at: usize| group * 6 + at;
        let (positive, negative, latent, sampler, decoder, save) = (id(1), id(2), id(3), id(4), id(5), id(6));
        let _infallible = write!(
            json,
            r#","{positive}": {{"class_type": "CLIPTextEncode", "inputs": {{"text": "a red fox in the snow, {group}", "clip": ["0", 1]}}}},
            "{negative}": {{"class_type": "CLIPTextEncode", "inputs": {{"text": "blurry", "clip": ["0", 1]}}}},
            "{latent}": {{"class_type": "EmptyLatentImage", "inputs": {{"width": 512, "height": 512, "batch_size": 1}}}},
            "{sampler}": {{"class_type": "KSampler", "inputs": {{"model": ["0", 0], "seed": 18446744073709551615, "steps": 20, "cfg": 8.0,
                "sampler_name": "uni_pc", "scheduler": "normal", "positive": ["{positive}", 0], "negative": ["{negative}", 0],
                "latent_image": ["{latent}", 0], "denoise": 1.0}}, "_meta": {{"title": "Sampler {group}"}}}},
            "{decoder}": {{"class_type": "VAEDecode", "inputs": {{"samples": ["{sampler}", 0], "vae": ["0", 2]}}}},
            "{save}": {{"class_type": "SaveImage", "inputs": {{"images": ["{decoder}", 0], "filename_prefix": "out/{group}"}}}}"#
        );
    }
    json.push('}');
    json.into_bytes()
}

fn parse_definitions(c: &mut Criterion) {
    let json = definitions();
    let mut group = c.benchmark_group("object_info");
    group.throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("ObjectInfo::parse", |b| b.iter(|| ObjectInfo::parse(black_box(&json))));
    group.bench_function("serde_json::Value", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&json)));
    });
    group.finish();
}

fn check_prompt(c: &mut Criterion) {
    let (definitions, json) = (definitions(), prompt());
    let (Ok(object_info), Ok(prompt)) = (ObjectInfo::parse(&definitions), Prompt::parse(&json)) else {
        return;
    };
    let mut group = c.benchmark_group(format!("check of {} nodes", prompt.nodes().count()));
    group.bench_function("check_with", |b| b.iter(|| black_box(&prompt).check_with(&object_info)));
    group.bench_function("verdict", |b| b.iter(|| black_box(&prompt).verdict(&object_info)));
    group.bench_function("check", |b| b.iter(|| black_box(&prompt).check()));
    group.bench_function("parse and check", |b| {
        b.iter_batched(
            || &json,
            |json| Prompt::parse(json).map(|prompt| prompt.check()),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("serde_json::Value of the same bytes", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&json)));
    });
    group.finish();
}

criterion_group!(benches, parse_definitions, check_prompt);
criterion_main!(benches);
