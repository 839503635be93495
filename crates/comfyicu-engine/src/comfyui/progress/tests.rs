//! Events out of recorded messages.

use std::sync::Mutex;

use super::*;
use crate::comfyui::SocketMessage;

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl EventSink for Heard {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(match event {
            Event::NodeStarted { node_id, class_type, done, total } => {
                format!("{node_id} {class_type} begins, {done} of {total} done")
            }
            Event::NodeCached { node_id } => format!("{node_id} is cached"),
            Event::Progress { node_id, value, max } => format!("{node_id} at {value} of {max}"),
            Event::Overall { percent } => format!("{percent} %"),
            Event::Preview { node_id, content_type, image } => {
                format!("{node_id} looks like {content_type} of {} bytes", image.len())
            }
            other => format!("{other:?}"),
        });
    }
}

fn heard(messages: &[&str]) -> String {
    let prompt = Prompt::parse(
        br#"{"1": {"class_type": "A", "inputs": {}}, "7": {"class_type": "Expands", "inputs": {"x": ["1", 0]}},
             "8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0]}}, "9": {"class_type": "Unused", "inputs": {}}}"#,
    );
    let definitions = br#"{"SaveImage": {"input": {}, "output": [], "output_node": true}}"#;
    let definitions = ObjectInfo::parse(definitions).unwrap();
    let (heard, names) = (Heard::default(), Names::new("r1.00".to_owned()));
    let mut progress = Progress::new(&prompt.unwrap(), Some(&definitions), &names, &heard);
    for text in messages {
        progress.take(&SocketMessage::parse_text(text).unwrap().event);
    }
    let preview = [b"\0\0\0\x01\0\0\0\x02", &b"\x89PNG"[..]].concat();
    progress.take(&SocketMessage::parse_binary(preview.into()).unwrap().event);
    heard.0.into_inner().unwrap().join("\n")
}

#[test]
fn expansions_are_told_as_the_node_that_expanded() {
    insta::assert_snapshot!(heard(&[
        r#"{"type": "execution_cached", "data": {"nodes": ["1"]}}"#,
        r#"{"type": "executing", "data": {"node": "7", "display_node": "7"}}"#,
        r#"{"type": "executing", "data": {"node": "7.0.0.3", "display_node": "7"}}"#,
        r#"{"type": "progress", "data": {"value": 0.3, "max": 0.6, "node": "7.0.0.3"}}"#,
        r#"{"type": "executing", "data": {"node": "7.0.0.1"}}"#,
        r#"{"type": "progress", "data": {"value": 3, "max": 4, "node": "7.0.0.1"}}"#,
        r#"{"type": "progress_state", "data": {"nodes": {"7": {"value": 1.0, "max": 1.0, "state": "finished", "display_node_id": "7"}}}}"#,
        r#"{"type": "executing", "data": {"node": "8", "display_node": "8"}}"#,
        r#"{"type": "executing", "data": {"node": "8", "display_node": "8"}}"#,
    ]), @r"
    1 is cached
    33 %
    7 Expands begins, 1 of 3 done
    7 at 500 of 1000
    50 %
    7 at 3 of 4
    58 %
    66 %
    8 SaveImage begins, 2 of 3 done
    8 looks like image/png of 4 bytes
    ");
}

#[test]
fn progress_that_is_none_is_not_told() {
    for (value, max) in [("1e999", "4"), ("1", "0"), ("1", "-3"), ("NaN", "NaN")] {
        let text =
            format!(r#"{{"type": "progress", "data": {{"value": {value}, "max": {max}, "node": "7"}}}}"#);
        assert_eq!(heard(&[&text]), "");
    }
    assert_eq!(whole(9.0, 4.0), Some((4, 4)));
    assert_eq!(whole(-1.0, 4.0), Some((0, 4)));
}
