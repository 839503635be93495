//! The events of a workflow from scripted servers, on a paused clock.

use std::sync::Mutex;

use comfyicu_model::WorkflowId;
use comfyicu_transport::{Response, ResponseBody, TransportError};

use super::*;
use crate::fake::{self, json};
use crate::{Capabilities, Client};

type Reply = Result<Response, TransportError>;

fn events(client: &Client) -> WorkflowEvents {
    client.workflow(WorkflowId::parse("w").unwrap()).events()
}

/// A stream of events that stays open, or breaks off.
#[expect(clippy::unnecessary_wraps, reason = "it is what a transport gives")]
fn telling(text: &'static str, breaks_off: bool) -> Reply {
    let rest = if breaks_off { stream::empty().left_stream() } else { stream::pending().right_stream() };
    let mut response = Response::new(ResponseBody::from_stream(stream::iter([Ok(text.into())]).chain(rest)));
    response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    Ok(response)
}

/// A server that tells, whose n-th answer is `reply(n)`.
fn server(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Client, fake::Seen) {
    let count = Mutex::new(0);
    let set_up = |builder: crate::ClientBuilder| builder.capabilities(Capabilities::of([Extension::Events]));
    fake::client_with(set_up, move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        reply(*count)
    })
}

const FIRST: &str = "id: 7\nevent: queued\ndata: {\"run_id\": \"a\", \"status\": \"QUEUED\"}\n\n\
                     event: progress\ndata: {\"run_id\": \"a\", \"node_id\": \"3\", \"value\": 1, \"max\": 2}\n\n";
const SECOND: &str = "id: 8\nevent: completed\ndata: {\"run_id\": \"a\", \"status\": \"COMPLETED\"}\n\n";

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_goes_on_after_the_last_change() {
    let (client, seen) = server(|n| match n {
        1 => telling(FIRST, true),
        2 => json(503, ""),
        _ => telling(SECOND, false),
    });
    let mut stream = events(&client).after("5").stream();
    let mut told = Vec::new();
    while told.len() < 3 {
        let WorkflowEvent { event, id } = stream.try_next().await.unwrap().unwrap();
        told.push(format!("{} {} {:?}", event.run_id().unwrap(), event.kind(), id.unwrap()));
    }
    assert_eq!(told, ["a queued \"7\"", "a progress \"7\"", "a completed \"8\""]);
    insta::assert_snapshot!(seen.lines().join("\n"), @"
    GET http://server:8000/api/v1/workflows/w/events [key] [after 5]
    GET http://server:8000/api/v1/workflows/w/events [key] [after 7]
    GET http://server:8000/api/v1/workflows/w/events [key] [after 7]
    ");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_away_ends_the_stream_in_time() {
    let (client, _) = server(|n| if n == 1 { telling(FIRST, true) } else { json(503, "") });
    let mut stream = events(&client).tolerance(Duration::from_secs(20)).stream();
    stream.try_next().await.unwrap();
    stream.try_next().await.unwrap();
    let begin = Instant::now();
    let error = stream.try_next().await.unwrap_err();
    assert_eq!((error.kind(), begin.elapsed()), (ErrorKind::Server, Duration::from_secs(20)));
    insta::assert_snapshot!(fake::chain(&error), @"the events of the workflow w have stayed away for 20 s: GET http://server:8000/api/v1/workflows/w/events answered 503 Service Unavailable");
    assert!(stream.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn what_does_not_pass_ends_it_at_once() {
    for (code, kind) in
        [(401, ErrorKind::Unauthorized), (404, ErrorKind::NotFound), (200, ErrorKind::Protocol)]
    {
        let (client, _) = server(move |_| json(code, ""));
        assert_eq!(events(&client).stream().try_next().await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn the_hosted_service_tells_nothing_and_is_not_asked() {
    let (client, seen) = fake::hosted_client(|_| json(200, "[]"));
    let error = events(&client).stream().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    insta::assert_snapshot!(error, @"the service at https://comfy.icu does not tell what happens: look at the list of runs now and then");
    assert!(seen.lines().is_empty());
}
