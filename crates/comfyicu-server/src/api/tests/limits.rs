//! What is beyond a limit is refused, and says so.

use super::*;

const RUNS: &str = "/api/v1/workflows/w1/runs";

/// The status and code of an answer.
fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.error_code().unwrap_or_default())
}

#[tokio::test]
async fn a_request_is_so_large_and_so_deep_and_a_file_has_so_many_bytes() {
    let server = Server::start(&["--max-body", "300", "--max-nodes", "1", "--max-file-size", "3"]).await;
    let refused = server.post(RUNS, body(PROMPT)).await;
    assert_eq!(refusal(&refused), (422, "rejected".to_owned()));
    assert!(refused.text().contains("too_many_nodes"), "{}", refused.text());
    let large = format!("{{\"prompt\": {{}}, \"note\": \"{}\"}}", "x".repeat(300));
    assert_eq!(refusal(&server.post(RUNS, large).await), (413, "too_large".to_owned()));
    assert_eq!(refusal(&server.post("/api/v1/uploads", "bytes").await), (413, "too_large".to_owned()));
    let capabilities = server.get("/api/v1/capabilities").await.text();
    for stated in [r#""request_bytes":300"#, r#""nodes":1"#, r#""file_bytes":3"#] {
        assert!(capabilities.contains(stated), "{stated} is not in {capabilities}");
    }
}

#[tokio::test]
async fn a_run_has_so_many_files_and_is_so_deep() {
    let server = Server::start(&["--max-files", "0", "--max-depth", "4"]).await;
    let (files, depth) = (r#""files": {"/input/a": "http://192.0.2.1/a"}"#, r#""note": [[[[[1]]]]]"#);
    for (more, code) in [(files, "too_many_files"), (depth, "too_deep")] {
        let refused = server.post(RUNS, format!("{{\"prompt\": {PROMPT}, {more}}}")).await;
        assert_eq!(refusal(&refused), (422, "rejected".to_owned()));
        assert!(refused.text().contains(code), "{}", refused.text());
    }
}

#[tokio::test]
async fn the_outputs_of_a_run_have_so_many_bytes_together_and_what_is_too_much_is_not_kept() {
    let server = Server::start(&["--max-output-size", "1kB"]).await;
    assert_eq!(server.ended(&server.submit(&body(PROMPT)).await).await.status(), Some(RunStatus::Completed));
    let many = PROMPT.replace("\"batch_size\": 1", "\"batch_size\": 9");
    let ended = server.ended(&server.submit(&body(&many)).await).await;
    assert_eq!(ended.status(), Some(RunStatus::Error));
    let message = ended.failure().unwrap().message().to_owned();
    assert!(message.contains("the outputs of a run may have 1000 bytes together"), "{message}");
    let folder = server.folder.path().join("outputs").join(ended.id().as_str()).join("1");
    tokio::time::timeout(Duration::from_secs(30), async {
        while folder.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("what was saved is removed");
}

#[tokio::test]
async fn a_full_queue_takes_no_more_and_says_when_to_come_back() {
    let server = Server::start(&["--max-queue", "0"]).await;
    let refused = server.post(RUNS, body(PROMPT)).await;
    assert_eq!(refusal(&refused), (503, "queue_full".to_owned()));
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    let checked = server.post(&format!("{RUNS}?check=only"), body(PROMPT)).await;
    assert_eq!(checked.status, StatusCode::OK, "it can still be checked");
}

#[tokio::test]
async fn a_run_that_is_executed_for_too_long_ends_with_an_error() {
    let server = Server::start(&["--max-execution", "0s"]).await;
    let ended = server.ended(&server.submit(&body(PROMPT)).await).await;
    assert_eq!(ended.status(), Some(RunStatus::Error));
    let message = ended.failure().unwrap().message().to_owned();
    assert!(message.starts_with("the run was executed for longer than"), "{message}");
}

#[tokio::test]
async fn so_many_read_events_and_each_gets_so_many() {
    let server = Server::start(&["--max-stream-events", "1"]).await;
    let run = server.ended(&server.submit(&body(PROMPT)).await).await;
    let path = format!("{RUNS}/{}/events", run.id());
    let events = server.get(&path).await.text();
    assert_eq!(events.matches("event: ").count(), 1, "{events}");
    let full = Server::start(&["--max-streams", "0"]).await;
    let run = full.submit(&body(PROMPT)).await;
    let refused = full.get(&format!("{RUNS}/{}/events", run.id())).await;
    assert_eq!(refusal(&refused), (503, "unavailable".to_owned()));
}

#[tokio::test]
async fn whoever_runs_the_server_sees_its_health_without_a_key_and_its_metrics_with_one() {
    let server = Server::start(&[]).await;
    let open = async |path: &str| server.send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(open("/healthz").await.text(), r#"{"status":"ok"}"#);
    let ready = open("/readyz").await;
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(ready.text(), r#"{"status":"ok","checks":{"store":true,"executor":true,"accepting":true}}"#);
    assert_eq!(open("/metrics").await.status, StatusCode::UNAUTHORIZED);

    server.ended(&server.submit(&body(PROMPT)).await).await;
    let answer = server.get("/metrics").await;
    assert!(
        answer.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("application/openmetrics-text")
    );
    let metrics = answer.text();
    for line in [
        r#"comfyicu_runs_ended_total{status="COMPLETED",accelerator="CPU"} 1"#,
        r#"comfyicu_node_seconds_count{class_type="SaveImage",accelerator="CPU"} 1"#,
        r#"comfyicu_executor_up{executor="0",device="CPU",accelerator="CPU"} 1"#,
        r#"comfyicu_store_seconds_count{operation="insert"} 1"#,
        r#"comfyicu_http_requests_total{method="POST",route="/api/v1/workflows/{workflow_id}/runs",status="200"} 1"#,
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"));
    server.shutdown.stop();
    assert_eq!(open("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_answer_and_its_error_carry_the_id_of_their_request() {
    let server = Server::start(&[]).await;
    let (mut head, empty) = request(Method::GET, "/api/v1/nowhere", Body::empty()).into_parts();
    head.headers.insert("x-request-id", "mine-1".parse().unwrap());
    let answer = server.send(Request::from_parts(head, empty)).await;
    assert_eq!(answer.headers["x-request-id"], "mine-1");
    assert!(answer.text().contains(r#""request_id":"mine-1""#), "{}", answer.text());
    assert_eq!(server.get("/healthz").await.headers["x-request-id"].len(), 21, "otherwise it is made up");
}
