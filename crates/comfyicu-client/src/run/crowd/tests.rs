//! Many waits of one workflow on a scripted service, on a paused clock.

use comfyicu_transport::{Request, Response, ResponseBody, TransportError, TransportErrorKind};
use futures_util::future::join_all;
use futures_util::{FutureExt as _, stream};
use http::Method;

use super::*;
use crate::fake::{self, Seen, json};
use crate::run::{RunHandle, Wait, WaitError};
use crate::{Capabilities, ErrorKind};

type Reply = Result<Response, TransportError>;

const BEGIN: &str = "2026-01-01T00:00:00.000Z";

/// A client of a service without extensions: `list(n)` is its n-th list, and runs end after a while.
fn service(ends_after: Duration, list: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Client, Seen) {
    let (begin, lists) = (Instant::now(), Mutex::new(0));
    let set_up = |builder: crate::ClientBuilder| builder.capabilities(Capabilities::none());
    fake::client_with(set_up, move |request: Request| {
        assert_eq!(request.method(), Method::GET);
        if let Some((_, id)) = request.uri().path().rsplit_once("/runs/") {
            return json(200, &run(id, begin.elapsed() >= ends_after));
        }
        let mut lists = lists.lock().unwrap();
        *lists += 1;
        list(*lists)
    })
}

fn run(id: &str, has_ended: bool) -> String {
    let status = if has_ended { "COMPLETED" } else { "STARTED" };
    format!(
        r#"{{"id": "{id}", "status": "{status}", "created_at": "{BEGIN}", "data": "{}"}}"#,
        "x".repeat(2000)
    )
}

/// A list of these runs.
fn runs(ids: impl Iterator<Item = usize>, has_ended: bool) -> Reply {
    let runs: Vec<String> = ids.map(|id| run(&format!("r{id}"), has_ended)).collect();
    json(200, &format!("[{}]", runs.join(",")))
}

fn handle(client: &Client, id: usize) -> RunHandle {
    let ids = (WorkflowId::parse("w").unwrap(), RunId::parse(&format!("r{id}")).unwrap());
    // As if it had been submitted here.
    RunHandle::submitted(client.clone(), ids.0, ids.1)
}

fn waits(client: &Client, count: usize) -> Vec<Wait> {
    (0..count).map(|id| handle(client, id).wait()).collect()
}

async fn all(waits: Vec<Wait>) -> Vec<Result<Run, WaitError>> {
    join_all(waits.into_iter().map(IntoFuture::into_future)).await
}

/// How many requests were lists, and how many looks at one run.
fn counted(seen: &Seen) -> (usize, usize) {
    let lines = seen.lines();
    let lists = lines.iter().filter(|line| line.ends_with("/runs [key]")).count();
    (lists, lines.len() - lists)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_waits_ask_once_a_second() {
    let begin = Instant::now();
    let (client, seen) =
        service(Duration::MAX, move |_| runs((0..1000).rev(), begin.elapsed() >= Duration::from_secs(30)));
    let ended = all(waits(&client, 1000)).await;
    assert!(ended.iter().all(Result::is_ok));
    assert!(begin.elapsed() < Duration::from_millis(31_500), "{:?}", begin.elapsed());
    let (lists, looks) = counted(&seen);
    assert!(lists <= 31 && looks == 0, "{lists} lists, {looks} looks");
}

#[tokio::test(start_paused = true)]
async fn what_the_list_lacks_is_looked_at() {
    let begin = Instant::now();
    let ends = Duration::from_secs(10);
    let (client, seen) = service(ends, move |_| runs(0..90, begin.elapsed() >= ends));
    assert!(all(waits(&client, 100)).await.iter().all(Result::is_ok));
    let (lists, looks) = counted(&seen);
    assert!((5..=15).contains(&lists), "{lists} lists");
    assert!((60..=120).contains(&looks), "{looks} looks at the ten that no list has");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_other_runs_is_asked_for_once() {
    let (client, seen) = service(Duration::from_secs(20), |_| runs(5..400, false));
    assert!(all(waits(&client, 20)).await.iter().all(Result::is_ok));
    assert_eq!(counted(&seen).0, 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_list_each_is_looked_at() {
    for (status, body) in [(404, ""), (200, "<html>"), (401, "")] {
        let (client, seen) = service(Duration::from_secs(5), move |_| json(status, body));
        assert!(all(waits(&client, 20)).await.iter().all(Result::is_ok));
        let (lists, looks) = counted(&seen);
        assert!(lists == 1 && looks >= 80, "{status}: {lists} lists, {looks} looks");
    }
}

/// A list that begins and does not go on.
#[expect(clippy::unnecessary_wraps, reason = "it is what a transport gives")]
fn stuck() -> Reply {
    Ok(Response::new(ResponseBody::from_stream(stream::pending())))
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_while_it_asks_hurts_nobody() {
    let begin = Instant::now();
    let (client, _) = service(Duration::MAX, |n| if n == 1 { stuck() } else { runs(0..20, true) });
    let mut waits = waits(&client, 20);
    // The first is due first, and is in the middle of it when it is dropped.
    let first = tokio::time::timeout(Duration::from_millis(550), waits.remove(0).into_future());
    let others = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        all(waits).await
    };
    let (dropped, others) = tokio::join!(async { first.await.is_err() }, others);
    assert!(dropped && others.iter().all(Result::is_ok));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_not_polled_any_more_is_passed_over() {
    let begin = Instant::now();
    let (client, _) = service(Duration::MAX, |n| if n == 1 { stuck() } else { runs(0..20, true) });
    let mut waits = waits(&client, 20);
    let mut held = waits.remove(0).into_future();
    let mut others: Vec<_> = waits.into_iter().map(IntoFuture::into_future).collect();
    // All have sat down; the first asks, and is left alone with it.
    assert!((&mut held).now_or_never().is_none());
    assert!(others.iter_mut().all(|wait| wait.now_or_never().is_none()));
    tokio::time::advance(Duration::from_millis(500)).await;
    assert!((&mut held).now_or_never().is_none());
    assert!(join_all(others).await.iter().all(Result::is_ok));
    assert!(begin.elapsed() < PATIENCE + Duration::from_secs(2), "{:?}", begin.elapsed());
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_away_is_asked_once_a_second_and_given_up_by_all() {
    let begin = Instant::now();
    let refused = || Err(TransportError::new(TransportErrorKind::Connect, "refused"));
    let away = Duration::from_secs(5);
    let set_up = |builder: crate::ClientBuilder| builder.capabilities(Capabilities::none());
    let (client, seen) =
        fake::client_with(
            set_up,
            move |_| {
                if begin.elapsed() < away { runs(0..100, false) } else { refused() }
            },
        );
    let ended = all(waits(&client, 100)).await;
    for ended in &ended {
        assert!(matches!(ended, Err(WaitError::Request(error)) if error.kind() == ErrorKind::Transport));
    }
    let elapsed = begin.elapsed();
    // It was last seen well up to a second before.
    let bound = Duration::from_secs(4) + crate::POLL_FAILURE_TOLERANCE;
    assert!((bound..bound + Duration::from_secs(10)).contains(&elapsed), "{elapsed:?}");
    // At the end, each has its own answer.
    assert!(seen.lines().len() <= 75 + 100, "{}", seen.lines().len());
}

#[tokio::test(start_paused = true)]
async fn a_schedule_of_ones_own_is_kept() {
    let begin = Instant::now();
    let (client, seen) = service(Duration::from_secs(3), |_| json(500, ""));
    let waits = waits(&client, 20).into_iter();
    let waits = waits.map(|wait| wait.schedule(crate::PollSchedule::fixed(Duration::from_secs(1)))).collect();
    assert!(all(waits).await.iter().all(Result::is_ok));
    assert_eq!((counted(&seen), begin.elapsed()), ((0, 60), Duration::from_secs(3)));
}
