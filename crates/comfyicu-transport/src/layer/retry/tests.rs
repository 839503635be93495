//! Repeated attempts on a scripted transport, on a paused clock.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::stream;
use http::StatusCode;

use super::*;
use crate::TransportErrorKind;
use crate::testing::{answers, get, post};

type Reply = Result<Response, TransportError>;

/// A layer around a transport whose n-th answer is `reply(n)`, and how often that was asked.
fn retry(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Retry, Arc<Mutex<usize>>) {
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let inner = answers(move |_| {
        let mut count = counted.lock().unwrap();
        *count += 1;
        reply(*count)
    });
    (Retry::new(Arc::new(inner), RetryPolicy::default()), count)
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a transport gives")]
fn status(code: u16) -> Reply {
    let mut response = Response::new(ResponseBody::from("body"));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    Ok(response)
}

fn broken(kind: TransportErrorKind) -> Reply {
    Err(TransportError::new(kind, "boom"))
}

#[tokio::test(start_paused = true)]
async fn a_get_is_repeated_until_it_is_answered() {
    let (layer, count) = retry(|n| match n {
        1 => broken(TransportErrorKind::Interrupted),
        2 => status(502),
        _ => status(200),
    });
    let response = layer.send(get("http://h/")).await.unwrap();
    assert_eq!((response.status().as_u16(), *count.lock().unwrap()), (200, 3));
    let outcomes: Vec<_> =
        Attempts::of(&response).iter().map(|attempt| attempt.outcome.to_string()).collect();
    assert_eq!(outcomes, ["the connection broke", "502 Bad Gateway", "200 OK"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_error_says_what_was_tried() {
    let begin = Instant::now();
    let (layer, count) = retry(|_| broken(TransportErrorKind::Connect));
    let error = layer.send(post("http://h/", "x")).await.unwrap_err();
    assert_eq!((error.attempts().len(), *count.lock().unwrap()), (4, 4));
    assert!(!error.may_have_been_sent());
    assert!(error.to_string().starts_with("no connection, in 4 attempts over "), "{error}");
    assert!(begin.elapsed() <= Duration::from_millis(1750));

    let (layer, _) = retry(|_| status(503));
    let response = layer.send(get("http://h/")).await.unwrap();
    assert_eq!((response.status().as_u16(), Attempts::of(&response).len()), (503, 4));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_not_asked_for_again() {
    for reply in [|| broken(TransportErrorKind::Timeout), || status(500), || status(503)] {
        let (layer, count) = retry(move |_| reply());
        layer.send(post("http://h/", "x")).await.ok();
        assert_eq!(*count.lock().unwrap(), 1);
        let mut known = post("http://h/", "x");
        known.extensions_mut().insert(Repeat::Freely);
        layer.send(known).await.ok();
        assert_eq!(*count.lock().unwrap(), 5, "unless the server knows it again");
    }
}

#[tokio::test(start_paused = true)]
async fn one_sent_earlier_counts_when_a_later_one_was_not() {
    let (layer, _) =
        retry(|n| broken(if n == 1 { TransportErrorKind::Timeout } else { TransportErrorKind::Connect }));
    let error = layer.send(get("http://h/")).await.unwrap_err();
    assert!(error.kind() == TransportErrorKind::Connect && error.may_have_been_sent());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_time_is_left_alone() {
    let begin = Instant::now();
    let busy = || {
        let mut response = status(429)?;
        response.headers_mut().insert("retry-after", "7".parse().unwrap());
        Ok(response)
    };
    let (layer, _) = retry(move |n| if n == 1 { busy() } else { status(200) });
    assert!(layer.send(post("http://h/", "x")).await.unwrap().status().is_success());
    assert_eq!(begin.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_fetched_again_where_it_is_wanted_whole() {
    let cut = || {
        let error = TransportError::new(TransportErrorKind::Interrupted, "cut");
        Ok(Response::new(ResponseBody::from_stream(stream::iter([Ok("ha".into()), Err(error)]))))
    };
    let (layer, count) = retry(move |n| if n == 1 { cut() } else { status(200) });
    let mut request = get("http://h/");
    request.extensions_mut().insert(WholeBody(9));
    let body = layer.send(request).await.unwrap().into_body().collect(9).await.unwrap();
    assert_eq!((&*body, *count.lock().unwrap()), (&b"body"[..], 2));
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_is_asked_once_a_request_in_the_end() {
    let (layer, count) = retry(|_| status(503));
    for _ in 0..100 {
        layer.clone().send(get("http://h/")).await.unwrap();
    }
    assert_eq!(*count.lock().unwrap(), 100 + 20, "the store had 20");
}
