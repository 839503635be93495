//! Waits on a scripted service, on a paused clock.

use std::sync::{Arc, Mutex};

use comfyicu_model::{RunId, WorkflowId};
use comfyicu_transport::{Response, TransportError, TransportErrorKind};

use super::*;
use crate::Capabilities;
use crate::fake::{self, json};

/// Waits on a service whose n-th answer is `reply(n)`.
fn wait(reply: impl Fn(usize) -> Result<Response, TransportError> + Send + Sync + 'static) -> Wait {
    let count = Mutex::new(0);
    let (client, _) = fake::client_with(
        |builder| builder.capabilities(Capabilities::none()),
        move |_| {
            let mut count = count.lock().unwrap();
            *count += 1;
            reply(*count)
        },
    );
    client.run(WorkflowId::parse("w").unwrap(), RunId::parse("r").unwrap()).wait()
}

fn status(status: &str) -> Result<Response, TransportError> {
    json(200, &format!(r#"{{"id": "r", "status": "{status}"}}"#))
}

fn refused() -> Result<Response, TransportError> {
    Err(TransportError::new(TransportErrorKind::Connect, "refused"))
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_completed_run_and_shows_each_look() {
    let begin = Instant::now();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let run = wait(|n| match n {
        1 => json(200, r#"{"id": "r"}"#),
        2 => status("QUEUED"),
        3 => status("PAUSED"),
        4 => refused(),
        _ => status("COMPLETED"),
    })
    .observe(move |look| {
        let text = look.map_or_else(ToString::to_string, |run| {
            run.status().map_or("?".to_owned(), |status| status.to_string())
        });
        log.lock().unwrap().push(text);
    })
    .await
    .unwrap();
    assert_eq!(run.status(), Some(RunStatus::Completed));
    insta::assert_snapshot!(seen.lock().unwrap().join("\n"), @"
    ?
    QUEUED
    PAUSED
    the service at http://server:8000 cannot be reached
    COMPLETED
    ");
    assert_eq!(begin.elapsed(), Duration::from_millis(100 + 100 + 100 + 150));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_badly_is_kept() {
    for (end, text) in [
        (r#""ERROR", "output": {"error": {"exception_message": "boom"}}"#, "the run r ended in ERROR: boom"),
        (r#""CANCELLED""#, "the run r ended in CANCELLED"),
        (r#""INSUFFICIENT_CREDIT""#, "the run r ended in INSUFFICIENT_CREDIT"),
    ] {
        let body = format!(r#"{{"id": "r", "status": {end}}}"#);
        let error = wait(move |_| json(200, &body)).await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(error.failed_run().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_in_time_and_says_what_it_saw() {
    let begin = Instant::now();
    let error = wait(|_| status("STARTED")).max_wait(Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(begin.elapsed(), Duration::from_secs(20));
    insta::assert_snapshot!(error, @"the run r has not ended within 20.0 s; it was STARTED when last seen");
    let WaitError::GaveUp(gave_up) = error else { panic!("{error:?}") };
    assert_eq!((gave_up.polls, gave_up.elapsed), (12, Duration::from_secs(20)));
    assert!(gave_up.last.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_silent_service_does_not_hold_it_longer() {
    let begin = Instant::now();
    let run = fake::silent_client().run(WorkflowId::parse("w").unwrap(), RunId::parse("r").unwrap());
    let error = run.wait().max_wait(Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(begin.elapsed(), Duration::from_secs(3));
    insta::assert_snapshot!(error, @"the run r has not ended within 3.0 s; it was not seen");
}

#[tokio::test(start_paused = true)]
async fn failures_are_tolerated_for_a_while_only() {
    let begin = Instant::now();
    let error = wait(|n| if n == 1 { status("STARTED") } else { json(503, "") }).await.unwrap_err();
    assert!(matches!(&error, WaitError::Request(error) if error.kind() == ErrorKind::Server), "{error:?}");
    let elapsed = begin.elapsed();
    assert!((POLL_FAILURE_TOLERANCE..POLL_FAILURE_TOLERANCE + Duration::from_secs(6)).contains(&elapsed));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_wants_to_be_left_alone_is() {
    let begin = Instant::now();
    let busy = || {
        let mut response = json(429, "")?;
        response.headers_mut().insert("retry-after", "7".parse().unwrap());
        Ok(response)
    };
    wait(move |n| if n == 1 { busy() } else { status("COMPLETED") }).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_ends_it_at_once() {
    for code in [401, 404] {
        let begin = Instant::now();
        let error = wait(move |_| json(code, "")).await.unwrap_err();
        assert!(matches!(error, WaitError::Request(_)));
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}
