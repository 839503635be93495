//! Diffs: which node is which, and how they read.

use super::super::*;

const TEXT_TO_IMAGE: &str = r#"{
    "3": {"class_type": "KSampler", "inputs": {"seed": 7, "cfg": 8.0, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "masterpiece, best quality, a red fox in the snow, sharp focus, 4k", "clip": ["4", 1]}, "_meta": {"title": "Positive"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}, "_meta": {"title": "Negative"}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "fox"}}
}"#;

fn parse(json: &str) -> Prompt {
    Prompt::parse(json.as_bytes()).unwrap()
}

fn base() -> Prompt {
    parse(TEXT_TO_IMAGE)
}

#[test]
fn a_diff_reads_by_node_and_input() {
    let mut new = base();
    new.set("3.seed", 8_u64).unwrap();
    new.set("3.denoise", 0.5).unwrap();
    new.remove_input("3.cfg").unwrap();
    new.set("6.text", "masterpiece, best quality, a blue fox in the snow at night, sharp focus, 4k").unwrap();
    new.set("7.text", "ugly\n\"bad\"").unwrap();
    new.set_title("Negative", "x").unwrap_err();
    new.set_title("@Negative", "No").unwrap();
    let lora =
        NewNode::new("LoraLoaderModelOnly").link("model", "4", 0).input("lora_name", "ink.safetensors");
    let lora = new.add_node(lora);
    new.rewire(("4", 0), (lora.as_str(), 0)).unwrap();
    new.replace_node("9", NewNode::new("PreviewImage")).unwrap();
    insta::assert_snapshot!(base().diff(&new), @r#"
    ~ 3 (KSampler)
        seed: 7 → 8
        - cfg: 8.0
        model: output 0 of 4 (CheckpointLoaderSimple) → output 0 of 10 (LoraLoaderModelOnly)
        + denoise: 0.5
    ~ 6 (CLIPTextEncode, "Positive")
        text: "…rpiece, best quality, a [-red-]{+blue+} fox in the [-snow,-]{+snow at night,+} sharp focus, 4k"
    ~ 7 (CLIPTextEncode, "No")
        title: "Negative" → "No"
        text: "blurry" → "ugly\n\"bad\""
    ~ 9 (PreviewImage)
        class: SaveImage → PreviewImage
        - filename_prefix: "fox"
    + 10 (LoraLoaderModelOnly)
        model: output 0 of 4 (CheckpointLoaderSimple)
        lora_name: "ink.safetensors"
    "#);
    insta::assert_snapshot!(Value::from(base().diff(&new).to_object()).to_json(), @r#"{"added":[{"id":"10","class_type":"LoraLoaderModelOnly","title":null,"inputs":{"model":["4",0],"lora_name":"ink.safetensors"}}],"removed":[],"changed":[{"id":"3","class_type":"KSampler","title":null,"inputs":{"seed":{"old":7,"new":8},"cfg":{"old":8.0},"model":{"old":["4",0],"new":["10",0]},"denoise":{"new":0.5}}},{"id":"6","class_type":"CLIPTextEncode","title":"Positive","inputs":{"text":{"old":"masterpiece, best quality, a red fox in the snow, sharp focus, 4k","new":"masterpiece, best quality, a blue fox in the snow at night, sharp focus, 4k"}}},{"id":"7","class_type":"CLIPTextEncode","title":"Negative","new_title":"No","inputs":{"text":{"old":"blurry","new":"ugly\n\"bad\""}}},{"id":"9","class_type":"SaveImage","title":null,"new_class_type":"PreviewImage","inputs":{"filename_prefix":{"old":"fox"}}}],"renumbered":{}}"#);
    insta::assert_snapshot!(new.diff(&base()), @r#"
    ~ 3 (KSampler)
        seed: 8 → 7
        model: output 0 of 10 (LoraLoaderModelOnly) → output 0 of 4 (CheckpointLoaderSimple)
        - denoise: 0.5
        + cfg: 8.0
    ~ 6 (CLIPTextEncode, "Positive")
        text: "…rpiece, best quality, a [-blue-]{+red+} fox in the [-snow at night,-]{+snow,+} sharp focus, 4k"
    ~ 7 (CLIPTextEncode, "Negative")
        title: "No" → "Negative"
        text: "ugly\n\"bad\"" → "blurry"
    ~ 9 (SaveImage)
        class: PreviewImage → SaveImage
        + filename_prefix: "fox"
    - 10 (LoraLoaderModelOnly)
        model: output 0 of 4 (CheckpointLoaderSimple)
        lora_name: "ink.safetensors"
    "#);
}

#[test]
fn mere_renumbering_is_no_other_change() {
    let mut new = base();
    new.relabel([("3", "6"), ("6", "7"), ("7", "3"), ("9", "90")]).unwrap();
    insta::assert_snapshot!(base().diff(&new), @"renumbered: 3 → 6, 6 → 7, 7 → 3, 9 → 90");
    assert!(!base().diff(&new).is_empty());
}

#[test]
fn a_renumbered_prompt_is_followed_through_its_changes() {
    let mut new = base();
    new.relabel([("3", "13"), ("4", "14"), ("6", "16"), ("7", "17"), ("8", "18"), ("9", "19")]).unwrap();
    new.set("16.text", "a cat").unwrap();
    new.set("13.seed", 9_u64).unwrap();
    insta::assert_snapshot!(base().diff(&new), @r#"
    ~ 13 (KSampler)
        seed: 7 → 9
    ~ 16 (CLIPTextEncode, "Positive")
        text: "[-masterpiece, best quality, a red fox in the snow, sharp focus, 4k-]{+a cat+}"
    renumbered: 3 → 13, 4 → 14, 6 → 16, 7 → 17, 8 → 18, 9 → 19
    "#);
}

#[test]
fn an_id_that_another_node_has_now_is_not_followed() {
    let new = parse(
        r#"{
        "3": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "8": {"class_type": "VAEEncode", "inputs": {"pixels": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveLatent", "inputs": {"samples": ["8", 0]}}
    }"#,
    );
    insta::assert_snapshot!(base().diff(&new), @r#"
    ~ 3 (LoadImage)
        class: KSampler → LoadImage
        - seed: 7
        - cfg: 8.0
        - model: output 0 of 4 (CheckpointLoaderSimple)
        - positive: output 0 of 6 (CLIPTextEncode, "Positive")
        - negative: output 0 of 7 (CLIPTextEncode, "Negative")
        + image: "x.png"
    - 6 (CLIPTextEncode, "Positive")
        text: "masterpiece, best quality, a red fox in the snow, sharp focus, 4k"
        clip: output 1 of 4 (CheckpointLoaderSimple)
    - 7 (CLIPTextEncode, "Negative")
        text: "blurry"
        clip: output 1 of 4 (CheckpointLoaderSimple)
    ~ 8 (VAEEncode)
        class: VAEDecode → VAEEncode
        - samples: output 0 of 3 (KSampler)
        + pixels: output 0 of 3 (LoadImage)
    ~ 9 (SaveLatent)
        class: SaveImage → SaveLatent
        - images: output 0 of 8 (VAEDecode)
        - filename_prefix: "fox"
        + samples: output 0 of 8 (VAEEncode)
    "#);
}

#[test]
fn long_texts_show_what_changed_only() {
    let change = |old: &str, new: &str| {
        let prompt = |text: &str| {
            let mut prompt = Prompt::new();
            prompt.add_node(NewNode::new("T").input("text", text));
            prompt
        };
        prompt(old)
            .diff(&prompt(new))
            .to_string()
            .trim_start_matches("~ 1 (T)\n    text: ")
            .trim_end()
            .to_owned()
    };
    insta::assert_snapshot!(change("red", "blue"), @r#""red" → "blue""#);
    insta::assert_snapshot!(change("a very long description of one thing", ""), @r#""[-a very long description of one thing-]{++}""#);
    insta::assert_snapshot!(change("it's a very long \"description\" of one thing", "it's a very long \"description\"\nof two\u{1b}[1m things"), @r#""… very long "description"[- -]{+\n+}of [-one-]{+two\u{1b}[1m+} [-thing-]{+things+}""#);
    let long = "word ".repeat(10_000);
    insta::assert_snapshot!(change(&format!("{long}é old {long}"), &format!("{long}é new {long}")), @r#""…d word word word word é [-old-]{+new+} word word word word wor…""#);
    assert!(change(&"x".repeat(5000), &"y".repeat(5000)).len() < 1000);
}
