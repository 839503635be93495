//! Submits to scripted services, on a paused clock where time matters.

use std::sync::Mutex;

use comfyicu_transport::{Request, Response, TransportError, TransportErrorKind};
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::*;
use crate::fake::{self, PROMPT, json};
use crate::{Capabilities, ErrorKind, Extension};

type Reply = Result<Response, TransportError>;

/// A client of a service without any extension, which is known to have none.
fn plain(reply: impl Fn(Request) -> Reply + Send + Sync + 'static) -> (Client, fake::Seen) {
    fake::client_with(|builder| builder.capabilities(Capabilities::none()), reply)
}

/// A client of a server with idempotency keys.
fn knowing(reply: impl Fn(Request) -> Reply + Send + Sync + 'static) -> (Client, fake::Seen) {
    let capabilities = Capabilities::of([Extension::IdempotencyKey]);
    fake::client_with(|builder| builder.capabilities(capabilities), reply)
}

fn key() -> SubmitKey {
    SubmitKey::parse("k1").unwrap()
}

/// What a request gets that is lost: after it was sent, or inside the answer.
fn lost(kind: TransportErrorKind) -> Reply {
    Err(TransportError::new(kind, "boom"))
}

fn submit(client: &Client) -> SubmitRun {
    let prompt = Prompt::parse(PROMPT.as_bytes()).unwrap();
    client.workflow(WorkflowId::parse("w").unwrap()).run(prompt).key(key())
}

#[tokio::test]
async fn an_answer_that_is_only_an_id_is_enough() {
    let (client, seen) = plain(|_| json(200, r#"{"id": "r"}"#));
    let handle = submit(&client)
        .file(DestPath::input("a.png").unwrap(), "https://example.com/a.png".parse().unwrap())
        .accelerator(Accelerator::L4)
        .webhook("https://example.com/hook".parse().unwrap())
        .extra_data(Object::from_iter([("a", 1_u64)]))
        .await
        .unwrap();
    assert_eq!((handle.id().as_str(), handle.workflow_id().as_str()), ("r", "w"));
    insta::assert_snapshot!(seen.lines().join("\n"), @r#"POST http://server:8000/api/v1/workflows/w/runs [key] {"workflow_id":"w","prompt":{"9":{"class_type":"SaveImage","inputs":{"filename_prefix":"x"},"_meta":{"comfyicu_submit":"k1"}}},"files":{"/input/a.png":"https://example.com/a.png"},"webhook":"https://example.com/hook","accelerator":"L4","extra_data":{"a":1,"comfyicu_submit":"k1"}}"#);
}

#[tokio::test]
async fn the_hosted_service_is_not_called_without_a_key() {
    let (client, seen) = fake::hosted_client(|_| json(200, r#"{"id": "r"}"#));
    let error = submit(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyMissing);
    insta::assert_snapshot!(error, @"the hosted service wants an API key, and none was given");
    assert!(seen.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_service_is_given_up_in_time() {
    let client = fake::silent_client();
    let error = submit(&client).search_time(Duration::ZERO).await.unwrap_err();
    assert!(error.is_unreachable() && error.may_have_been_applied());
    insta::assert_snapshot!(fake::chain(&error), @"POST http://server:8000/api/v1/workflows/w/runs has no answer; the run may exist all the same: no answer in time: there was no complete answer within 120 s");
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let mut texts = Vec::new();
    for status in [400, 401, 402, 404, 409, 418, 422, 429, 500] {
        let (client, _) = plain(move |_| json(status, r#"{"error": {"message": "because"}}"#));
        texts.push(fake::chain(&submit(&client).search_time(Duration::ZERO).await.unwrap_err()));
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    the service rejected the run: POST http://server:8000/api/v1/workflows/w/runs answered 400 Bad Request: because
    the service at http://server:8000 refused the API key: POST http://server:8000/api/v1/workflows/w/runs answered 401 Unauthorized: because
    the account has no credit left: POST http://server:8000/api/v1/workflows/w/runs answered 402 Payment Required: because
    there is no workflow w at http://server:8000: POST http://server:8000/api/v1/workflows/w/runs answered 404 Not Found: because
    the run does not fit what is there: POST http://server:8000/api/v1/workflows/w/runs answered 409 Conflict: because
    the service at http://server:8000 answered in a way that this client does not know: POST http://server:8000/api/v1/workflows/w/runs answered 418 I'm a teapot: because
    the service rejected the run: POST http://server:8000/api/v1/workflows/w/runs answered 422 Unprocessable Entity: because
    the service at http://server:8000 is limiting requests: POST http://server:8000/api/v1/workflows/w/runs answered 429 Too Many Requests: because
    the service at http://server:8000 is having problems; the run may exist all the same: POST http://server:8000/api/v1/workflows/w/runs answered 500 Internal Server Error: because
    ");
}

#[tokio::test]
async fn something_else_than_a_run_is_named() {
    let page = "<!doctype html><html><head><title>Welcome to nginx!</title></head></html>";
    let (client, _) = plain(move |_| json(200, page));
    let error = submit(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.submit_key()), (ErrorKind::Protocol, Some(&key())));
    insta::assert_snapshot!(fake::chain(&error), @"the answer is not the one of a ComfyICU service: check the base URL: POST http://server:8000/api/v1/workflows/w/runs should have answered a run, but what arrived is an HTML page, “Welcome to nginx!”");
}

/// The list of runs, with the marked one in it.
const LISTED: &str = r#"[{"id": "other", "data": {"prompt": {}}},
    {"id": "r", "data": {"prompt": {"9": {"class_type": "S", "_meta": {"comfyicu_submit": "k1"}}}}}]"#;

#[tokio::test(start_paused = true)]
async fn a_run_whose_answer_was_lost_is_found_by_its_marker() {
    let begin = Instant::now();
    for kind in [TransportErrorKind::Timeout, TransportErrorKind::Interrupted, TransportErrorKind::Body] {
        let looks = Mutex::new(0);
        let (client, seen) = plain(move |request| {
            if request.method() == http::Method::POST {
                return lost(kind);
            }
            let mut looks = looks.lock().unwrap();
            *looks += 1;
            match *looks {
                1 => lost(TransportErrorKind::Connect),
                2 => json(200, "[]"),
                _ => json(200, LISTED),
            }
        });
        assert_eq!(submit(&client).await.unwrap().id().as_str(), "r");
        let lines = seen.lines();
        assert_eq!(lines.iter().filter(|line| line.starts_with("POST")).count(), 1, "it is not repeated");
        assert!(lines[0].contains(r#""_meta":{"comfyicu_submit":"k1"}"#), "{}", lines[0]);
    }
    assert_eq!(begin.elapsed(), 3 * Duration::from_secs(1 + 2));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_appear_is_unknown_and_its_marker_told() {
    let begin = Instant::now();
    let (client, seen) = plain(|request| {
        if request.method() == http::Method::POST {
            lost(TransportErrorKind::Timeout)
        } else {
            json(200, "[]")
        }
    });
    let error = submit(&client).await.unwrap_err();
    assert_eq!(begin.elapsed(), DEFAULT_SEARCH_TIME);
    assert_eq!((error.kind(), error.submit_key()), (ErrorKind::OutcomeUnknown, Some(&key())));
    assert!(error.may_have_been_applied() && error.is_retryable());
    insta::assert_snapshot!(fake::chain(&error), @"it is not known whether the run was submitted: none with the marker k1 was seen in the workflow w for 60 s, but it may still appear: no answer in time: boom");
    assert_eq!(seen.lines().iter().filter(|line| line.starts_with("POST")).count(), 1);

    let error = submit(&client).if_unknown(IfUnknown::Resubmit).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(seen.lines().iter().filter(|line| line.starts_with("POST")).count(), 3, "once more, as asked");
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_is_looked_for_less_long_and_what_was_not_sent_not_at_all() {
    let (client, seen) = plain(|_| lost(TransportErrorKind::Connect));
    let error = submit(&client).await.unwrap_err();
    assert!(error.is_unreachable() && !error.may_have_been_applied());
    assert_eq!(seen.lines().len(), 1);

    for (status, seconds) in [(500, 10), (503, 10), (502, 60), (504, 60), (408, 60)] {
        let begin = Instant::now();
        let (client, _) =
            plain(
                move |request| {
                    if request.method() == http::Method::POST { json(status, "") } else { json(200, "[]") }
                },
            );
        assert_eq!(submit(&client).await.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
        assert_eq!(begin.elapsed(), Duration::from_secs(seconds), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_marker_can_be_left_out() {
    let (client, seen) = plain(|_| lost(TransportErrorKind::Timeout));
    let error = submit(&client).without_marker().await.unwrap_err();
    assert_eq!((error.kind(), seen.lines().len()), (ErrorKind::Transport, 1));
    assert!(!seen.lines()[0].contains("k1"));
}

#[tokio::test(start_paused = true)]
async fn a_server_with_keys_gets_the_same_again_until_it_answers() {
    let count = Mutex::new(0);
    let (client, seen) = knowing(move |request| {
        assert_eq!(request.headers()["idempotency-key"], "k1");
        let mut count = count.lock().unwrap();
        *count += 1;
        match *count {
            1 => lost(TransportErrorKind::Timeout),
            2 => lost(TransportErrorKind::Connect),
            3 => json(503, ""),
            4 => {
                let parts = stream::iter([Ok("{\"id\"".into())])
                    .chain(stream::iter([Err(TransportError::new(TransportErrorKind::Interrupted, "cut"))]));
                Ok(Response::new(comfyicu_transport::ResponseBody::from_stream(parts)))
            }
            _ => json(200, r#"{"id": "r"}"#),
        }
    });
    assert_eq!(submit(&client).await.unwrap().id().as_str(), "r");
    let lines = seen.lines();
    assert!(lines.len() == 5 && lines.iter().all(|line| *line == lines[0]), "{lines:?}");
    let marker = format!(r#""extra_data":{{"comfyicu_submit":"{}"}}"#, key().as_str());
    assert!(lines[0].contains(&marker), "it can be looked for: {}", lines[0]);
    assert!(!lines[0].contains("_meta"), "the prompt is sent as it is: {}", lines[0]);
}

#[tokio::test(start_paused = true)]
async fn a_server_with_keys_that_stays_away_is_given_up() {
    let begin = Instant::now();
    let (client, _) = knowing(|_| lost(TransportErrorKind::Interrupted));
    let error = submit(&client).await.unwrap_err();
    assert!(begin.elapsed() <= DEFAULT_SEARCH_TIME);
    assert_eq!((error.kind(), error.submit_key()), (ErrorKind::OutcomeUnknown, Some(&key())));
    assert!(error.to_string().starts_with("it is not known whether the run was submitted: POST "), "{error}");

    let count = Mutex::new(0);
    let (client, _) = knowing(move |_| {
        *count.lock().unwrap() += 1;
        if *count.lock().unwrap() == 1 { lost(TransportErrorKind::Timeout) } else { json(409, "") }
    });
    assert_eq!(submit(&client).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_could_not_be_asked_gets_both() {
    let count = Mutex::new(0);
    let (client, seen) = fake::client(move |request| {
        let mut count = count.lock().unwrap();
        *count += 1;
        match (request.uri().path(), *count) {
            ("/api/v1/capabilities", 1) => json(503, ""),
            ("/api/v1/capabilities", _) => json(200, r#"{"idempotency_keys": true}"#),
            (_, 2) => lost(TransportErrorKind::Timeout),
            _ => json(200, r#"{"id": "r"}"#),
        }
    });
    submit(&client).await.unwrap();
    let lines = seen.lines();
    assert_eq!(lines.len(), 4);
    assert!(lines[1].contains("comfyicu_submit") && lines[1] == lines[3], "{lines:?}");
}

/// Definitions under which the prompt of these tests lacks an input and names a file.
const DEFINITIONS: &str = r#"{
    "LoadImage": {"input": {"required": {"image": [["example.png"], {"image_upload": true}]}}, "output": ["IMAGE", "MASK"]},
    "SaveImage": {"input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING"]}}, "output": [], "output_node": true}
}"#;
const WITH_FILE: &str = r#"{"1":{"class_type":"LoadImage","inputs":{"image":"photo.png"}},
    "9":{"class_type":"SaveImage","inputs":{"filename_prefix":"x","images":["1",0]}}}"#;

fn definitions() -> ObjectInfo {
    ObjectInfo::parse(DEFINITIONS.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_check_that_finds_errors_sends_nothing_and_has_them_all() {
    let (client, seen) = plain(|_| json(200, r#"{"id": "r"}"#));
    let error = submit(&client).check(definitions()).await.unwrap_err();
    assert!(error.is_rejected() && !error.may_have_been_applied() && error.submit_key().is_none());
    let codes: Vec<_> = error.findings().iter().map(|finding| finding.code.as_ref()).collect();
    assert_eq!(codes, ["required_input_missing"]);
    insta::assert_snapshot!(fake::chain(&error), @"the check found a problem, so nothing was sent: node 9 (SaveImage), input `images`: the required input is missing (link it to an output that gives IMAGE)");
    assert!(seen.lines().is_empty());
}

#[tokio::test]
async fn a_check_knows_the_files_that_come_along_from_here_or_elsewhere() {
    let (client, seen) = plain(|_| json(200, r#"{"id": "r"}"#));
    let run = || {
        let prompt = Prompt::parse(WITH_FILE.as_bytes()).unwrap();
        client.workflow(WorkflowId::parse("w").unwrap()).run(prompt).check(definitions())
    };
    let photo = || DestPath::input("photo.png").unwrap();
    assert_eq!(run().await.unwrap_err().findings()[0].code, "custom_validation_failed");
    run().file(photo(), "https://example.com/photo.png".parse().unwrap()).await.unwrap();
    let sent = seen.lines().len();
    // A local file passes the check, and is then refused by a service that takes none.
    let error = run().local_file(photo(), "Cargo.toml").await.unwrap_err();
    assert_eq!((error.kind(), seen.lines().len()), (ErrorKind::Unsupported, sent));
}

/// A server that takes uploads and has the bytes of `known`.
fn uploading(known: &'static str) -> (Client, fake::Seen) {
    let capabilities = Capabilities::of([Extension::IdempotencyKey, Extension::Uploads]);
    fake::client_with(
        |builder| builder.capabilities(capabilities),
        move |request| match (request.method().as_str(), request.uri().path()) {
            ("HEAD", path) => json(if path.ends_with(known) { 200 } else { 404 }, ""),
            ("POST", path) if path.ends_with("/uploads") => json(
                200,
                &format!(r#"{{"url": "http://server:8000/api/v1/uploads/{WORLD}", "sha256": "{WORLD}"}}"#),
            ),
            _ => json(200, r#"{"id": "r"}"#),
        },
    )
}

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const WORLD: &str = "486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7";

#[tokio::test]
async fn local_files_are_handed_over_first_but_for_what_the_server_has() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["hello", "world"] {
        std::fs::write(folder.path().join(text), text).unwrap();
    }
    let (client, seen) = uploading(HELLO);
    let path = |name| DestPath::input(name).unwrap();
    submit(&client)
        .local_file(path("a.png"), folder.path().join("hello"))
        .local_file(path("b.png"), folder.path().join("world"))
        .local_file(path("c.png"), folder.path().join("missing"))
        .file(path("c.png"), "https://example.com/c.png".parse().unwrap())
        .await
        .unwrap();
    let mut lines = seen.lines();
    let submitted = lines.pop().unwrap();
    lines.sort();
    assert_eq!(
        lines,
        [
            format!("HEAD http://server:8000/api/v1/uploads/{HELLO} [key]"),
            format!("HEAD http://server:8000/api/v1/uploads/{WORLD} [key]"),
            "POST http://server:8000/api/v1/uploads [key] <5 bytes>".to_owned(),
        ]
    );
    let files = format!(
        r#""files":{{"/input/c.png":"https://example.com/c.png","/input/a.png":"http://server:8000/api/v1/uploads/{HELLO}","/input/b.png":"http://server:8000/api/v1/uploads/{WORLD}"}}"#
    );
    assert!(submitted.contains(&files), "{submitted}");
}

#[tokio::test]
async fn a_local_file_that_cannot_be_handed_over_stops_the_submit() {
    let path = || DestPath::input("a.png").unwrap();
    let (client, seen) = uploading(HELLO);
    let error = submit(&client).local_file(path(), "no/such/file").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadFile);
    assert!(seen.lines().is_empty());

    let (client, seen) = fake::hosted_client(|_| json(200, r#"{"id": "r"}"#));
    let error = submit(&client).local_file(path(), "Cargo.toml").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    insta::assert_snapshot!(error, @"`Cargo.toml` cannot be sent along as `/input/a.png`: the hosted service takes files by URL only: put the file where a public URL leads to it, and give that URL");
    assert!(seen.lines().is_empty());
}
