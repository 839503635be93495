//! What the hosted service does not have: cancel, idempotency keys, checks, pages.

use super::*;

const RUNS: &str = "/api/v1/workflows/w1/runs";
/// Waits for a file that never comes.
const STUCK: &str = r#"{"prompt": {"1": {"class_type": "LoadImage", "inputs": {"image": "in.png"}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}, "files": {"/input/in.png": "http://127.0.0.1:PORT/in.png"}}"#;

/// A host that does not answer, and a run that waits for a file from it.
pub(super) fn stuck_body() -> (std::net::TcpListener, String) {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    (silent, STUCK.replace("PORT", &port))
}

/// A server, and a run that waits for a file from a host that does not answer.
async fn with_stuck_run() -> (Server, std::net::TcpListener, Run) {
    let server = Server::start(&["--allow-host", "127.0.0.1"]).await;
    let (silent, stuck) = stuck_body();
    let run = server.submit(&stuck).await;
    (server, silent, run)
}

fn ids(answer: &Answer) -> Vec<String> {
    let runs = answer.json().as_array().unwrap().to_vec();
    runs.into_iter().map(|run| Run::from_value(run).unwrap().id().to_string()).collect()
}

#[tokio::test]
async fn a_run_is_cancelled_once_and_asking_again_does_no_harm() {
    let (server, _silent, run) = with_stuck_run().await;
    let other = server.submit(&body(PROMPT)).await;
    let path = format!("{RUNS}/{}/cancel", run.id());
    let answer = server.post(&path, "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let cancelled = Run::parse(&answer.body).unwrap();
    assert_eq!((cancelled.id(), cancelled.status()), (run.id(), Some(RunStatus::Cancelled)));
    assert!(cancelled.as_object().get_str("completed_at").is_some());
    assert_eq!(server.post(&path, "").await.text(), answer.text(), "it stays as it was");
    assert_eq!(server.get(&format!("{RUNS}/{}", run.id())).await.text(), answer.text());

    let done = server.ended(&other).await;
    assert_eq!(done.status(), Some(RunStatus::Completed), "no other run is cancelled");
    let late = server.post(&format!("{RUNS}/{}/cancel", other.id()), "").await;
    assert_eq!(Run::parse(&late.body).unwrap().status(), Some(RunStatus::Completed), "too late");
    let elsewhere = server.post(&format!("/api/v1/workflows/w2/runs/{}/cancel", run.id()), "").await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
}

async fn create_with_key(server: &Server, key: &str, body: &str) -> Answer {
    let (mut head, body) = request(Method::POST, RUNS, body.to_owned().into()).into_parts();
    head.headers.insert("idempotency-key", key.parse().unwrap());
    server.send(Request::from_parts(head, body)).await
}

#[tokio::test]
async fn the_same_key_and_body_make_one_run() {
    let server = Server::start(&[]).await;
    let first = create_with_key(&server, "k", &body(PROMPT)).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let same = body(PROMPT);
    let again = futures_util::future::join_all((0..8).map(|_| create_with_key(&server, "k", &same))).await;
    assert!(again.iter().all(|answer| answer.text() == first.text()));
    let other = create_with_key(&server, "k", &format!(r#"{{"prompt": {PROMPT}, "note": 1}}"#)).await;
    assert_eq!((other.status.as_u16(), other.error_code().as_deref()), (409, Some("conflict")));
    assert_ne!(create_with_key(&server, "k2", &body(PROMPT)).await.text(), first.text());
    assert_eq!(ids(&server.get(RUNS).await).len(), 2);
    for bad in ["", &"k".repeat(256)] {
        assert_eq!(create_with_key(&server, bad, &body(PROMPT)).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_refused_run_does_not_use_up_its_key() {
    let server = Server::start(&[]).await;
    let unknown = body(&PROMPT.replace("EmptyImage", "EmptyImagf"));
    assert_eq!(create_with_key(&server, "k", &unknown).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(create_with_key(&server, "k", &body(PROMPT)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_check_takes_nothing_in() {
    let server = Server::start(&[]).await;
    let path = format!("{RUNS}?check=only");
    let answer = server.post(&path, body(PROMPT)).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (StatusCode::OK, r#"{"accelerator":"CPU","findings":[]}"#)
    );
    let refused = server.post(&path, body(&PROMPT.replace("EmptyImage", "EmptyImagf"))).await;
    assert_eq!(refused.error_code().as_deref(), Some("rejected"));
    assert_eq!(server.post(&format!("{RUNS}?check=all"), body(PROMPT)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(server.get(RUNS).await.text(), "[]");
}

/// The severities and codes of what was found.
fn found(findings: &Value) -> Vec<String> {
    let findings = findings.as_array().unwrap().iter().map(|finding| finding.as_object().unwrap());
    findings.map(|finding| ["severity", "code"].map(|key| finding.get_str(key).unwrap()).join(" ")).collect()
}

#[tokio::test]
async fn all_that_is_wrong_with_a_run_is_said_at_once() {
    let server = Server::start(&["--public-url", "https://comfy.example"]).await;
    let upload = format!("https://comfy.example/api/v1/uploads/{}", "0".repeat(64));
    let faulty = r#"{"accelerator": "H100", "prompt": {
        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
        "2": {"class_type": "ImageScaleBy", "inputs": {"image": ["1", 0], "upscale_method": "magic"}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "../x"}}
    }, "files": {"/input/unused.png": "https://example.com/unused.png", "/input/gone.png": "UPLOAD"}}"#;
    for path in [RUNS.to_owned(), format!("{RUNS}?check=only")] {
        let answer = server.post(&path, faulty.replace("UPLOAD", &upload)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        let error = answer.json().as_object().unwrap().get("error").unwrap().as_object().unwrap().clone();
        assert_eq!(
            found(error.get("details").unwrap()),
            [
                "error custom_validation_failed",
                "error value_not_in_list",
                "error required_input_missing",
                "error output_outside_folder",
                "error file_not_uploaded",
                "error accelerator_not_served",
                "warning unused_file",
                "warning unused_file",
            ]
        );
    }
    assert_eq!(server.get(RUNS).await.text(), "[]");
}

#[tokio::test]
async fn good_outputs_run_and_the_others_are_warned_of() {
    let server = Server::start(&[]).await;
    let other = r#""8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0], "filename_prefix": "x"}}"#;
    let body = body(&PROMPT.replacen('{', &format!("{{{other}, "), 1));
    let checked = server.post(&format!("{RUNS}?check=only"), body.clone()).await;
    assert_eq!(checked.status, StatusCode::OK, "{}", checked.text());
    assert_eq!(
        found(checked.json().as_object().unwrap().get("findings").unwrap()),
        ["warning dangling_link"]
    );
    let ended = server.ended(&server.submit(&body).await).await;
    assert_eq!(ended.status(), Some(RunStatus::Completed));
    assert!(matches!(ended.output(), RunOutput::Files(files) if files.len() == 1), "{ended:?}");
}

#[tokio::test]
async fn a_list_leads_from_page_to_page() {
    let server = Server::start(&["--public-url", "https://comfy.example/base"]).await;
    let mut submitted = Vec::new();
    for _ in 0..5 {
        submitted.push(server.submit(&body(PROMPT)).await.id().to_string());
    }
    submitted.reverse();
    let mut path = format!("{RUNS}?limit=2&since=2020-01-01T00:00:00Z");
    let mut listed = Vec::new();
    loop {
        let answer = server.get(&path).await;
        listed.extend(ids(&answer));
        let Some(link) = answer.headers.get(header::LINK) else { break };
        let url = link.to_str().unwrap().strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
        path = path_and_query(&Url::parse(url).unwrap()).strip_prefix("/base").unwrap().to_owned();
        assert!(path.contains("limit=2") && path.contains("since=2020"), "{path}");
    }
    assert_eq!(listed, submitted);
    assert_eq!(ids(&server.get(&format!("{RUNS}?since=2999-01-01T00:00:00Z")).await), Vec::<String>::new());
    for wrong in ["status=LOST", "since=yesterday", "cursor=x", "limit=x", "limit=0", "limit=1001"] {
        assert_eq!(server.get(&format!("{RUNS}?{wrong}")).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn a_list_holds_what_has_a_status() {
    let (server, _silent, stuck) = with_stuck_run().await;
    let done = server.ended(&server.submit(&body(PROMPT)).await).await;
    let with = async |status: &str| ids(&server.get(&format!("{RUNS}?status={status}")).await);
    assert_eq!(with("QUEUED").await, [stuck.id().to_string()]);
    assert_eq!(with("completed").await, [done.id().to_string()]);
    assert_eq!(with("ERROR").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_waits_for_its_files_holds_up_no_other() {
    let (server, _silent, stuck) = with_stuck_run().await;
    for _ in 0..3 {
        let run = server.submit(&body(PROMPT)).await;
        assert_eq!(server.ended(&run).await.status(), Some(RunStatus::Completed));
    }
    let stuck = Run::parse(&server.get(&format!("{RUNS}/{}", stuck.id())).await.body).unwrap();
    assert_eq!(stuck.status(), Some(RunStatus::Queued), "files are fetched before a run starts");
}
