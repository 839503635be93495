//! Waits on a scripted service, on a paused clock.

use std::sync::Mutex;

use comfyicu_model::{RunId, WorkflowId};
use comfyicu_transport::{Request, Response, ResponseBody, TransportError, TransportErrorKind};
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::*;
use crate::error::ErrorKind;
use crate::fake::{self, json};
use crate::{Capabilities, Client, Extension, WaitBound};

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
    handle(&client).wait().schedule(PollSchedule::growing(Duration::from_millis(100), Duration::from_secs(5)))
}

fn handle(client: &Client) -> RunHandle {
    client.run(WorkflowId::parse("w").unwrap(), RunId::parse("r").unwrap())
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
    let error = handle(&fake::silent_client()).wait().max_wait(Duration::from_secs(3)).await.unwrap_err();
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

#[tokio::test(start_paused = true)]
async fn a_status_has_its_own_bound() {
    let begin = Instant::now();
    let stuck = |n| if n < 3 { status("QUEUED") } else { status("STARTED") };
    let error = wait(stuck).max_in_status(RunStatus::Started, Duration::from_secs(9)).await.unwrap_err();
    insta::assert_snapshot!(error, @"the run r was STARTED for more than 9.0 s; it was STARTED when last seen");
    let WaitError::GaveUp(gave_up) = error else { panic!("{error:?}") };
    assert_eq!(gave_up.bound, WaitBound::InStatus(RunStatus::Started, Duration::from_secs(9)));
    assert_eq!(begin.elapsed(), Duration::from_millis(100 + 150 + 9000));
}

#[tokio::test(start_paused = true)]
async fn the_documented_loop_looks_30_times() {
    let begin = Instant::now();
    let error = wait(|_| status("STARTED")).schedule(PollSchedule::documented()).await.unwrap_err();
    insta::assert_snapshot!(error, @"the run r has not ended after 30 polls in 300.0 s; it was STARTED when last seen");
    assert_eq!(begin.elapsed(), Duration::from_secs(300));
    let last = wait(|n| if n < 30 { status("STARTED") } else { status("COMPLETED") });
    last.schedule(PollSchedule::documented()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_webhook_ends_it_at_once() {
    let begin = Instant::now();
    let hub = WebhookHub::new();
    let waiting = wait(|n| if n == 1 { status("STARTED") } else { status("COMPLETED") })
        .schedule(PollSchedule::fixed(Duration::from_secs(600)))
        .webhooks(&hub);
    let told = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(hub.tell(&RunId::parse("r").unwrap()), 1);
    };
    let (run, ()) = tokio::join!(waiting.into_future(), told);
    assert_eq!(
        (run.unwrap().status(), begin.elapsed()),
        (Some(RunStatus::Completed), Duration::from_secs(2))
    );
}

#[tokio::test(start_paused = true)]
async fn earlier_runs_say_when_to_look() {
    let begin = Mutex::new(Instant::now());
    let looks = Arc::new(Mutex::new(0_u32));
    let counted = Arc::clone(&looks);
    let begun = Arc::new(begin);
    let of = Arc::clone(&begun);
    let (client, _) = fake::client_with(
        |builder| builder.capabilities(Capabilities::none()),
        move |request| {
            if request.method() == http::Method::POST {
                *of.lock().unwrap() = Instant::now();
                return json(200, r#"{"id": "r"}"#);
            }
            *counted.lock().unwrap() += 1;
            if of.lock().unwrap().elapsed() < Duration::from_millis(20_100) {
                return status("STARTED");
            }
            json(
                200,
                r#"{"id": "r", "status": "COMPLETED", "created_at": "2026-01-01T00:00:00.000Z", "completed_at": "2026-01-01T00:00:20.100Z"}"#,
            )
        },
    );
    let workflow = client.workflow(WorkflowId::parse("w").unwrap());
    let mut seen = Vec::new();
    for _ in 0..4 {
        *looks.lock().unwrap() = 0;
        let prompt = comfyicu_model::Prompt::parse(fake::PROMPT.as_bytes()).unwrap();
        workflow.run(prompt).await.unwrap().wait().await.unwrap();
        let late = begun.lock().unwrap().elapsed().saturating_sub(Duration::from_millis(20_100));
        seen.push((late, *looks.lock().unwrap()));
    }
    let (first, rest) = seen.split_first().unwrap();
    assert!(first.0 <= Duration::from_millis(1100) && first.1 <= 23, "{seen:?}");
    assert!(rest.iter().all(|(late, looks)| *late <= Duration::from_millis(500) && *looks <= 20), "{seen:?}");
}

/// A server that tells of changes: `streams` are what its event streams hold, and the run has ended when it is
/// looked at for the n-th time.
fn telling(streams: Vec<&'static str>, over_at: usize) -> (Client, fake::Seen) {
    let (streams, looks) = (Mutex::new(streams.into_iter()), Mutex::new(0));
    let reply = move |request: Request| -> Result<Response, TransportError> {
        if !request.uri().path().ends_with("/events") {
            let mut looks = looks.lock().unwrap();
            *looks += 1;
            return status(if *looks >= over_at { "COMPLETED" } else { "STARTED" });
        }
        assert_eq!(request.headers()["accept"], "text/event-stream");
        let Some(text) = streams.lock().unwrap().next() else { return json(503, "") };
        let cut = text.ends_with("CUT");
        let parts = stream::iter([Ok(text.trim_end_matches("CUT").into())]);
        let rest = if cut { stream::empty().left_stream() } else { stream::pending().right_stream() };
        let mut response = Response::new(ResponseBody::from_stream(parts.chain(rest)));
        response.headers_mut().insert("content-type", "text/event-stream; charset=utf-8".parse().unwrap());
        Ok(response)
    };
    fake::client_with(|builder| builder.capabilities(Capabilities::of([Extension::Events])), reply)
}

const QUEUED: &str = "id: 1\nevent: queued\ndata: {\"status\": \"QUEUED\", \"position\": 0}\n\n";
const ENDED: &str = "id: 3\nevent: completed\ndata: {\"status\": \"COMPLETED\"}\n\n";

#[tokio::test(start_paused = true)]
async fn where_the_server_tells_it_is_looked_at_when_it_has_ended() {
    let begin = Instant::now();
    let (client, seen) = telling(vec![ENDED], 2);
    handle(&client).wait().await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(5));
    insta::assert_snapshot!(seen.lines().join("\n"), @"
    GET http://server:8000/api/v1/workflows/w/runs/r [key]
    GET http://server:8000/api/v1/workflows/w/runs/r/events [key]
    GET http://server:8000/api/v1/workflows/w/runs/r [key]
    ");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_goes_on_where_it_was() {
    let cut = concat!("id: 1\nevent: queued\ndata: {\"status\": \"QUEUED\", \"position\": 0}\n\n", "CUT");
    let (client, seen) = telling(vec![cut, ENDED], usize::MAX);
    let mut events = handle(&client).events().max_wait(Duration::from_secs(20)).stream();
    let mut kinds = Vec::new();
    let error = loop {
        match events.try_next().await {
            Ok(Some(event)) => kinds.push(format!("{:?}", event.kind)),
            Ok(None) => panic!("the run never ends"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, WaitError::GaveUp(_)));
    insta::assert_snapshot!(kinds.join("\n"), @"
    Status { status: Queued, position: Some(0) }
    Status { status: Started, position: None }
    ");
    let lines = seen.lines();
    let opened: Vec<&String> = lines.iter().filter(|line| line.contains("/events")).collect();
    assert!(opened.len() == 2 && opened[1].ends_with("/events [key] [after 1]"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn events_come_in_order_and_end_with_the_run() {
    let node =
        "event: node\ndata: {\"node_id\": \"3\", \"class_type\": \"K\", \"done\": 0, \"total\": 2}\n\n";
    let all: &'static str =
        [QUEUED, ": heartbeat\n\n", node, "event: odd\ndata: {}\n\n", "data: junk\n\n", ENDED]
            .concat()
            .leak();
    let (client, _) = telling(vec![all], 1);
    let show = |event: Result<RunEvent, WaitError>| match event.unwrap().kind {
        RunEventKind::Ended(run) => format!("Ended {:?}", run.status()),
        kind => format!("{kind:?}"),
    };
    let events: Vec<String> = handle(&client).events().stream().map(show).collect().await;
    insta::assert_snapshot!(events.join("\n"), @r#"
    Status { status: Queued, position: Some(0) }
    Node { node_id: "3", class_type: "K", done: 0, total: 2 }
    Other { name: "odd", data: {} }
    Ended Some(Completed)
    "#);
}

#[tokio::test(start_paused = true)]
async fn without_a_stream_it_is_looked_at() {
    for (code, body) in [(404, ""), (501, ""), (200, "<html>")] {
        let looks = Mutex::new(0);
        let (client, _) = fake::client_with(
            |builder| builder.capabilities(Capabilities::of([Extension::Events])),
            move |request| {
                if request.uri().path().ends_with("/events") {
                    return json(code, body);
                }
                *looks.lock().unwrap() += 1;
                if *looks.lock().unwrap() < 5 { status("STARTED") } else { status("COMPLETED") }
            },
        );
        let begin = Instant::now();
        handle(&client).wait().await.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(7), "{code}: {:?}", begin.elapsed());
    }
}
