//! The API, asked in process: the real router, store and executor, without a socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use clap::Parser as _;
use comfyicu_model::json::{Limits, Object, Value, read};
use comfyicu_model::{Run, RunOutput, RunStatus};
use http::{HeaderMap, Method, Request, StatusCode, header};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use url::Url;

use crate::args::{Cli, Command};
use crate::bus::Bus;
use crate::data_dir::DataDir;
use crate::hash::Sha256Hex;
use crate::keys::KeyRecord;
use crate::owner::Owner;
use crate::run::RunRecord;
use crate::serve::assemble;
use crate::shutdown::Shutdown;
use crate::store::{KeyStore as _, RunStore as _, SqliteStore};

mod events;
mod extensions;
mod isolation;
mod limits;
mod openapi;
mod owners;
mod uploads;

const KEY: &str = "cicu_test";
/// A key of another owner's.
const OTHER_KEY: &str = "cicu_other";
pub(super) const PROMPT: &str = r#"{"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 8, "batch_size": 1, "color": 255}},
     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a b/blue"}, "seed": 18446744073709551616}}"#;

pub(super) struct Server {
    router: Router,
    shutdown: Shutdown,
    folder: TempDir,
    _data_dir: DataDir,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Server {
    pub(super) async fn start(flags: &[&str]) -> Self {
        Self::start_on(flags, async |_| {}).await
    }

    /// Starts on a store that holds something already.
    async fn start_on(flags: &[&str], prepare: impl AsyncFnOnce(&SqliteStore)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir::lock(folder.path()).unwrap();
        let bus = Bus::default();
        let store = SqliteStore::open(&data_dir.database(), Arc::new(bus.clone())).await.unwrap();
        for (id, owner, text) in [("k1", "local", KEY), ("k2", "other", OTHER_KEY)] {
            let key = KeyRecord::new(id.to_owned(), Owner::parse(owner).unwrap(), id, crate::clock::now());
            store.insert_key(&key, &Sha256Hex::of(text.as_bytes())).await.unwrap();
        }
        prepare(&store).await;
        let cli = Cli::parse_from([&["comfyicu-server", "serve"], flags].concat());
        let Command::Serve(args) = cli.command else { panic!("{cli:?}") };
        let address = SocketAddr::from(([127, 0, 0, 1], 8288));
        let app = assemble(&args, address, &data_dir, (&store, bus), &TaskTracker::new()).await.unwrap();
        let shutdown = app.shutdown.clone();
        Self { router: super::router(app, None), shutdown, folder, _data_dir: data_dir }
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, Body::empty())).await
    }

    async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(request(Method::POST, path, body.into())).await
    }

    pub(super) async fn submit(&self, body: &str) -> Run {
        let answer = self.post("/api/v1/workflows/w1/runs", body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(answer.json().as_object().map(Object::len), Some(1), "create answers the id alone");
        Run::parse(&answer.body).unwrap()
    }

    /// Asks until the run has ended.
    pub(super) async fn ended(&self, run: &Run) -> Run {
        let path = format!("/api/v1/workflows/w1/runs/{}", run.id());
        let asking = async {
            loop {
                let run = Run::parse(&self.get(&path).await.body).unwrap();
                if run.status().is_some_and(|status| status.is_terminal()) {
                    return run;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), asking).await.expect("the run ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

impl Answer {
    fn json(&self) -> Value {
        read(&self.body, Limits::default()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn error_code(&self) -> Option<String> {
        Some(self.json().as_object()?.get("error")?.as_object()?.get_str("code")?.to_owned())
    }
}

pub(super) fn request(method: Method, path: &str, body: Body) -> Request<Body> {
    request_with(KEY, method, path, body)
}

fn request_with(key: &str, method: Method, path: &str, body: Body) -> Request<Body> {
    let builder = Request::builder().method(method).uri(path);
    builder.header(header::AUTHORIZATION, format!("Bearer {key}")).body(body).unwrap()
}

/// What a client asks for when it opens an absolute URL.
pub(super) fn path_and_query(url: &Url) -> String {
    url[url::Position::BeforePath..].to_owned()
}

pub(super) fn body(prompt: &str) -> String {
    format!(r#"{{"prompt": {prompt}}}"#)
}

#[tokio::test]
async fn every_route_but_the_outputs_needs_a_key() {
    let server = Server::start(&[]).await;
    for path in ["capabilities", "object_info", "workflows", "workflows/w1", "workflows/w1/runs"] {
        for authorization in ["", "Bearer wrong", "Basic cicu_test"] {
            let request =
                Request::get(format!("/api/v1/{path}")).header(header::AUTHORIZATION, authorization);
            let answer = server.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} with {authorization:?}");
        }
    }
    for (method, path) in
        [(Method::HEAD, "uploads/x"), (Method::POST, "uploads"), (Method::POST, "workflows/w1/runs")]
    {
        let request = Request::builder().method(method).uri(format!("/api/v1/{path}"));
        let answer = server.send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(server.get("/api/v1/capabilities").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_output_opens_with_its_signed_address_or_a_key() {
    let server = Server::start(&[]).await;
    let run = server.ended(&server.submit(&body(PROMPT)).await).await;
    let RunOutput::Files(files) = run.output() else { panic!("{run:?}") };
    assert_eq!(files[0].filename, format!("/workflows/w1/output/{}/a b/blue_00001_.png", run.id()));
    let url = files[0].url.as_ref().unwrap();
    assert_eq!(url.host_str(), Some("127.0.0.1"));

    let open = async |path: &str| server.send(Request::get(path).body(Body::empty()).unwrap()).await;
    let answer = open(&path_and_query(url)).await;
    assert_eq!((answer.status, &answer.body[..4]), (StatusCode::OK, b"\x89PNG".as_slice()));
    assert_eq!(answer.headers[header::CONTENT_TYPE], "image/png");
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(open(url.path()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(open(&format!("{}?signature=00", url.path())).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(server.get(url.path()).await.status, StatusCode::OK, "a key opens it too");
    let elsewhere = url.path().replace("/w1/", "/w2/");
    assert_eq!(server.get(&elsewhere).await.status, StatusCode::NOT_FOUND);
    let outside = url.path().replace("a%20b/", "..%2F");
    assert_eq!(server.get(&outside).await.status, StatusCode::NOT_FOUND);

    let part = request(Method::GET, url.path(), Body::empty());
    let (mut head, empty) = part.into_parts();
    head.headers.insert(header::RANGE, "bytes=1-3".parse().unwrap());
    let answer = server.send(Request::from_parts(head, empty)).await;
    assert_eq!((answer.status, answer.body), (StatusCode::PARTIAL_CONTENT, b"PNG".to_vec()));
}

#[tokio::test]
async fn what_was_submitted_comes_back_without_loss() {
    let server = Server::start(&["--accelerators", "any"]).await;
    let sent = format!(
        r#"{{"workflow_id": "w1", "prompt": {PROMPT}, "accelerator": "A100_40GB", "webhook": "", "files": {{}}, "note": [1.0], "extra_data": {{"extra_pnginfo": {{"workflow": {{"version": 0.4, "big": 99999999999999999999}}}}}}}}"#
    );
    let run = server.ended(&server.submit(&sent).await).await;
    let mut expected = read(sent.as_bytes(), Limits::default()).unwrap();
    expected.as_object_mut().unwrap().remove("workflow_id");
    expected.as_object_mut().unwrap().remove("files");
    assert_eq!(run.as_object().get_str("webhook"), Some(""));
    let data = run.as_object().get("data").unwrap().as_object().unwrap();
    for (key, value) in expected.as_object().unwrap().iter() {
        assert_eq!(data.get(key).map(Value::to_json), Some(value.to_json()), "{key}");
    }
    assert_eq!(run.accelerator().map(|name| name.to_string()).as_deref(), Some("A100_40GB"));
    assert_eq!(run.device(), Some("CPU"));
}

#[tokio::test]
async fn an_upload_is_known_by_its_digest_and_a_run_reads_it() {
    let server = Server::start(&[]).await;
    let run = server.ended(&server.submit(&body(PROMPT)).await).await;
    let RunOutput::Files(files) = run.output() else { panic!("{run:?}") };
    let png = server.get(files[0].url.as_ref().unwrap().path()).await.body;

    let digest = Sha256Hex::of(&png);
    let find = async || {
        let path = format!("/api/v1/uploads/{}", digest.as_str());
        server.send(request(Method::HEAD, &path, Body::empty())).await
    };
    assert_eq!(find().await.status, StatusCode::NOT_FOUND);
    let answer = server.post("/api/v1/uploads", png.clone()).await;
    let uploaded = answer.json().as_object().unwrap().clone();
    let found = find().await;
    assert_eq!(found.status, StatusCode::OK);
    assert_eq!(found.headers[header::LOCATION].to_str().ok(), uploaded.get_str("url"));
    assert_eq!(uploaded.get_str("sha256"), Some(digest.as_str()));
    assert_eq!(uploaded.get("size"), Some(&Value::from(png.len() as u64)));

    let form = [
        b"--B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n",
        &png[..],
        b"\r\n--B--\r\n",
    ]
    .concat();
    let (mut head, body) = request(Method::POST, "/api/v1/uploads", form.into()).into_parts();
    head.headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=B".parse().unwrap());
    assert_eq!(server.send(Request::from_parts(head, body)).await.text(), answer.text());

    let url = uploaded.get_str("url").unwrap();
    let prompt = r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "in.png"}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}"#;
    let run =
        server.submit(&format!(r#"{{"prompt": {prompt}, "files": {{"/input/in.png": "{url}"}}}}"#)).await;
    let run = server.ended(&run).await;
    assert_eq!(run.status(), Some(RunStatus::Completed), "{run:?}");
    let files = run.as_object().get("x").unwrap().as_object().unwrap().get("files").unwrap().clone();
    let json = files.to_json();
    assert!(json.starts_with(&format!(r#"{{"/input/in.png":{{"bytes":{},"ms":"#, png.len())), "{json}");
    assert!(json.ends_with(r#","cache_hit":true}}"#), "{json}");
    assert_eq!(server.get("/api/v1/view/workflows/w1/input/in.png").await.body, png);
    assert_eq!(server.get("/api/v1/view/workflows/w1/input/other.png").await.status, StatusCode::NOT_FOUND);

    let gone = url.replace(digest.as_str(), Sha256Hex::of(b"gone").as_str());
    let refused = format!(r#"{{"prompt": {prompt}, "files": {{"/input/in.png": "{gone}"}}}}"#);
    let answer = server.post("/api/v1/workflows/w1/runs", refused).await;
    assert_eq!(
        (answer.status, answer.error_code().as_deref()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("rejected"))
    );
}

#[tokio::test]
async fn workflows_come_with_their_first_run_and_runs_are_listed_newest_first() {
    let server = Server::start(&[]).await;
    assert_eq!(server.get("/api/v1/workflows/w1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.get("/api/v1/workflows/w1/runs").await.text(), "[]");
    let first = server.submit(&body(PROMPT)).await;
    let second = server.submit(&body(PROMPT)).await;
    let ids = |answer: Answer| {
        let runs = answer.json().as_array().unwrap().to_vec();
        runs.into_iter().map(|run| Run::from_value(run).unwrap().id().clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(server.get("/api/v1/workflows/w1/runs").await), [second.id().clone(), first.id().clone()]);
    assert_eq!(ids(server.get("/api/v1/workflows/w1/runs?limit=1").await), [second.id().clone()]);
    let workflow = server.get("/api/v1/workflows/w1").await.json();
    let workflow = workflow.as_object().unwrap();
    let fields = [
        "id",
        "name",
        "description",
        "created_at",
        "updated_at",
        "tags",
        "is_nsfw",
        "visibility",
        "accelerator",
    ];
    assert_eq!(workflow.keys().collect::<Vec<_>>(), fields);
    assert_eq!(server.get("/api/v1/workflows").await.json().as_array().map(<[_]>::len), Some(1));
    let foreign = format!("/api/v1/workflows/w2/runs/{}", first.id());
    assert_eq!(server.get(&foreign).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_run_that_fails_says_where() {
    let server = Server::start(&[]).await;
    let large = PROMPT.replace("\"width\": 16, \"height\": 8", "\"width\": 16384, \"height\": 16384");
    let run = server.ended(&server.submit(&body(&large)).await).await;
    assert_eq!(run.status(), Some(RunStatus::Error));
    let failure = run.failure().unwrap();
    assert_eq!((failure.node_id(), failure.node_type()), (Some("1"), Some("EmptyImage")));
    assert!(failure.message().contains("16384"), "{}", failure.message());
    assert_eq!(run.as_object().get("error"), Some(&Value::Null), "as on the hosted service");
}

#[tokio::test]
async fn previews_are_not_outputs() {
    let server = Server::start(&[]).await;
    let prompt = PROMPT.replace("SaveImage", "PreviewImage");
    let run = server.ended(&server.submit(&body(&prompt)).await).await;
    assert_eq!((run.status(), run.output()), (Some(RunStatus::Completed), RunOutput::Files(Vec::new())));
}

#[tokio::test]
async fn errors_have_one_form() {
    let server = Server::start(&[]).await;
    let runs = "/api/v1/workflows/w1/runs";
    let code = |answer: &Answer| (answer.status.as_u16(), answer.error_code().unwrap());
    assert_eq!(code(&server.post(runs, "{").await), (400, "bad_request".to_owned()));
    assert_eq!(code(&server.post(runs, r#"{"prompt": {}}"#).await), (400, "bad_request".to_owned()));
    assert_eq!(
        code(&server.post("/api/v1/workflows/a%20b/runs", body(PROMPT)).await),
        (404, "not_found".to_owned())
    );
    assert_eq!(code(&server.get("/api/v1/elsewhere").await), (404, "not_found".to_owned()));
    assert_eq!(code(&server.get("/api/v1/workflows/%ff/runs").await), (404, "not_found".to_owned()));
    assert_eq!(code(&server.get("/api/v1/workflows?limit=abc").await), (400, "bad_request".to_owned()));
    let other = format!(r#"{{"workflow_id": "w2", "prompt": {PROMPT}}}"#);
    assert_eq!(code(&server.post(runs, other).await), (400, "bad_request".to_owned()));
    let delete = server.send(request(Method::DELETE, runs, Body::empty())).await;
    assert_eq!(code(&delete), (405, "method_not_allowed".to_owned()));
    let huge = vec![b' '; 32 * 1024 * 1024 + 1];
    assert_eq!(code(&server.post(runs, huge).await), (413, "too_large".to_owned()));
    let blocked = r#"{"prompt": PROMPT, "webhook": "http://169.254.169.254/", "accelerator": "H100", "files": {"/input/a.png": "http://10.0.0.1/a"}}"#;
    let answer = server.post(runs, blocked.replace("PROMPT", PROMPT)).await;
    assert_eq!(code(&answer), (422, "rejected".to_owned()));
    let error = answer.json().as_object().unwrap().get("error").unwrap().as_object().unwrap().clone();
    let findings = error.get("details").unwrap().as_array().unwrap();
    let codes: Vec<_> =
        findings.iter().map(|finding| finding.as_object().unwrap().get_str("code").unwrap()).collect();
    assert_eq!(
        codes,
        ["file_url_not_allowed", "webhook_url_not_allowed", "accelerator_not_served", "unused_file"]
    );
}

#[tokio::test]
async fn a_run_that_many_processes_ended_with_is_not_begun_again() {
    let run = crate::run::tests::accepted();
    let server = Server::start_on(&[], async |store| {
        let started =
            RunRecord { attempt: 19, ..run.clone() }.start("CPU", run.created_at, Duration::ZERO).unwrap();
        store.insert(run.clone().into(), None).await.unwrap();
        assert!(store.change(&run, &started, None).await.unwrap());
    });
    let server = server.await;
    let ended = Run::parse(&server.get("/api/v1/workflows/w1/runs/r1").await.body).unwrap();
    assert_eq!(ended.status(), Some(RunStatus::Error));
    assert!(ended.failure().unwrap().message().starts_with("the run was begun 20 times"), "{ended:?}");
}

#[tokio::test]
async fn one_large_document_does_not_hold_up_the_others() {
    let server = Server::start(&[]).await;
    // Written back, each of these numbers takes several times as many bytes: more than a request may have.
    let numbers = vec!["1e15"; 3_900_000].join(",");
    let large = server.submit(&format!(r#"{{"prompt": {PROMPT}, "note": [{numbers}]}}"#)).await;
    let small = server.submit(&body(PROMPT)).await;
    assert_eq!(server.ended(&small).await.status(), Some(RunStatus::Completed));
    let answer = server.get(&format!("/api/v1/workflows/w1/runs/{}", large.id())).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refusal_is_bounded_whatever_was_sent() {
    let server = Server::start(&[]).await;
    let node =
        |id: usize| format!(r#""{id}": {{"class_type": "X\n{}", "inputs": {{}}}}"#, "x".repeat(50_000));
    let nodes: Vec<_> = (0..300).map(node).collect();
    let answer =
        server.post("/api/v1/workflows/w1/runs", format!(r#"{{"prompt": {{{}}}}}"#, nodes.join(","))).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.len() < 200_000, "{} bytes", answer.body.len());
    let error = answer.json().as_object().unwrap().get("error").unwrap().as_object().unwrap().clone();
    assert_eq!(error.get("details").and_then(Value::as_array).map(<[_]>::len), Some(100));
    assert!(error.get_str("message").unwrap().starts_with("30"), "all are counted");
}

#[tokio::test]
async fn an_upload_is_found_again_under_another_address_of_this_server() {
    let server = Server::start(&["--public-url", "https://new.example"]).await;
    let run = server.ended(&server.submit(&body(PROMPT)).await).await;
    let RunOutput::Files(files) = run.output() else { panic!("{run:?}") };
    let png = server.get(files[0].url.as_ref().unwrap().path()).await.body;
    server.post("/api/v1/uploads", png.clone()).await;
    let old = format!("http://10.0.0.1:1/api/v1/uploads/{}", Sha256Hex::of(&png).as_str());
    let prompt = r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "in.png"}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}"#;
    let run =
        server.submit(&format!(r#"{{"prompt": {prompt}, "files": {{"/input/in.png": "{old}"}}}}"#)).await;
    assert_eq!(server.ended(&run).await.status(), Some(RunStatus::Completed));
}
