//! What errors answer, and what they never show.

use std::error::Error as _;

use comfyicu_model::{OutputFile, Prompt, RunId, WorkflowId};
use comfyicu_transport::{Response, ResponseBody};
use http::header;

use super::*;
use crate::fake::{self, KEY, PROMPT, json};
use crate::{Capabilities, Client, Extension, RunHandle, SubmitRun, WaitError};

fn submit(client: &Client) -> SubmitRun {
    let prompt = Prompt::parse(PROMPT.as_bytes()).unwrap();
    client.workflow(WorkflowId::parse("w").unwrap()).run(prompt).search_time(Duration::ZERO)
}

fn handle(client: &Client) -> RunHandle {
    client.run(WorkflowId::parse("w").unwrap(), RunId::parse("r").unwrap())
}

fn plain(reply: impl Fn() -> Result<Response, TransportError> + Send + Sync + 'static) -> Client {
    fake::client_with(|builder| builder.capabilities(Capabilities::none()), move |_| reply()).0
}

/// What an error answers, for a submit and for a look.
async fn line(name: &str, client: &Client) -> String {
    let (of_submit, of_look) = (submit(client).await.unwrap_err(), handle(client).get().await.unwrap_err());
    assert_eq!(of_submit.kind(), of_look.kind());
    let all = [
        (of_look.is_retryable(), "retryable"),
        (of_look.is_auth(), "auth"),
        (of_look.is_not_found(), "not found"),
        (of_look.is_rejected(), "rejected"),
        (of_submit.may_have_been_applied(), "a submit may have been applied"),
        (of_look.may_have_been_applied(), "a look may have been applied"),
    ];
    let said: Vec<&str> = all.into_iter().filter_map(|(is, what)| is.then_some(what)).collect();
    format!("{name} {:?}: {}", of_look.kind(), said.join(", ")).trim_end().to_owned()
}

#[tokio::test]
async fn each_failure_says_what_the_caller_can_do() {
    let mut lines = Vec::new();
    for status in
        [301, 400, 401, 402, 403, 404, 408, 409, 410, 413, 418, 422, 425, 429, 500, 501, 502, 503, 504]
    {
        lines.push(line(&status.to_string(), &plain(move || json(status, ""))).await);
    }
    for kind in [
        TransportErrorKind::Connect,
        TransportErrorKind::Timeout,
        TransportErrorKind::Interrupted,
        TransportErrorKind::Body,
        TransportErrorKind::Blocked,
    ] {
        let client = plain(move || Err(TransportError::new(kind, "boom")));
        lines.push(line(&format!("{kind:?}"), &client).await);
    }
    lines.push(line("no run", &plain(|| json(200, "[]"))).await);
    insta::assert_snapshot!(lines.join("\n"), @"
    301 Moved:
    400 Rejected: rejected
    401 Unauthorized: auth
    402 InsufficientCredit:
    403 Unauthorized: auth
    404 NotFound: not found
    408 Server: retryable, a submit may have been applied
    409 Conflict:
    410 NotFound: not found
    413 Rejected: rejected
    418 Unexpected:
    422 Rejected: rejected
    425 Server: retryable
    429 RateLimited: retryable
    500 Server: retryable, a submit may have been applied
    501 Server: retryable, a submit may have been applied
    502 Server: retryable, a submit may have been applied
    503 Server: retryable, a submit may have been applied
    504 Server: retryable, a submit may have been applied
    Connect Transport: retryable
    Timeout Transport: retryable, a submit may have been applied
    Interrupted Transport: retryable, a submit may have been applied
    Body Protocol: a submit may have been applied
    Blocked Transport:
    no run Protocol: a submit may have been applied
    ");
}

/// An answer that repeats the key wherever it can.
#[expect(clippy::unnecessary_wraps, reason = "it is what a transport gives")]
fn echo(status: u16, body: String) -> Result<Response, TransportError> {
    let mut response = Response::new(ResponseBody::from(body));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, format!("https://elsewhere/?key={KEY}").parse().unwrap());
    headers.insert(header::LINK, format!("<https://elsewhere/{KEY}>; rel=\"next\"").parse().unwrap());
    headers.insert(header::CONTENT_TYPE, format!("text/plain; key={KEY}").parse().unwrap());
    Ok(response)
}

/// Every error that a client can be brought to by one answer.
async fn errors(client: &Client) -> Vec<Error> {
    let workflow = client.workflow(WorkflowId::parse("w").unwrap());
    let output = OutputFile::new("a", "http://server:8000/a".parse().unwrap(), "http://h/t".parse().unwrap());
    let mut errors = vec![
        submit(client).await.err(),
        handle(client).get().await.err(),
        handle(client).cancel().await.err(),
        client.workflows().await.err(),
        workflow.get().await.err(),
        workflow.runs().stream().try_next().await.err(),
        workflow.events().tolerance(Duration::from_millis(1)).stream().try_next().await.err(),
        client.object_info().await.err(),
        client.upload("Cargo.toml").await.err(),
        client.write_output(&output, &mut Vec::new()).await.err(),
    ];
    if let Err(WaitError::Request(error)) = handle(client).wait().tolerance(Duration::ZERO).await {
        errors.push(Some(error));
    }
    errors.into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn no_text_and_no_debug_holds_the_key() {
    let bodies = [
        format!("no such key: {KEY}"),
        format!("<html><title>{KEY}</title></html>"),
        format!(
            r#"{{"error": {{"code": "{KEY}", "message": "{KEY}", "request_id": "{KEY}", "details": [{{"code": "{KEY}", "message": "{KEY}"}}]}}}}"#
        ),
        format!(r#"{{"id": {{"{KEY}": 1}}}}"#),
    ];
    let mut seen = 0;
    for status in [200, 301, 400, 401, 404, 422, 429, 500, 503] {
        for body in bodies.clone() {
            let extensions =
                [Extension::Cancel, Extension::Events, Extension::Uploads, Extension::ObjectInfo];
            let (client, _) = fake::client_with(
                |builder| builder.capabilities(Capabilities::of(extensions)),
                move |_| echo(status, body.clone()),
            );
            let shown =
                format!("{client:?} {:?} {:?} {:?}", submit(&client), handle(&client), client.base_url());
            assert!(!shown.contains(KEY), "{shown}");
            for error in errors(&client).await {
                let sources = std::iter::successors(error.source(), |&source| source.source());
                let sources: Vec<String> = sources.map(|source| format!("{source} {source:?}")).collect();
                let shown = format!("{error} {error:?} {}", sources.join(" "));
                assert!(!shown.contains(KEY), "{status}: {shown}");
                seen += 1;
            }
        }
    }
    assert!(seen > 250, "only {seen} errors were looked at");
}
