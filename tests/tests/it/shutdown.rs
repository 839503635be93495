//! A server that is asked to stop in the middle of a run hands it back, and the next process takes it up.

use comfyicu_tests::{Server, eventually};
use serde_json::{Map, Value, json};

use crate::PROGRAMS;
use crate::live::names;

/// A prompt of far more work than any test waits for, which its nodes break off from within.
pub(crate) fn endless() -> Value {
    let nodes = (1..=500).map(|number| {
        let inputs = json!({"image": [(number - 1).to_string(), 0], "blur_radius": 31, "sigma": 10});
        (number.to_string(), json!({"class_type": "ImageBlur", "inputs": inputs}))
    });
    let mut prompt: Map<String, Value> = nodes.collect();
    let size = json!({"width": 2048, "height": 2048, "batch_size": 1, "color": 255});
    prompt.insert("0".to_owned(), json!({"class_type": "EmptyImage", "inputs": size}));
    let save = json!({"images": ["500", 0], "filename_prefix": "x"});
    prompt.insert("save".to_owned(), json!({"class_type": "SaveImage", "inputs": save}));
    prompt.into()
}

#[test]
fn a_long_run_is_handed_back_when_the_server_is_asked_to_stop_and_taken_up_by_the_next() {
    let server = Server::start(PROGRAMS);
    let id = server.submit(&json!({"prompt": endless()}));
    let started = |server: &Server| {
        eventually("an attempt", || Some(server.run(&id)).filter(|run| run["status"] == "STARTED"))
    };
    assert_eq!(started(&server)["retry_count"], 0);
    let options = server.options().clone();
    // It ends, and well, though the run would go on for longer than that is waited for.
    assert_eq!(server.end_with("TERM"), Some(0));

    let server = options.start();
    assert_eq!(started(&server)["retry_count"], 1);
    let cancel = format!("/workflows/default/runs/{id}/cancel");
    assert_eq!(server.post(&cancel, &Value::Null).expect_status(200).json()["status"], "CANCELLED");
    let events = server.get(&format!("/workflows/default/runs/{id}/events"));
    assert_eq!(names(&events), ["queued", "started", "queued", "started", "cancelled"]);
}
