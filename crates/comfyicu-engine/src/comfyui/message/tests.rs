//! Messages as they were recorded, and anything else.

use proptest::prelude::*;

use super::*;

fn event(text: &str) -> SocketEvent {
    SocketMessage::parse_text(text).unwrap().event
}

fn ids(nodes: &[&str]) -> Vec<NodeId> {
    nodes.iter().copied().map(NodeId::from).collect()
}

#[test]
fn what_a_prompt_goes_through_is_read() {
    let status =
        r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 2}}, "sid": "a"}}"#;
    assert_eq!(event(status), SocketEvent::Status { queue_remaining: 2 });
    let start = r#"{"type": "execution_start", "data": {"prompt_id": "12a3", "timestamp": 1795558291579}}"#;
    let message = SocketMessage::parse_text(start).unwrap();
    assert_eq!((message.prompt_id.as_deref(), message.event), (Some("12a3"), SocketEvent::Started));
    let cached = r#"{"type": "execution_cached", "data": {"nodes": ["1", "2"], "prompt_id": "12a3"}}"#;
    assert_eq!(event(cached), SocketEvent::Cached { nodes: ids(&["1", "2"]) });
    let executing =
        r#"{"type": "executing", "data": {"node": "7.0.0.3", "display_node": "7", "prompt_id": "a2ca"}}"#;
    let expected = SocketEvent::Executing { node: "7.0.0.3".into(), display_node: Some("7".into()) };
    assert_eq!(event(executing), expected);
    let success =
        r#"{"type": "execution_success", "data": {"prompt_id": "12a3", "timestamp": 1795558291602}}"#;
    assert_eq!(event(success), SocketEvent::Succeeded);
    let ended = r#"{"type": "executing", "data": {"node": null, "prompt_id": "12a3"}}"#;
    assert_eq!(event(ended), SocketEvent::Ended);
}

#[test]
fn after_a_reconnect_a_message_names_no_prompt() {
    let message = SocketMessage::parse_text(r#"{"type": "executing", "data": {"node": "11"}}"#).unwrap();
    assert_eq!(message.prompt_id, None);
}

#[test]
fn progress_may_be_a_fraction() {
    let text = r#"{"type": "progress", "data": {"value": 0.10488128662109375, "max": 0.6, "prompt_id": "a", "node": "7.0.0.3"}}"#;
    let expected =
        SocketEvent::Progress { node: Some("7.0.0.3".into()), value: 0.104_881_286_621_093_75, max: 0.6 };
    assert_eq!(event(text), expected);
    let text = r#"{"type": "progress_state", "data": {"prompt_id": "a", "nodes": {"7.0.0.1": {"value": 1.0, "max": 1.0,
        "state": "finished", "node_id": "7.0.0.1", "display_node_id": "7", "real_node_id": "7.0.0.1"}}}}"#;
    let SocketEvent::ProgressState { nodes } = event(text) else { panic!("{text}") };
    assert_eq!((nodes.len(), &nodes[0].display_node, nodes[0].is_finished), (1, &"7".into(), true));
}

#[test]
fn a_failure_has_its_node_its_kind_and_a_bounded_traceback() {
    let lines = vec![r#""  File \"x.py\", line 1\n""#; 5000].join(",");
    let text = format!(
        r#"{{"type": "execution_error", "data": {{"prompt_id": "a", "node_id": "3", "node_type": "ImageBlur", "executed": ["2"],
        "exception_message": "Padding size should be less\n", "exception_type": "RuntimeError", "traceback": [{lines}]}}}}"#
    );
    let SocketEvent::Failed(failure) = event(&text) else { panic!("{text}") };
    assert_eq!((&failure.node_id, &*failure.node_type), (&"3".into(), "ImageBlur"));
    assert_eq!(
        (&*failure.exception_type, &*failure.message),
        ("RuntimeError", "Padding size should be less")
    );
    assert_eq!((failure.traceback.len(), failure.executed.len()), (limit::TRACEBACK_LINES, 1));
}

#[test]
fn binary_frames_are_previews_and_texts() {
    let parse = |bytes: &[u8]| SocketMessage::parse_binary(Bytes::copy_from_slice(bytes));
    let SocketEvent::Preview { node, content_type, image, .. } =
        parse(b"\0\0\0\x01\0\0\0\x02\x89PNG").unwrap().event
    else {
        panic!("a preview")
    };
    assert_eq!((node, content_type, &*image), (None, "image/png", &b"\x89PNG"[..]));
    let text = parse(b"\0\0\0\x03\0\0\0\x012width: 64").unwrap().event;
    assert_eq!(text, SocketEvent::Text { node: "2".into(), text: "width: 64".to_owned() });
    let metadata =
        br#"{"node_id": "3", "prompt_id": "9877", "display_node_id": "3", "image_type": "image/jpeg"}"#;
    let length = u32::try_from(metadata.len()).unwrap().to_be_bytes();
    let message = parse(&[b"\0\0\0\x04", &length, &metadata[..], b"\xff\xd8"].concat()).unwrap();
    assert_eq!(message.prompt_id.as_deref(), Some("9877"));
    let SocketEvent::Preview { node, image, .. } = message.event else { panic!("a preview") };
    assert_eq!((node, &*image), (Some("3".into()), &b"\xff\xd8"[..]));
}

#[test]
fn a_frame_that_promises_more_than_it_has_is_none() {
    let parse = |bytes: &'static [u8]| SocketMessage::parse_binary(Bytes::from_static(bytes));
    for bytes in [&b""[..], b"\0\0", b"\0\0\0\x01", b"\0\0\0\x01\0\0\0\x09x", b"\0\0\0\x03\xff\xff\xff\xffab"]
    {
        assert_eq!(parse(bytes), None, "{bytes:?}");
    }
    assert_eq!(parse(b"\0\0\0\x63abc").unwrap().event, SocketEvent::Other);
}

#[test]
fn what_is_not_known_is_something_else() {
    for text in ["[1]", "{}", r#"{"type": 1}"#, "not json", r#"{"data": {}}"#] {
        assert_eq!(SocketMessage::parse_text(text), None, "{text}");
    }
    for text in [
        r#"{"type": "crystools.monitor", "data": {"cpu": 3}}"#,
        r#"{"type": "progress", "data": {"value": "x"}}"#,
        r#"{"type": "status", "data": 7}"#,
        r#"{"type": "executed"}"#,
    ] {
        assert_eq!(event(text), SocketEvent::Other, "{text}");
    }
}

proptest! {
    #[test]
    fn no_message_is_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0_u8..6, text in ".{0,200}") {
        SocketMessage::parse_text(&text);
        SocketMessage::parse_binary([&[0, 0, 0, kind], &bytes[..]].concat().into());
    }
}

/// What every recorded socket said, where the recordings are there: `../shared` beside the repository.
#[test]
fn every_recorded_message_is_understood() {
    let transcripts =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/comfyui/transcripts");
    let Ok(versions) = std::fs::read_dir(&transcripts) else {
        eprintln!("SKIPPED: no recordings in {}", transcripts.display());
        return;
    };
    let files = versions.flat_map(|version| std::fs::read_dir(version.unwrap().path()).unwrap());
    let (mut understood, mut others) = (0, std::collections::BTreeSet::new());
    for file in files {
        for line in std::fs::read_to_string(file.unwrap().path()).unwrap().lines() {
            let Ok(Value::Object(line)) = read(line.as_bytes(), limit::json(limit::MESSAGE_BYTES)) else {
                panic!("{line}")
            };
            let message = match (line.get_str("kind"), line.get_str("text"), line.get_str("b64")) {
                (Some("ws_text"), Some(text), _) => SocketMessage::parse_text(text),
                (Some("ws_binary"), _, Some(frame)) => {
                    use base64::Engine as _;
                    let frame = base64::engine::general_purpose::STANDARD.decode(frame).unwrap();
                    SocketMessage::parse_binary(frame.into())
                }
                _ => continue,
            };
            match message.map(|message| message.event) {
                Some(SocketEvent::Other) => {
                    let text = line.get_str("text").unwrap_or("a frame");
                    others.insert(text.split(',').next().unwrap().to_owned());
                }
                Some(_) => understood += 1,
                None => panic!("{line:?}"),
            }
        }
    }
    assert!(understood > 1000, "{understood}");
    assert_eq!(others.into_iter().collect::<Vec<_>>(), [r#"{"type": "feature_flags""#]);
}
