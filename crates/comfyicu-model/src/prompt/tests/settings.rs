//! Settings: what is one, and what is not.

use super::super::*;

fn settings(prompt: &Prompt) -> String {
    let line =
        |setting: Setting<'_>| format!("{} {} {}", setting.kind, setting.place(), setting.value.to_json());
    prompt.settings().map(line).collect::<Vec<_>>().join("\n")
}

fn parse(json: &str) -> Prompt {
    Prompt::parse(json.as_bytes()).unwrap()
}

#[test]
fn settings_are_known_by_class_name_and_ending() {
    let prompt = parse(
        r#"{
        "1": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551616, "steps": 20, "model": ["2", 0], "sampler_name": "euler"}},
        "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd/a.safetensors"}},
        "3": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "a", "clip_name2": "b", "type": "flux"}},
        "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
        "5": {"class_type": "ImageScale", "inputs": {"width": 64, "height": 64, "image": ["6", 0]}},
        "6": {"class_type": "LoadImage", "inputs": {"image": "photo", "upload": "image"}},
        "7": {"class_type": "Painter", "inputs": {"mask": "painter/a.PNG [temp]", "url": "https://x.org/a.png"}},
        "8": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "out/a.png"}},
        "9": {"class_type": "CLIPTextEncodeSDXL", "inputs": {"width": 1024, "text_g": "a", "text_l": "embedding:b.pt"}},
        "10": {"class_type": "Power Lora Loader (rgthree)", "inputs": {"lora_1": {"on": true, "lora": "b.safetensors", "strength": 1}}},
        "11": {"class_type": "TextGenerate", "inputs": {"prompt": "p", "sampling_mode.seed": 4, "use_same_seed": true, "noise_seed": null}},
        "12": {"class_type": "SaveGLB", "inputs": {"image": "a.png"}},
        "13": {"class_type": "WanImageToVideo", "inputs": {"width": 832, "height": 480, "length": 81}}
    }"#,
    );
    insta::assert_snapshot!(settings(&prompt), @r#"
    seed 1.seed 18446744073709551616
    model 2.ckpt_name "sd/a.safetensors"
    model 3.clip_name1 "a"
    model 3.clip_name2 "b"
    width 4.width 512
    height 4.height 512
    file 6.image "photo"
    file 7.mask "painter/a.PNG [temp]"
    filename_prefix 8.filename_prefix "out/a.png"
    text 9.text_g "a"
    text 9.text_l "embedding:b.pt"
    model 10.lora_1.lora "b.safetensors"
    text 11.prompt "p"
    seed 11."sampling_mode.seed" 4
    seed 11.noise_seed null
    width 13.width 832
    height 13.height 480
    "#);
}

#[test]
fn values_are_followed_back_to_where_they_stand() {
    let prompt = parse(
        r#"{
        "1": {"class_type": "KSampler", "inputs": {"seed": ["2", 0], "cfg": ["9", 0]}},
        "2": {"class_type": "PrimitiveInt", "inputs": {"value": 7}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": ["4", 0]}},
        "4": {"class_type": "StringConcatenate", "inputs": {"string_a": ["5", 0], "string_b": "b", "delimiter": ", "}},
        "5": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a"}},
        "6": {"class_type": "EmptyLatentImage", "inputs": {"width": ["7", 0], "height": ["8", 0]}},
        "7": {"class_type": "ComfyMathExpression", "inputs": {"expression": "a*2", "values.a": 256}},
        "8": {"class_type": "PrimitiveInt", "inputs": {"value": 256}},
        "9": {"class_type": "PrimitiveFloat", "inputs": {"value": 8.0}},
        "10": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": ["11", 0]}},
        "11": {"class_type": "PrimitiveString", "inputs": {"value": "named"}},
        "12": {"class_type": "CLIPTextEncode", "inputs": {"text": ["12", 0]}}
    }"#,
    );
    insta::assert_snapshot!(settings(&prompt), @r#"
    seed 2.value 7
    text 4.string_b "b"
    text 5.value "a"
    height 8.value 256
    model 11.value "named"
    "#);
}

#[test]
fn settings_are_set_in_place() {
    let mut prompt = parse(
        r#"{"x": 5, "1": {"class_type": "A", "inputs": {"seed": 1, "l": {"lora": "a.ckpt"}, "o": {}}}, "2": {"class_type": "B", "inputs": {"noise_seed": 2, "seed": ["3", 0]}}, "3": {"class_type": "Int", "inputs": {"value": 3}}}"#,
    );
    let places = prompt.set_all(SettingKind::Seed, 9_u64);
    assert_eq!(
        places.iter().map(Place::to_string).collect::<Vec<_>>(),
        ["1.seed", "2.noise_seed", "3.value"]
    );
    assert_eq!(prompt.set_all(SettingKind::Model, "b.ckpt"), [Place::new("1", "l").key("lora")]);
    assert_eq!(prompt.get("1.l.lora").unwrap().to_json(), r#""b.ckpt""#);
    assert_eq!(prompt.set_all(SettingKind::Width, 9_u64), []);
    assert_eq!(prompt.set_all(SettingKind::Seed, 1.5).len(), 3);
    assert_eq!(prompt.settings().filter(|setting| setting.kind == SettingKind::Seed).count(), 0);
}
