//! The calls against recorded answers, and against answers that no ComfyUI gives.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use comfyicu_model::Prompt;
use comfyicu_transport::{HttpTransport, ResponseBody, TransportError};
use futures_util::TryStreamExt as _;

use super::*;

/// Answers what it was told to, and keeps what was asked.
#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<(String, String)>>,
}

#[async_trait]
impl HttpTransport for Script {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let line = format!("{} {}", request.method(), request.uri());
        let headers = request.headers();
        assert!(headers.get("origin").is_none() && headers.get("sec-fetch-site").is_none());
        let chunks: Vec<Bytes> = request.body().open().try_collect().await?;
        let body = chunks.concat();
        assert_eq!(body.len() as u64, request.body().length(), "the length is what is sent");
        self.asked.lock().unwrap().push((line, String::from_utf8_lossy(&body).into_owned()));
        let (status, body) = self.answers.lock().unwrap().pop_front().unwrap();
        let mut response = Response::new(ResponseBody::from(body));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Ok(response)
    }
}

fn scripted(answers: &[(u16, &str)]) -> (ComfyClient, Arc<Script>) {
    let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
    let script = Arc::new(Script { answers: Mutex::new(answers), asked: Mutex::default() });
    let url = Url::parse("http://user:p%40ss@gpu:8188/comfy").unwrap();
    (ComfyClient::with_transport(&url, Arc::<Script>::clone(&script)).unwrap(), script)
}

fn prompt() -> Prompt {
    Prompt::parse(br#"{"1": {"class_type": "SaveImage", "inputs": {}}}"#).unwrap()
}

#[tokio::test]
async fn a_prompt_is_sent_with_its_own_ids_and_nothing_secret_is_printed() {
    let accepted = r#"{"prompt_id": "p1", "number": 3.0, "node_errors": {}}"#;
    let (comfy, script) = scripted(&[(200, accepted)]);
    let extra = Object::from_iter([("api_key_comfy_org", "SECRET")]);
    let request = PromptRequest::new("p1", &prompt()).client_id("c1").extra_data(extra);
    assert!(!format!("{request:?}{comfy:?}").contains("SECRET"));
    assert!(!format!("{comfy:?}").contains("p%40ss"));
    let accepted = comfy.submit(request).await.unwrap();
    assert!(accepted.node_errors.is_empty());
    let (line, body) = script.asked.lock().unwrap()[0].clone();
    assert_eq!(line, "POST http://gpu:8188/comfy/prompt");
    insta::assert_snapshot!(body, @r#"{"prompt_id":"p1","client_id":"c1","prompt":{"1":{"class_type":"SaveImage","inputs":{}}},"extra_data":{"api_key_comfy_org":"SECRET"}}"#);
    assert_eq!(comfy.0.authorization.as_ref().unwrap(), &format!("Basic {}", STANDARD.encode("user:p@ss")));
}

#[tokio::test]
async fn a_refused_prompt_is_findings() {
    let nodes = r#"{"error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation",
        "details": "Required input is missing: filename_prefix", "extra_info": {}}, "node_errors": {"2": {"errors": [
        {"type": "value_bigger_than_max", "message": "Value 99999 bigger than max of 16384", "details": "width",
         "extra_info": {"input_name": "width", "received_value": 99999}}], "dependent_outputs": ["4", "5"], "class_type": "ImageScale"}}}"#;
    let class = r#"{"error": {"type": "missing_node_type", "message": "Node 'Upscale Image' not found.", "details": "Node ID '#2'",
        "extra_info": {"node_id": "2", "class_type": "NoSuchNode"}}, "node_errors": {}}"#;
    let (comfy, _) = scripted(&[(400, nodes), (400, class), (400, "no"), (500, "500 Internal Server Error")]);
    let mut told = Vec::new();
    for _ in 0..4 {
        let error = comfy.submit(PromptRequest::new("p1", &prompt())).await.unwrap_err();
        if let ComfyError::Rejected(rejection) = &error {
            assert!(!error.is_trouble());
            told.extend(rejection.findings().iter().map(ToString::to_string));
        } else {
            told.push(error.to_string());
        }
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    node 2 (ImageScale), input `width`: Value 99999 bigger than max of 16384
    node 2 (NoSuchNode): Node 'Upscale Image' not found.
    POST /prompt was answered with status 400: no
    POST /prompt was answered with status 500: 500 Internal Server Error
    ");
}

#[tokio::test]
async fn what_runs_and_what_waits_is_told_apart() {
    let queue = r#"{"queue_running": [[7, "a", {}, {"client_id": "x"}, ["9"]]], "queue_pending": [[8.5, "b", {}, {}, []], 7]}"#;
    let (comfy, script) = scripted(&[(200, queue), (200, ""), (200, ""), (200, "{}")]);
    let queue = comfy.queue().await.unwrap();
    assert!(queue.is_running("a") && queue.is_pending("b") && !queue.has("c"));
    assert_eq!(queue.len(), 2);
    comfy.delete_pending("b").await.unwrap();
    comfy.interrupt("a").await.unwrap();
    assert!(matches!(comfy.queue().await, Err(ComfyError::Shape { .. })));
    let bodies: Vec<_> = script.asked.lock().unwrap().iter().map(|(_, body)| body.clone()).collect();
    assert_eq!(bodies, ["", r#"{"delete":["b"]}"#, r#"{"prompt_id":"a"}"#, ""]);
}

fn history(status: &str) -> String {
    format!(r#"{{"p1": {{"prompt": [], "outputs": {{"4": {{"images": []}}, "x": 7}}, "status": {status}}}}}"#)
}

#[tokio::test]
async fn the_messages_of_a_history_have_the_truth() {
    let cycle = history(
        r#"{"status_str": "success", "completed": true, "messages": [["execution_start", {}], ["execution_error",
        {"node_id": "7", "node_type": "Cycle", "exception_type": "DependencyCycleError", "exception_message": "Dependency cycle detected"}]]}"#,
    );
    let interrupted = history(
        r#"{"status_str": "error", "completed": false, "messages": [["execution_interrupted", {"node_id": "12", "node_type": "ImageBlur"}]]}"#,
    );
    let success = history(r#"{"status_str": "success", "completed": true, "messages": []}"#);
    let silent = history(r#"{"status_str": "error", "messages": "?"}"#);
    let answers = [&*cycle, &*interrupted, &*success, &*silent, "{}"].map(|text| (200, text));
    let (comfy, _) = scripted(&answers);
    let mut endings = Vec::new();
    for _ in 0..4 {
        let entry = comfy.history("p1").await.unwrap().unwrap();
        assert_eq!(entry.outputs.len(), 1, "what is no output is left out");
        endings.push(entry.ending);
    }
    assert!(matches!(&endings[0], Ending::Failed(failure) if failure.message == "Dependency cycle detected"));
    assert!(matches!(&endings[1], Ending::Interrupted(at) if at.node_id == Some("12".into())));
    assert_eq!(endings[2], Ending::Success);
    assert!(matches!(&endings[3], Ending::Failed(failure) if failure.message.contains("does not say why")));
    assert_eq!(comfy.history("p1").await.unwrap(), None);
}

#[tokio::test]
async fn a_file_is_sent_as_a_form_and_its_name_is_the_one_that_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, "bytes").unwrap();
    let stored = r#"{"name": "a \"b\" (1).png", "subfolder": "s", "type": "input"}"#;
    let (comfy, script) = scripted(&[(200, stored), (413, "too large")]);
    let upload = || Upload::new(&path, 5, "a \"b\".png").subfolder("s").overwrite();
    assert_eq!(comfy.upload(upload()).await.unwrap().name, "a \"b\" (1).png");
    let error = comfy.upload(upload()).await.unwrap_err();
    assert_eq!(error.to_string(), "POST /upload/image was answered with status 413: too large");
    insta::assert_snapshot!(script.asked.lock().unwrap()[0].1.replace('\r', ""));
}

#[tokio::test]
async fn a_file_that_is_viewed_is_named_in_the_query() {
    let (comfy, script) = scripted(&[(200, "pixels"), (404, "")]);
    let file =
        StoredFile { name: "ü &1.png".to_owned(), subfolder: "r1/rec".to_owned(), kind: FileType::Output };
    let body = comfy.view(&file).await.unwrap().into_body();
    assert_eq!(body.collect(100).await.unwrap(), "pixels");
    assert!(matches!(comfy.view(&file).await, Err(ComfyError::Status { status: 404, .. })));
    let line = script.asked.lock().unwrap()[0].0.clone();
    assert_eq!(
        line,
        "GET http://gpu:8188/comfy/view?filename=%C3%BC+%261.png&subfolder=r1%2Frec&type=output"
    );
}

#[tokio::test]
async fn devices_are_named_as_products() {
    let device = |name: &str, kind: &str| ComfyDevice {
        name: name.to_owned(),
        kind: kind.to_owned(),
        vram_total_bytes: 0,
        vram_free_bytes: 0,
    };
    assert_eq!(device("cuda:0 NVIDIA L4 : cudaMallocAsync", "cuda").product(), "NVIDIA L4");
    assert_eq!(device("cuda:1 Tesla T4", "cuda").product(), "Tesla T4");
    assert_eq!(device("cpu", "cpu").product(), "CPU");
    assert_eq!(device("mps", "mps").product(), "mps");
    let (comfy, _) = scripted(&[
        (
            200,
            r#"{"system": {"comfyui_version": "0.3.75", "ram_total": 25276502016}, "devices": [{"name": "cpu", "type": "cpu"}]}"#,
        ),
        (200, "<html>"),
    ]);
    let stats = comfy.system_stats().await.unwrap();
    assert_eq!((&*stats.version, stats.ram_total_bytes), ("0.3.75", 25_276_502_016));
    assert!(matches!(comfy.system_stats().await, Err(ComfyError::Json { .. })));
}

#[test]
fn an_address_is_one_or_is_refused() {
    for bad in ["ftp://gpu", "http://gpu/?a=1", "http://gpu/#x", "data:x"] {
        assert!(ComfyClient::connect(&Url::parse(bad).unwrap()).is_err(), "{bad}");
    }
    let (comfy, _) = scripted(&[]);
    assert_eq!(comfy.socket_address("c 1").0.as_str(), "ws://gpu:8188/comfy/ws?clientId=c+1");
}

#[tokio::test]
async fn a_version_without_jobs_knows_none() {
    let (comfy, script) =
        scripted(&[(404, "404: Not Found"), (200, r#"{"id": "p1", "status": "completed"}"#), (500, "")]);
    assert!(comfy.job("p1").await.unwrap().is_none());
    assert_eq!(comfy.job("p1").await.unwrap().unwrap().get_str("status"), Some("completed"));
    assert!(comfy.job("p1").await.is_err());
    assert!(script.asked.lock().unwrap()[0].0.ends_with("/comfy/api/jobs/p1"));
}
