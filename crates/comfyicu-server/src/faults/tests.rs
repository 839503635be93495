//! Files of faults, and what becomes of requests, runs and webhooks where they strike.

use std::sync::Mutex;
use std::time::Instant;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use comfyicu_engine::{ExecutionError, Job, MemoryOutputs, NativeExecutor, NoEvents};
use comfyicu_model::{Prompt, RunId};
use comfyicu_transport::{HttpTransport, Request, RequestBody, Response, ResponseBody, TransportError};
use futures_util::FutureExt as _;
use http::StatusCode;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::scenario::SCENARIOS;
use super::*;

fn faults(text: &str) -> Faults {
    Faults(Arc::new(read::read("f.toml", text).unwrap_or_else(|error| panic!("{error}"))))
}

#[test]
fn what_a_file_cannot_say_is_named_with_its_place() {
    let wrong = [
        "[[fault]]\non = \"submit\"\ndo = \"refuse\"\nstatsu = 429",
        "[[fault]]\non = \"submit\"\ndo = \"drop\"\nstatus = 429",
        "[[fault]]\non = \"submit\"\ndo = \"drop\"\ncolour = 1",
        "[[fault]]\non = \"sbumit\"\ndo = \"drop\"",
        "[[fault]]\non = \"everything\"\ndo = \"drop\"",
        "[[fault]]\non = \"submit\"\ndo = \"drpo\"",
        "[[fault]]\non = \"submit\"\ndo = \"hang\"",
        "[[fault]]\non = \"submit\"",
        "\n[[fault]]\non = \"submit\"\ndo = \"refuse\"",
        "[[fault]]\non = \"submit\"\ndo = \"refuse\"\nstatus = 200",
        "[[fault]]\non = \"submit\"\ndo = \"refuse\"\nstatus = 503\ncontent_type = \"text/html\"",
        "[[fault]]\non = \"submit\"\ndo = \"refuse\"\nstatus = 503\nbody = \"x\"\ncontent_type = \"a\\nb\"",
        "[[fault]]\non = \"get\"\ndo = \"delay\"\ndelay_ms = \"1s\"",
        "[[fault]]\non = \"get\"\ndo = \"drop\"\ntimes = 0",
        "[[fault]]\non = \"webhook\"\ndo = \"lose\"\nevent = \"complete\"",
        "[[fault]]\non = \"run\"\ndo = \"fail\"\nmessage = 1",
        "[fault]\non = \"get\"",
        "[[faults]]\non = \"get\"",
        "seed = 1",
        "[[fault]",
    ];
    let said: Vec<String> =
        wrong.iter().map(|text| read::read("f.toml", text).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn every_scenario_that_ships_is_understood_and_does_something() {
    for (name, text) in SCENARIOS {
        let plan = read::read(name, text).unwrap_or_else(|error| panic!("{error}"));
        assert!(plan.len() > 0, "{name}");
        assert!(text.starts_with("# "), "{name} says what it is");
    }
}

/// What a request to a route that answers `0123456789` gets.
async fn ask(router: &Router, path: &str) -> (StatusCode, String, Result<String, String>) {
    let request = http::Request::get(path).body(Body::empty()).unwrap();
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let fields = ["retry-after", "content-type", "x-comfyicu-fault"]
        .map(|name| head.headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned());
    let body = to_bytes(body, usize::MAX).await;
    let body = body.map(|body| String::from_utf8_lossy(&body).into_owned());
    (head.status, fields.join(" "), body.map_err(|error| error.to_string()))
}

fn router(text: &str) -> (Router, Arc<Mutex<usize>>) {
    let acted = Arc::<Mutex<usize>>::default();
    let theirs = Arc::clone(&acted);
    let answer = move || async move {
        *theirs.lock().unwrap() += 1;
        "0123456789"
    };
    (Router::new().route("/{*path}", get(answer)).layer(from_fn_with_state(faults(text), strike)), acted)
}

#[tokio::test]
async fn a_refusal_comes_in_place_of_the_answer_and_only_as_often_as_it_is_to() {
    let (router, acted) = router(
        "[[fault]]\non = \"GET /a\"\ndo = \"refuse\"\nstatus = 429\nretry_after_s = 7\ntimes = 1\n
         [[fault]]\non = \"GET /a\"\ndo = \"refuse\"\nstatus = 502\nbody = \"<html>\"\ntimes = 1",
    );
    let (status, fields, body) = ask(&router, "/a").await;
    assert_eq!((status.as_u16(), &*fields), (429, "7 application/json f.toml:1"));
    assert!(body.unwrap().contains(r#""code":"rate_limited""#));
    let second = ask(&router, "/a").await;
    assert_eq!((second.0.as_u16(), &*second.1, second.2), (502, "- text/html f.toml:8", Ok("<html>".into())));
    assert_eq!(*acted.lock().unwrap(), 0);
    assert_eq!(ask(&router, "/a").await.2, Ok("0123456789".into()));
    assert_eq!(ask(&router, "/b").await.1, "- text/plain; charset=utf-8 -");
    assert_eq!(*acted.lock().unwrap(), 2);
}

#[tokio::test]
async fn a_delay_lets_the_answer_come_and_says_so() {
    let (router, _) = router("[[fault]]\non = \"any\"\ndo = \"delay\"\ndelay_ms = 30");
    let begun = Instant::now();
    let (status, fields, _) = ask(&router, "/a").await;
    assert_eq!((status.as_u16(), fields.ends_with("f.toml:1")), (200, true));
    assert!(begun.elapsed().as_millis() >= 30);
}

#[tokio::test]
async fn a_connection_is_closed_before_or_after_the_server_acted_or_in_the_middle_of_the_answer() {
    for (act, count) in [("drop", 0), ("lose-answer", 1), ("cut", 1)] {
        let (router, acted) = router(&format!("[[fault]]\non = \"any\"\ndo = \"{act}\""));
        assert!(ask(&router, "/a").await.2.unwrap_err().contains("on purpose"), "{act}");
        assert_eq!(*acted.lock().unwrap(), count, "{act}");
    }
}

const PROMPT: &str = r#"{"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 8, "batch_size": 1, "color": 255}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "blue"}}}"#;

async fn execute(executor: &dyn Executor, cancel: &CancellationToken) -> Result<(), ExecutionError> {
    let job = Job::new(RunId::parse("r1").unwrap(), Prompt::parse(PROMPT.as_bytes()).unwrap());
    executor.execute(job, &NoEvents, &MemoryOutputs::default(), cancel).await
}

#[tokio::test]
async fn runs_fail_at_a_node_or_hang_until_they_are_cancelled() {
    let faults = faults(
        "[[fault]]\non = \"run\"\ndo = \"fail\"\nclass_type = \"SaveImage\"\nmessage = \"no\"\ntimes = 1\n
         [[fault]]\non = \"run\"\ndo = \"fail\"\nclass_type = \"KSampler\"\n
         [[fault]]\non = \"run\"\ndo = \"hang\"\ntimes = 1",
    );
    let executor = faults.around_executor(Arc::new(NativeExecutor::new()));
    let cancel = CancellationToken::new();
    let Err(ExecutionError::Node(failure)) = execute(&*executor, &cancel).await else { panic!("it fails") };
    let told = (failure.node_id.as_str(), &*failure.class_type, &*failure.exception_type, &*failure.message);
    assert_eq!(told, ("2", "SaveImage", "RuntimeError", "no"));
    {
        let mut hanging = Box::pin(execute(&*executor, &cancel));
        assert!((&mut hanging).now_or_never().is_none(), "it goes on until it is told to end");
        cancel.cancel();
        assert!(matches!(hanging.await, Err(ExecutionError::Cancelled)));
    }
    assert!(execute(&*executor, &CancellationToken::new()).await.is_ok(), "and the third one goes well");
}

/// Takes down what is sent.
#[derive(Debug, Default)]
struct Noted(Mutex<Vec<String>>);

#[async_trait]
impl HttpTransport for Noted {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let body = request.body().as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        self.0.lock().unwrap().push(body.unwrap_or_default());
        let mut response = Response::new(ResponseBody::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }
}

#[tokio::test]
async fn webhooks_get_lost_come_twice_and_late() {
    let faults = faults(
        "[[fault]]\non = \"webhook\"\ndo = \"lose\"\nevent = \"started\"\ntimes = 1\n
         [[fault]]\non = \"webhook\"\ndo = \"double\"\nevent = \"completed\"\n
         [[fault]]\non = \"webhook\"\ndo = \"delay\"\ndelay_ms = 30\nevent = \"error\"",
    );
    let noted = Arc::<Noted>::default();
    let transport = faults.around_webhooks(Arc::<Noted>::clone(&noted));
    let begun = Instant::now();
    let mut statuses = Vec::new();
    for status in ["STARTED", "STARTED", "COMPLETED", "ERROR", "?"] {
        let body = RequestBody::from(format!(r#"{{"id": "r", "status": "{status}"}}"#));
        statuses.push(transport.send(Request::new(body)).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 204, 204, 204, 204], "one that is lost was received by somebody");
    let sent: Vec<String> =
        noted.0.lock().unwrap().iter().map(|body| body.replace(['"', '{', '}'], "")).collect();
    assert_eq!(
        sent,
        ["STARTED", "COMPLETED", "COMPLETED", "ERROR", "?"].map(|status| format!("id: r, status: {status}"))
    );
    assert!(begun.elapsed().as_millis() >= 30);
}
