//! Requests that are ready, and those that are not.

use crate::files::Files;
use crate::finding::Finding;
use crate::object_info::ObjectInfo;
use crate::prompt::Prompt;
use crate::run::RunRequest;

const DEFINITIONS: &[u8] = br#"{
    "LoadImage": {"input": {"required": {"image": [["example.png", "here.png"], {"image_upload": true}]}}, "output": ["IMAGE", "MASK"]},
    "CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [["sd15.safetensors"]]}}, "output": ["MODEL", "CLIP", "VAE"]},
    "LoraLoaderModelOnly": {"input": {"required": {"model": ["MODEL"], "lora_name": [["a.safetensors"]], "strength": ["FLOAT"]}}, "output": ["MODEL"]},
    "CLIPTextEncode": {"input": {"required": {"text": ["STRING"], "clip": ["CLIP"]}}, "output": ["CONDITIONING"]},
    "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": true}
}"#;

/// A prompt that loads an image, a checkpoint, a model in a folder and an embedding.
const PROMPT: &str = r#"{
    "1": {"class_type": "LoadImage", "inputs": {"image": "IMAGE"}},
    "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "CHECKPOINT"}},
    "3": {"class_type": "LoraLoaderModelOnly", "inputs": {"model": ["2", 0], "lora_name": "style\\thick.safetensors", "strength": 1}},
    "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox, (embedding:easy:1.2)", "clip": ["2", 1]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}
}"#;

fn request(image: &str, checkpoint: &str, files: &[&str]) -> RunRequest {
    let json = PROMPT.replace("IMAGE\"}", &format!("{image}\"}}")).replace("CHECKPOINT", checkpoint);
    let source = || "https://example.com/x".parse().unwrap();
    let files = files.iter().map(|path| (path.parse().unwrap(), source())).collect::<Files>();
    RunRequest::new(Prompt::parse(json.as_bytes()).unwrap()).files(files)
}

fn object_info() -> ObjectInfo {
    ObjectInfo::parse(DEFINITIONS).unwrap()
}

fn lines(findings: &[Finding]) -> String {
    let line = |finding: &Finding| format!("{} {}: {finding}\n", finding.severity, finding.code);
    findings.iter().map(line).collect()
}

const ALL: &[&str] = &[
    "/input/photo.png",
    "/models/checkpoints/my.ckpt",
    "/models/loras/style/thick.safetensors",
    "/models/embeddings/easy.pt",
];

#[test]
fn a_request_that_brings_what_it_needs_is_ready() {
    let request = request("photo.png", "my.ckpt", ALL);
    assert_eq!(lines(&request.check_with(&object_info())), "");
    assert_eq!(lines(&request.check_files(Some(&object_info()))), "");
    assert_eq!(lines(&request.check()), "");
}

#[test]
fn files_that_the_server_lists_need_not_be_sent() {
    let lora = ["/models/loras/style/thick.safetensors"];
    let request = request("here.png", "sd15.safetensors", &lora);
    assert_eq!(lines(&request.check_with(&object_info())), "");
    insta::assert_snapshot!(lines(&request.check()), @r#"
    warning file_not_sent: node 1 (LoadImage), input `image`: nothing says that the server has "here.png" (where it does not, send it among the `files` of the run, as /input/here.png)
    warning file_not_sent: node 2 (CheckpointLoaderSimple), input `ckpt_name`: nothing says that the server has "sd15.safetensors" (where it does not, send it among the `files` of the run, as /models/checkpoints/sd15.safetensors)
    "#);
}

#[test]
fn files_that_are_nowhere_are_named() {
    let request = request("photo.png", "my.ckpt", &[]);
    insta::assert_snapshot!(lines(&request.check_files(Some(&object_info()))), @r#"
    error custom_validation_failed: node 1 (LoadImage), input `image`: the server has no file "photo.png" (send it among the `files` of the run, as /input/photo.png)
    error value_not_in_list: node 2 (CheckpointLoaderSimple), input `ckpt_name`: "my.ckpt" is not the one value to choose from (send it among the `files` of the run, as /models/checkpoints/my.ckpt)
    error value_not_in_list: node 3 (LoraLoaderModelOnly), input `lora_name`: "style\\thick.safetensors" is not the one value to choose from (send it among the `files` of the run, as /models/loras/style/thick.safetensors)
    "#);
    insta::assert_snapshot!(lines(&request.check_files(None)), @r#"
    warning file_not_sent: node 1 (LoadImage), input `image`: nothing says that the server has "photo.png" (where it does not, send it among the `files` of the run, as /input/photo.png)
    warning file_not_sent: node 2 (CheckpointLoaderSimple), input `ckpt_name`: nothing says that the server has "my.ckpt" (where it does not, send it among the `files` of the run, as /models/checkpoints/my.ckpt)
    warning file_not_sent: node 3 (LoraLoaderModelOnly), input `lora_name`: nothing says that the server has "style\\thick.safetensors" (where it does not, send it among the `files` of the run, as /models/loras/style/thick.safetensors)
    "#);
    let of_files =
        |finding: &&Finding| ["custom_validation_failed", "value_not_in_list"].contains(&&*finding.code);
    assert_eq!(request.check_with(&object_info()).iter().filter(of_files).count(), 3);
}

#[test]
fn files_that_are_sent_in_vain_are_named() {
    let files = [
        "/input/photo.png",
        "/input/phóto.png",
        "/models/checkpoint/my.ckpt",
        "/models/vae/my.ckpt",
        "/models/loras/thick.safetensors",
        "/models/embeddings/hard.pt",
        "/models/custom_things/x.bin",
    ];
    let request = request("photo.png", "my.ckpt", &files);
    insta::assert_snapshot!(lines(&request.check_files(None)), @r#"
    warning file_not_sent: node 2 (CheckpointLoaderSimple), input `ckpt_name`: nothing says that the server has "my.ckpt" (where it does not, send it among the `files` of the run, as /models/checkpoints/my.ckpt)
    warning file_not_sent: node 3 (LoraLoaderModelOnly), input `lora_name`: nothing says that the server has "style\\thick.safetensors" (where it does not, send it among the `files` of the run, as /models/loras/style/thick.safetensors)
    warning unused_file: no node uses the file /input/phóto.png (take it out, or name it in the prompt)
    warning misplaced_file: the file /models/checkpoint/my.ckpt is not where node 2 (CheckpointLoaderSimple) looks for it (send it as /models/checkpoints/my.ckpt)
    warning misplaced_file: the file /models/vae/my.ckpt is not where node 2 (CheckpointLoaderSimple) looks for it (send it as /models/checkpoints/my.ckpt)
    warning misplaced_file: the file /models/loras/thick.safetensors is not where node 3 (LoraLoaderModelOnly) looks for it (send it as /models/loras/style/thick.safetensors)
    warning unused_file: no node uses the file /models/embeddings/hard.pt (take it out, or name it in the prompt)
    warning unused_file: no node uses the file /models/custom_things/x.bin (take it out, or name it in the prompt)
    "#);
}

#[test]
fn files_are_used_in_many_ways() {
    let used = |text: &str, path: &str| {
        let value = crate::json::Value::from(text).to_json();
        let json = format!(
            r#"{{"1": {{"class_type": "Of mine", "inputs": {{"x": {{"on": true, "y": [{value}]}}}}}}}}"#
        );
        let files = [(path.parse().unwrap(), "https://h/x".parse().unwrap())].into_iter().collect::<Files>();
        let request = RunRequest::new(Prompt::parse(json.as_bytes()).unwrap()).files(files);
        request.check_files(None).iter().all(|finding| finding.code != "unused_file")
    };
    for (text, path) in [
        ("a.png", "/input/a.png"),
        ("a.png [input]", "/input/a.png"),
        ("sub\\a.png", "/input/sub/a.png"),
        ("frames", "/input/frames/0001.png"),
        ("/comfyui/input/a.png", "/input/a.png"),
        ("input/a.png", "/input/a.png"),
        ("models/loras/x/a.pt", "/models/loras/x/a.pt"),
        ("a fox <lora:thick:0.8> by night", "/models/loras/thick.safetensors"),
        ("embedding:easy.pt, ugly", "/models/embeddings/easy.pt"),
        ("embedding:sub/easy", "/models/embeddings/sub/easy.pt"),
    ] {
        assert!(used(text, path), "{text} and {path}");
    }
    for (text, path) in [("b.png", "/input/a.png"), ("fram", "/input/frames/1.png"), ("a", "/input/a.png")] {
        assert!(!used(text, path), "{text} and {path}");
    }
}
