//! Files of every kind that ComfyUI writes a prompt into: the prompt has the names of the user.

use serde_json::{Value, json};

use super::{Bench, fresh, outputs};

pub(super) fn names(bench: &Bench) -> String {
    let prompt = prompt(fresh());
    let run = bench.run(&json!({"prompt": prompt}));
    let outputs = outputs(&run);
    let id = run["id"].as_str().expect("an id");
    let mut seen = Vec::new();
    for (path, bytes) in &outputs {
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!has(id), "{path} has the folder of the run in it");
        let kind = path.rsplit_once('.').map_or("", |(_, kind)| kind);
        assert!(path.starts_with("kinds/"), "{path}");
        let says = if has("kinds/") { "its prompt" } else { "no prompt that can be read" };
        seen.push(format!("{kind}: {says}"));
    }
    assert_eq!(outputs.len(), 8, "{seen:?}");
    let with_prompt = seen.iter().filter(|text| text.ends_with("its prompt")).count();
    assert!(with_prompt >= 5, "{seen:?}");
    seen.join(", ")
}

/// Three images and a sound, saved in every way.
fn prompt(colour: u32) -> Value {
    json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 3, "color": colour}},
        "2": {"class_type": "SaveAnimatedWEBP", "inputs": {"images": ["1", 0], "filename_prefix": "kinds/webp",
            "fps": 6.0, "lossless": true, "quality": 80, "method": "default"}},
        "3": {"class_type": "SaveAnimatedPNG", "inputs": {"images": ["1", 0], "filename_prefix": "kinds/apng",
            "fps": 6.0, "compress_level": 4}},
        "4": {"class_type": "SaveWEBM", "inputs": {"images": ["1", 0], "filename_prefix": "kinds/webm",
            "codec": "vp9", "fps": 24.0, "crf": 32.0}},
        "5": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 24.0}},
        "6": {"class_type": "SaveVideo", "inputs": {"video": ["5", 0], "filename_prefix": "kinds/video",
            "format": "auto", "codec": "auto"}},
        "7": {"class_type": "EmptyAudio", "inputs": {"duration": 0.5, "sample_rate": 44100, "channels": 2}},
        "8": {"class_type": "SaveAudio", "inputs": {"audio": ["7", 0], "filename_prefix": "kinds/flac"}},
        "9": {"class_type": "SaveAudioMP3", "inputs": {"audio": ["7", 0], "filename_prefix": "kinds/mp3",
            "quality": "128k"}},
        "10": {"class_type": "SaveAudioOpus", "inputs": {"audio": ["7", 0], "filename_prefix": "kinds/opus",
            "quality": "64k"}},
        "11": {"class_type": "SaveImage", "inputs": {"images": ["12", 0], "filename_prefix": "kinds/png"}},
        "12": {"class_type": "ImageFromBatch", "inputs": {"image": ["1", 0], "batch_index": 0, "length": 1}}
    })
}
