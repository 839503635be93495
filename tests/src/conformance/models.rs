//! A checkpoint and a `LoRA` that a run brings, as files from an address, and a sampler that runs with them.

use std::fs;

use serde_json::{Value, json};

use super::{Bench, decoded, fresh, outputs};
use crate::host::{Host, Reply};

/// The names that the models get on ComfyUI.
const CHECKPOINT: &str = "comfyicu-conformance-checkpoint.safetensors";
const VERSION: &str = "\"one\"";
const LORA: &str = "comfyicu-conformance-lora.safetensors";

pub(super) fn sampled(bench: &Bench) -> String {
    let Some(checkpoint) = bench.options.checkpoint.clone() else {
        return "left out: it needs --checkpoint FILE, and --comfyui-dir, so that it can be put there"
            .to_owned();
    };
    let lora = bench.options.lora.clone();
    let mut files = Vec::new();
    let served = [Some(checkpoint), lora];
    let has_lora = served[1].is_some();
    let host = Host::start(move |request| {
        // It says which version this is, as every host of models does.
        if request.header("if-none-match") == Some(VERSION) {
            return Reply::status(304);
        }
        let file = served.get(usize::from(request.path.contains("lora"))).and_then(Option::as_ref);
        file.and_then(|file| fs::read(file).ok())
            .map_or(Reply::status(404), |bytes| Reply::ok(bytes).header("etag", VERSION))
    });
    files.push((format!("/models/checkpoints/{CHECKPOINT}"), Value::from(host.url("/checkpoint"))));
    if has_lora {
        files.push((format!("/models/loras/{LORA}"), Value::from(host.url("/lora"))));
    }
    let files: serde_json::Map<String, Value> = files.into_iter().collect();
    let seed = fresh();
    let run = |seed: u32, prefix: &str| {
        bench.run(&json!({"prompt": prompt(seed, prefix, has_lora), "files": files}))
    };
    let (first, second, other) = (run(seed, "first"), run(seed, "second"), run(seed ^ 1, "other"));
    let picture = |run: &Value| decoded(&outputs(run)[0].1);
    let (one, again, else_) = (picture(&first), picture(&second), picture(&other));
    assert_eq!((one.0, one.1), (64, 64));
    assert!(one == again, "the same seed gives other pixels");
    assert!(one != else_, "another seed gives the same pixels");
    let hits = |run: &Value| -> Vec<bool> {
        let files = run["x"]["files"].as_object().expect("files");
        files.values().map(|file| file["cache_hit"] == true).collect()
    };
    assert!(hits(&first).iter().all(|hit| !hit), "{}", first["x"]);
    assert!(hits(&second).iter().all(|hit| *hit), "{}", second["x"]);
    format!("{} files, sampled three times, fetched once; {}", files.len(), second["x"])
}

/// One step of a sampler, and what it takes.
fn prompt(seed: u32, prefix: &str, has_lora: bool) -> Value {
    let mut prompt = json!({
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": CHECKPOINT}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["1", 1]}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "KSampler", "inputs": {
            "model": ["1", 0], "positive": ["3", 0], "negative": ["4", 0], "latent_image": ["5", 0],
            "seed": seed, "steps": 1, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}},
        "7": {"class_type": "VAEDecode", "inputs": {"samples": ["6", 0], "vae": ["1", 2]}},
        "8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0], "filename_prefix": prefix}}
    });
    if has_lora {
        prompt["2"] = json!({"class_type": "LoraLoader", "inputs": {
            "model": ["1", 0], "clip": ["1", 1], "lora_name": LORA, "strength_model": 1.0, "strength_clip": 1.0}});
        prompt["6"]["inputs"]["model"] = json!(["2", 0]);
    }
    prompt
}
