//! What users of the server see of a run on a ComfyUI.

use comfyicu_tests::{Host, Reply, Server, ServerOptions};

use super::*;
use crate::PROGRAMS;

fn served(comfy: &FakeComfy) -> Server {
    ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1", "--comfyui", &comfy.url()]).start()
}

fn ended(server: &Server, id: &str) -> Value {
    eventually("the end of the run", || {
        let run = server.run(id);
        let is_over = ["COMPLETED", "ERROR"].contains(&run["status"].as_str().unwrap_or_default());
        is_over.then_some(run)
    })
}

/// The events of a run that has ended, by name.
fn events(server: &Server, id: &str, query: &str) -> Vec<(String, Value)> {
    let answer = server.get(&format!("/workflows/default/runs/{id}/events{query}")).expect_status(200);
    let text = String::from_utf8(answer.body).unwrap();
    let event = |event: &str| {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Some((field("event: ")?, serde_json::from_str(&field("data: ")?).ok()?))
    };
    text.split("\n\n").filter_map(event).collect()
}

/// Everything that a sampler needs to be accepted.
fn sampler_definitions() -> Value {
    let node =
        |outputs: &[&str], is_output: bool| json!({"input": {}, "output": outputs, "output_node": is_output});
    json!({
        "CheckpointLoaderSimple": node(&["MODEL", "CLIP", "VAE"], false),
        "CLIPTextEncode": node(&["CONDITIONING"], false),
        "EmptyLatentImage": node(&["LATENT"], false),
        "KSampler": node(&["LATENT"], false),
        "VAEDecode": node(&["IMAGE"], false),
        "SaveImage": node(&[], true)
    })
}

/// The events of a run that goes on when two readers listen: with previews and without.
fn heard(recorded: &RecordedPrompt, definitions: &Value) -> [Vec<(String, Value)>; 2] {
    let comfy = FakeComfy::start(vec![recorded.clone()], definitions, ComfyFault::Hold);
    let server = served(&comfy);
    let id = server.submit(&json!({"prompt": recorded.prompt}));
    std::thread::scope(|scope| {
        let readers = ["?previews=true", ""].map(|query| {
            let (server, id) = (&server, &id);
            scope.spawn(move || events(server, id, query))
        });
        eventually("the prompt", || (!comfy.submitted().is_empty()).then_some(()));
        eventually("two readers", || (connections(&server) >= 2).then_some(()));
        comfy.release();
        readers.map(|reader| reader.join().unwrap())
    })
}

fn of<'a>(events: &'a [(String, Value)], wanted: &str) -> Vec<&'a Value> {
    events.iter().filter(|(name, _)| name == wanted).map(|(_, data)| data).collect()
}

#[test]
fn the_events_of_a_run_tell_percent_and_what_is_cached() {
    let [all, plain] = heard(&recorded("0.21.0 k1_ksampler: previews with metadata"), &sampler_definitions());
    let percents = of(&all, "overall");
    let percents: Vec<u64> = percents.iter().filter_map(|data| data["percent"].as_u64()).collect();
    assert!(percents.is_sorted() && percents.last() == Some(&100), "{all:?}");
    let cached: Vec<&str> = of(&all, "cached").iter().filter_map(|data| data["node_id"].as_str()).collect();
    assert_eq!(cached, ["4", "5", "6", "7"]);
    for events in [&all, &plain] {
        assert_eq!(events.last().map(|(name, _)| &**name), Some("completed"));
    }
}

#[test]
fn whoever_asks_for_previews_gets_them() {
    let definitions = json!({
        "LoadImage": {"input": {}, "output": ["IMAGE", "MASK"], "output_node": false},
        "ImageScaleBy": {"input": {}, "output": ["IMAGE"], "output_node": false},
        "SaveImageWebsocket": {"input": {}, "output": [], "output_node": true}
    });
    let [all, plain] = heard(&recorded("0.21.0 a8_binary_ws_images"), &definitions);
    let previews = of(&all, "preview");
    assert_eq!(previews.len(), 1, "{all:?}");
    assert_eq!(previews[0]["content_type"], "image/png");
    assert!(
        previews[0]["image"].as_str().is_some_and(|image| image.starts_with("iVBORw0KGgo")),
        "{previews:?}"
    );
    assert!(of(&plain, "preview").is_empty(), "{plain:?}");
}

/// How many connections to the server are open.
fn connections(server: &Server) -> usize {
    let port = server.base_url().rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).unwrap();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let local = format!(":{port:04X}");
    let is_open = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|address| address.ends_with(&local)) && words.nth(1) == Some("01")
    };
    table.lines().filter(is_open).count()
}

#[test]
fn what_was_not_executed_stands_on_the_run() {
    let mut recorded = recorded("0.3.75 h_outputs: filename_prefix with tokens");
    let dropped = r#""node_errors": {"6": {"errors": [{"type": "value_bigger_than_max", "message": "Value 99999 bigger than max of 16384",
        "details": "width", "extra_info": {"input_name": "width", "received_value": 99999}}], "dependent_outputs": ["7"], "class_type": "ImageScale"}}"#;
    recorded.answer = recorded.answer.replace(r#""node_errors": {}"#, dropped);
    let definitions = json!({
        "EmptyImage": {"input": {}, "output": ["IMAGE"], "output_node": false},
        "SaveImage": {"input": {}, "output": [], "output_node": true}
    });
    let comfy = FakeComfy::start(vec![recorded.clone()], &definitions, ComfyFault::None);
    let server = served(&comfy);
    let run = ended(&server, &server.submit(&json!({"prompt": recorded.prompt})));
    assert_eq!(run["status"], "COMPLETED", "{}", run["output"]);
    let warning = &run["x"]["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["node_id"]),
        (&json!("value_bigger_than_max"), &json!("6")),
        "{run}"
    );
}

#[test]
fn a_run_whose_token_is_gone_ends_with_a_word_about_it() {
    let host = Host::start(|_| Reply::ok("bytes"));
    host.hold();
    let server = ServerOptions::new(PROGRAMS).args(["--allow-host", "127.0.0.1"]).start();
    let prompt = json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    });
    let body = json!({
        "prompt": prompt,
        "files": {"/input/a.txt": host.url("/a.txt")},
        "extra_data": {"api_key_comfy_org": "comfyui-SECRET-0123"}
    });
    let id = server.submit(&body);
    host.await_requests(1);
    let server = server.crash_and_restart();
    host.release();
    let run = ended(&server, &id);
    assert_eq!(run["output"]["error"]["exception_type"], "tokens_lost", "{run}");
    let text = run.to_string();
    assert!(text.contains("api_key_comfy_org") && !text.contains("SECRET"), "{text}");
}
