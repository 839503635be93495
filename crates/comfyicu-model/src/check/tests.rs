//! Findings, as people read them.

use super::*;

const DEFINITIONS: &[u8] = br#"{
    "KSampler": {"input": {"required": {
        "model": ["MODEL"], "seed": ["INT", {"default": 0, "min": 0, "max": 18446744073709551615}],
        "cfg": ["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}],
        "sampler_name": [["euler", "euler_ancestral", "ddim"]], "latent_image": ["LATENT"]
    }}, "output": ["LATENT"]},
    "CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [["sd/v1-5.safetensors", "flux1-dev.safetensors"]]}},
        "output": ["MODEL", "CLIP", "VAE"]},
    "LoraLoader": {"input": {"required": {"model": ["MODEL"], "lora_name": [[]]}}, "output": ["MODEL"]},
    "EmptyLatentImage": {"input": {"required": {"width": ["INT", {"min": 16}]}}, "output": ["LATENT"]},
    "VAEDecode": {"input": {"required": {"samples": ["LATENT"], "vae": ["VAE"]}}, "output": ["IMAGE"]},
    "LoadImage": {"input": {"required": {"image": [["example.png"], {"image_upload": true}]}}, "output": ["IMAGE", "MASK"]},
    "Resize": {"input": {"required": {"image": ["IMAGE,MASK"], "by": ["COMFY_DYNAMICCOMBO_V3", {"options": [
        {"key": "width", "inputs": {"required": {"width": ["INT"]}}}, {"key": "factor", "inputs": {"required": {"factor": ["FLOAT"]}}}
    ]}]}}, "output": ["IMAGE"]},
    "Old": {"input": {"required": {}, "hidden": {"unique_id": "UNIQUE_ID"}}, "output": ["IMAGE"], "deprecated": true},
    "SaveImage": {"input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "ComfyUI"}]}},
        "output": [], "output_node": true},
    "PreviewImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": true}
}"#;

fn object_info() -> ObjectInfo {
    ObjectInfo::parse(DEFINITIONS).unwrap()
}

fn read(json: &str) -> Prompt {
    Prompt::parse(json.as_bytes()).unwrap()
}

/// `code severity: finding`, a line each.
fn lines(findings: &[Finding]) -> String {
    let line = |finding: &Finding| format!("{} {}: {finding}\n", finding.severity, finding.code);
    findings.iter().map(line).collect()
}

fn typed(json: &str) -> String {
    lines(&read(json).check_with(&object_info()))
}

fn structural(json: &str) -> String {
    lines(&read(json).check())
}

#[test]
fn nothing_is_found_in_a_good_prompt() {
    let json = r#"{
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "flux1-dev.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": "512"}},
        "3": {"class_type": "KSampler", "inputs": {"model": ["4", 0], "seed": 18446744073709551615, "cfg": 1,
            "sampler_name": "ddim", "latent_image": ["5", 0]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png", "upload": "image"}},
        "2": {"class_type": "Resize", "inputs": {"image": ["1", 1], "by": "width", "by.width": 5}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": 5}},
        "10": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}
    }"#;
    assert_eq!(typed(json), "");
    assert_eq!(structural(json), "");
}

#[test]
fn what_does_not_fit_the_definitions_is_found_at_once() {
    insta::assert_snapshot!(typed(r#"{
        "3": {"class_type": "KSampler", "_meta": {"title": "First pass"}, "inputs": {"model": ["4", 1], "seed": -1, "cfg": "high",
            "sampler_name": "eular", "latent_image": "5", "denoise": 1, "sed": 4}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
        "5": {"class_type": "EmtpyLatentImage", "inputs": {"width": 512}},
        "6": {"class_type": "LoraLoader", "inputs": {"model": ["4", 7], "lora_name": "x.safetensors"}},
        "7": {"class_type": "Some Custom Node", "inputs": {"x": ["77", 0]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
        "10": {"class_type": "Resize", "inputs": {"image": ["1", 0], "by": "widht", "by.width": 3}},
        "11": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
        "12": {"class_type": "Old", "inputs": {"unique_id": 5, "sound": ["78", 0]}}
    }"#), @r#"
    error return_type_mismatch: node 3 (KSampler), input `model`: it takes MODEL, but slot 1 of node 4 (CheckpointLoaderSimple) gives CLIP (its slot 0 gives MODEL)
    error value_smaller_than_min: node 3 (KSampler), input `seed`: -1 is smaller than the minimum of 0
    error invalid_input_type: node 3 (KSampler), input `cfg`: "high" cannot be made a FLOAT: the text is no such number
    error value_not_in_list: node 3 (KSampler), input `sampler_name`: "eular" is none of the 3 values to choose from (was `euler` meant?)
    error invalid_input_type: node 3 (KSampler), input `latent_image`: it takes LATENT from another node, not a string (link it: ["node id", slot])
    warning unknown_input: node 3 (KSampler), input `denoise`: the class has no such input, and ignores it
    warning unknown_input: node 3 (KSampler), input `sed`: the class has no such input, and ignores it (was `seed` meant?)
    error value_not_in_list: node 4 (CheckpointLoaderSimple), input `ckpt_name`: "v1-5.safetensors" is none of the 2 values to choose from (was `sd/v1-5.safetensors` meant?)
    error missing_node_type: node 5 (EmtpyLatentImage): there is no class `EmtpyLatentImage` (was `EmptyLatentImage` meant?)
    warning slot_out_of_range: node 6 (LoraLoader), input `model`: it is linked to slot 7 of node 4 (CheckpointLoaderSimple), whose slots are 0 to 2, but no output needs the node
    warning value_not_in_list: node 6 (LoraLoader), input `lora_name`: "x.safetensors" is not there: the server has nothing to choose from, but no output needs the node (send it among the `files` of the run, as /models/loras/x.safetensors)
    error missing_node_type: node 7 (Some Custom Node): there is no class `Some Custom Node` (install the custom node that has it)
    error dangling_link: node 7 (Some Custom Node), input `x`: it is linked to node 77, which the prompt does not have
    error required_input_missing: node 9 (SaveImage), input `filename_prefix`: the required input is missing (the editor puts "ComfyUI" there)
    warning dangling_link: node 10 (Resize), input `image`: it is linked to node 1, which the prompt does not have, but no output needs the node
    warning value_not_in_list: node 10 (Resize), input `by`: "widht" is none of the 2 values to choose from, but no output needs the node (was `width` meant?)
    warning unknown_input: node 10 (Resize), input `by.width`: the class has no such input, and ignores it
    warning custom_validation_failed: node 11 (LoadImage), input `image`: the server has no file "photo.png", but no output needs the node (send it among the `files` of the run, as /input/photo.png)
    warning deprecated_node: node 12 (Old): the class is deprecated: its author wants another to be used
    error dangling_link: node 12 (Old), input `sound`: it is linked to node 78, which the prompt does not have
    "#);
}

#[test]
fn advice_names_what_belongs_there() {
    insta::assert_snapshot!(typed(r#"{
        "3": {"class_type": "KSampler", "inputs": {}},
        "10": {"class_type": "Resize", "inputs": {"by": "angle"}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}},
        "8": {"class_type": "SaveImage", "inputs": {"images": ["10", 0], "filename_prefix": {"__value__": [1]}}}
    }"#), @r#"
    error required_input_missing: node 3 (KSampler), input `model`: the required input is missing (link it to an output that gives MODEL)
    error required_input_missing: node 3 (KSampler), input `seed`: the required input is missing (the editor puts 0 there)
    error required_input_missing: node 3 (KSampler), input `cfg`: the required input is missing (the editor puts 8.0 there)
    error required_input_missing: node 3 (KSampler), input `sampler_name`: the required input is missing (it takes "euler", "euler_ancestral", "ddim")
    error required_input_missing: node 3 (KSampler), input `latent_image`: the required input is missing (link it to an output that gives LATENT)
    error required_input_missing: node 10 (Resize), input `image`: the required input is missing (link it to an output that gives IMAGE,MASK)
    error value_not_in_list: node 10 (Resize), input `by`: "angle" is none of the 2 values to choose from (it takes "width", "factor")
    error return_type_mismatch: node 9 (SaveImage), input `images`: it takes IMAGE, but slot 0 of node 3 (KSampler) gives LATENT
    "#);
}

#[test]
fn lists_are_links_or_named() {
    let json = r#"{
        "1": {"class_type": "SaveImage", "inputs": {"a": [], "b": ["2"], "c": ["2", 0, 1], "d": [2, 0], "e": ["2", "0"],
            "f": ["2", 0.0], "g": ["2", -1], "h": ["3", 0], "i": {"__value__": [1, 2, 3]}, "images": ["2", 0]}},
        "2": {"class_type": "LoadImage", "inputs": {"image": "example.png"}}
    }"#;
    insta::assert_snapshot!(structural(json), @r#"
    error bad_linked_input: node 1 (SaveImage), input `a`: a list of 0 is no link: a link is [node id, slot] (write a list that is meant as a value as {"__value__": […]})
    error bad_linked_input: node 1 (SaveImage), input `b`: a list of 1 is no link: a link is [node id, slot] (write a list that is meant as a value as {"__value__": […]})
    error bad_linked_input: node 1 (SaveImage), input `c`: a list of 3 is no link: a link is [node id, slot] (write a list that is meant as a value as {"__value__": […]})
    error bad_linked_input: node 1 (SaveImage), input `d`: 2 is no node id (node ids are strings: ["2", slot])
    error bad_linked_input: node 1 (SaveImage), input `e`: "0" is no slot: slots are whole numbers (a link is ["node id", slot])
    error bad_linked_input: node 1 (SaveImage), input `f`: 0.0 is no slot: slots are whole numbers (a link is ["node id", slot])
    error dangling_link: node 1 (SaveImage), input `h`: it is linked to node 3, which the prompt does not have
    "#);
}

#[test]
fn what_is_malformed_is_found() {
    insta::assert_snapshot!(structural(r#"{
        "version": "1.2",
        "extra": {"x": 1},
        "1": {"inputs": {"images": ["2", 0]}},
        "2": {"class_type": "LoadImage"},
        "3": {"class_type": "LoadImage", "inputs": [1]},
        "4": {"class_type": "SaveImage", "inputs": {"images": NaN, "crop": {"x": [1, [-Infinity]]}}, "is_changed": [NaN]}
    }"#), @r#"
    error not_a_node: node version: the entry is a string, and no node (take it out of the prompt: ComfyUI takes each entry for a node, and fails on this one)
    error missing_node_type: node extra: the entry has no class_type, and is no node (take it out of the prompt: ComfyUI takes each entry for a node, and fails on this one)
    error missing_node_type: node 1: the node has no class_type (the editor leaves it out where a node's class was unknown to it)
    error exception_during_validation: node 2 (LoadImage): the node has no `inputs` (write `"inputs": {}` where it has none)
    error exception_during_validation: node 3 (LoadImage): the `inputs` of the node are an array, and no object (write `"inputs": {}` where it has none)
    error non_finite_number: node 4 (SaveImage): NaN in `is_changed` is no number that can be sent (JSON has no such number: take it out, nothing runs by it)
    error non_finite_number: node 4 (SaveImage), input `images`: NaN is no number that can be sent (JSON has no such number: put another in its place)
    error non_finite_number: node 4 (SaveImage), input `crop`: -Infinity is no number that can be sent (JSON has no such number: put another in its place)
    "#);
}

#[test]
fn cycles_are_paths() {
    insta::assert_snapshot!(structural(r#"{
        "1": {"class_type": "SaveImage", "inputs": {"images": ["4", 0]}},
        "2": {"class_type": "A", "inputs": {"x": ["3", 0]}},
        "3": {"class_type": "B", "inputs": {"x": ["4", 0]}},
        "4": {"class_type": "C", "inputs": {"x": ["2", 0]}},
        "5": {"class_type": "D", "inputs": {"x": ["5", 0]}}
    }"#), @"
    error dependency_cycle: node 2 (A): the nodes need each other: 2 → 3 → 4 → 2 (take one of these links out)
    error dependency_cycle: node 5 (D): the nodes need each other: 5 → 5 (take one of these links out)
    ");
    let node = |at: usize| {
        format!(r#""{at}": {{"class_type": "Save", "inputs": {{"x": ["{}", 0]}}}}"#, (at + 1) % 100)
    };
    let long = structural(&format!("{{{}}}", (0..100).map(node).collect::<Vec<_>>().join(",")));
    insta::assert_snapshot!(long, @"error dependency_cycle: node 0 (Save): the nodes need each other: 0 → 1 → 2 → 3 → 4 → 5 → 6 → 7 → 8 → 9 → 10 → 11 → 12 → 13 → 14 → 15 → 16 → 17 → 18 → 19 → … 80 more … → 0 (take one of these links out)");
}

#[test]
fn a_prompt_without_an_output_is_named() {
    let of = |class: &str| format!(r#"{{"1": {{"class_type": "{class}", "inputs": {{}}}}}}"#);
    insta::assert_snapshot!(structural(&of("VAEDecode")), @"error prompt_no_outputs: the prompt has no output node, so nothing would run (add one that saves, such as SaveImage)");
    insta::assert_snapshot!(structural(&of("Something of mine")), @"warning prompt_no_outputs: no class of the prompt looks like that of an output node (add one that saves, such as SaveImage)");
    insta::assert_snapshot!(structural(&of("PreviewImage")), @"warning outputs_not_kept: the prompt only previews: nothing it makes would be kept (use a node that saves, such as SaveImage in place of PreviewImage)");
    insta::assert_snapshot!(typed(&of("Old")), @"
    warning deprecated_node: node 1 (Old): the class is deprecated: its author wants another to be used
    error prompt_no_outputs: the prompt has no output node, so nothing would run (add one that saves, such as SaveImage)
    ");
    assert_eq!(structural(&of("VHS_VideoCombine")), "");
}

#[test]
fn what_no_output_needs_is_only_warned_of() {
    let json = r#"{
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 1}}
    }"#;
    insta::assert_snapshot!(typed(json), @"warning value_smaller_than_min: node 3 (EmptyLatentImage), input `width`: 1 is smaller than the minimum of 16, but no output needs the node");
    assert!(read(json).verdict(&object_info()).is_accepted());
}

#[test]
fn long_values_are_cut_and_many_findings_counted() {
    let long = "x".repeat(100_000);
    let json = format!(r#"{{"1": {{"class_type": "KSampler", "inputs": {{"sampler_name": "{long}"}}}}}}"#);
    let found = read(&json).check_with(&object_info());
    assert!(found.iter().all(|finding| finding.to_string().len() < 300), "{}", lines(&found));

    let node = |at: usize| format!(r#""{at}": {{"class_type": "Gone", "inputs": {{}}}}"#);
    let json = format!("{{{}}}", (0..3000).map(node).collect::<Vec<_>>().join(","));
    let found = read(&json).check_with(&object_info());
    assert_eq!(found.len(), 1001);
    insta::assert_snapshot!(found[1000], @"2000 more findings are not shown");
    assert!(found[1000].is_error());
}
