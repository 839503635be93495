//! One run, or two, on one ComfyUI.

use serde_json::{Value, json};

use super::{Bench, assert_colour, colour, ended, fresh, outputs, slow};
use crate::host::{Host, Reply};
use crate::wait::eventually;

pub(super) fn success(bench: &Bench) -> String {
    let number = fresh();
    let run = bench.run(&json!({"prompt": colour(number, "sub/a")}));
    let outputs = outputs(&run);
    let [(path, bytes)] = outputs.as_slice() else { panic!("one output: {outputs:?}") };
    assert_eq!(path, "sub/a_00001_.png");
    assert_colour(bytes, number);
    let text = String::from_utf8_lossy(bytes).into_owned();
    assert!(text.contains("\"filename_prefix\": \"sub/a\""), "the prompt in the image has other names");
    format!("{path}, {} bytes, {}", bytes.len(), run["device"])
}

pub(super) fn rejection(bench: &Bench) -> String {
    let mut prompt = colour(1, "a");
    prompt["1"]["inputs"]["width"] = json!(99_999);
    let wide =
        bench.server.post("/workflows/default/runs", &json!({"prompt": prompt})).expect_status(422).json();
    prompt["1"]["class_type"] = json!("NoSuchNode");
    let unknown =
        bench.server.post("/workflows/default/runs", &json!({"prompt": prompt})).expect_status(422).json();
    let code = |answer: &Value| answer["error"]["details"][0]["code"].as_str().unwrap_or_default().to_owned();
    assert_eq!(code(&wide), "value_bigger_than_max", "{wide}");
    format!("{}, {}", code(&wide), code(&unknown))
}

pub(super) fn failure(bench: &Bench) -> String {
    let mut prompt = colour(fresh(), "a");
    prompt["1"]["inputs"]["width"] = json!(4);
    prompt["3"] =
        json!({"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 30, "sigma": 1.0}});
    prompt["2"]["inputs"]["images"] = json!(["3", 0]);
    let run = bench.run(&json!({"prompt": prompt}));
    assert_eq!(run["status"], "ERROR", "{}", run["output"]);
    let error = &run["output"]["error"];
    assert_eq!((&error["node_id"], &error["node_type"]), (&json!("3"), &json!("ImageBlur")), "{error}");
    assert!(error["traceback"].as_array().is_some_and(|lines| !lines.is_empty()), "{error}");
    format!("{}: {}", error["exception_type"], error["exception_message"])
}

pub(super) fn cached(bench: &Bench) -> String {
    let number = fresh();
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let outputs = outputs(&bench.run(&json!({"prompt": colour(number, "same")})));
        assert_eq!(outputs[0].0, "same_00001_.png", "counters start at 1 in each run");
        assert_colour(&outputs[0].1, number);
        sizes.push(outputs.len());
    }
    assert_eq!(sizes, [1, 1, 1]);
    "three times the same prompt, each with a file of its own".to_owned()
}

pub(super) fn linked_prefix(bench: &Bench) -> String {
    let number = fresh();
    let mut prompt = colour(number, "");
    prompt["3"] = json!({"class_type": "PrimitiveString", "inputs": {"value": "linked/a"}});
    prompt["2"]["inputs"]["filename_prefix"] = json!(["3", 0]);
    let mut last = Vec::new();
    for _ in 0..2 {
        last = outputs(&bench.run(&json!({"prompt": prompt})));
        assert_eq!(last.len(), 1);
        assert_eq!(last[0].0, "linked/a_00001_.png", "each run has a folder of its own");
        assert_colour(&last[0].1, number);
    }
    let text = String::from_utf8_lossy(&last[0].1).into_owned();
    assert!(text.contains(r#""filename_prefix": ["3", 0]"#), "the prompt in the image is another one");
    "twice the same prompt, each with a file of its own".to_owned()
}

pub(super) fn cancel_running(bench: &Bench) -> String {
    let id = bench.server.submit(&json!({"prompt": slow(fresh())}));
    running(bench, &id);
    cancelled(bench, &id);
    let next = fresh();
    assert_colour(&outputs(&bench.run(&json!({"prompt": colour(next, "next")})))[0].1, next);
    "it ended at once, and the next run was right".to_owned()
}

pub(super) fn cancel_waiting(bench: &Bench) -> String {
    let number = fresh();
    let first = bench.server.submit(&json!({"prompt": slow(number)}));
    running(bench, &first);
    let second = bench.server.submit(&json!({"prompt": slow(number ^ 1)}));
    cancelled(bench, &second);
    let run = ended(&bench.server, &first);
    assert_eq!(run["status"], "COMPLETED", "the other one goes on: {}", run["output"]);
    "it was taken out, and the one before it went on to its end".to_owned()
}

/// Waits until ComfyUI executes the run.
fn running(bench: &Bench, id: &str) {
    eventually("the start of the run", || (bench.server.run(id)["status"] == "STARTED").then_some(()));
    let queue = format!("{}/queue", bench.comfyui);
    let has_begun = || {
        let queue = crate::http::get(&queue).json();
        queue["queue_running"].as_array().is_some_and(|running| !running.is_empty()).then_some(())
    };
    eventually("a prompt that runs", has_begun);
}

fn cancelled(bench: &Bench, id: &str) {
    let _ended =
        bench.server.post(&format!("/workflows/default/runs/{id}/cancel"), &json!({})).expect_status(200);
    assert_eq!(ended(&bench.server, id)["status"], "CANCELLED");
}

/// A host that gives a picture of the colour that its path names.
fn pictures() -> Host {
    Host::start(|request| {
        let colour = u32::from_str_radix(request.path.trim_start_matches('/'), 16).unwrap_or_default();
        Reply::ok(picture(colour))
    })
}

fn picture(colour: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 16, 16);
    encoder.set_color(png::ColorType::Rgb);
    let [_, red, green, blue] = colour.to_be_bytes();
    let pixels: Vec<u8> = std::iter::repeat_n([red, green, blue], 256).flatten().collect();
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels)).expect("a PNG");
    bytes
}

fn load_and_save() -> Value {
    json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}}
    })
}

pub(super) fn one_name(bench: &Bench) -> String {
    let host = pictures();
    let colours = [0x11_2233, 0x44_5566, 0x11_2233, 0x77_8899];
    let submit = |colour: &u32| {
        let files = json!({"/input/photo.png": host.url(&format!("/{colour:06x}"))});
        bench.server.submit(&json!({"prompt": load_and_save(), "files": files}))
    };
    let ids: Vec<String> = colours.iter().map(submit).collect();
    for (id, colour) in ids.iter().zip(colours) {
        let outputs = outputs(&ended(&bench.server, id));
        assert_colour(&outputs[0].1, colour);
        let text = String::from_utf8_lossy(&outputs[0].1).into_owned();
        assert!(text.contains("\"image\": \"photo.png\""), "the prompt in the image has other names");
    }
    format!("{} runs, each with its own photo.png", ids.len())
}

pub(super) fn unnamed_file(bench: &Bench) -> String {
    let host = pictures();
    let number = fresh();
    let files = json!({"/input/set/unnamed.png": host.url("/123456")});
    let run = bench.run(&json!({"prompt": colour(number, "u"), "files": files}));
    assert_colour(&outputs(&run)[0].1, number);
    let there = format!("{}/view?filename=unnamed.png&subfolder=set&type=input", bench.comfyui);
    assert_colour(&crate::http::get(&there).expect_status(200).body, 0x12_3456);
    "it lies there under its own name".to_owned()
}
