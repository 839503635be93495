//! What belongs to one owner is not there for another, and keys open what they are for.

use super::*;
use crate::keys::KeyLimits;

/// What the other owner is answered.
async fn other(server: &Server, method: Method, path: &str, body: impl Into<Body>) -> Answer {
    server.send(request_with(OTHER_KEY, method, path, body.into())).await
}

#[tokio::test]
async fn two_owners_have_workflows_of_the_same_id() {
    let server = Server::start(&[]).await;
    let ours = server.ended(&server.submit(&body(PROMPT)).await).await;
    let runs = "/api/v1/workflows/w1/runs";
    assert_eq!(other(&server, Method::GET, runs, "").await.text(), "[]");
    assert_eq!(other(&server, Method::GET, "/api/v1/workflows", "").await.text(), "[]");
    assert_eq!(other(&server, Method::GET, "/api/v1/workflows/w1", "").await.status, StatusCode::NOT_FOUND);
    let answer = other(&server, Method::POST, runs, body(PROMPT)).await;
    let theirs = Run::parse(&answer.body).unwrap();
    let listed = server.get(runs).await.json();
    assert_eq!(listed.as_array().map(<[_]>::len), Some(1));
    assert!(
        listed.to_json().contains(ours.id().as_str()) && !listed.to_json().contains(theirs.id().as_str())
    );
    let run = other(&server, Method::GET, &format!("{runs}/{}", theirs.id()), "").await.json();
    assert_eq!(run.as_object().unwrap().get_str("user_id"), Some("other"));
}

#[tokio::test]
async fn the_same_idempotency_key_of_two_owners_makes_two_runs() {
    let server = Server::start(&[]).await;
    let submit = async |key: &str| {
        let request = request_with(key, Method::POST, "/api/v1/workflows/w1/runs", Body::from(body(PROMPT)));
        let (mut head, body) = request.into_parts();
        head.headers.insert("idempotency-key", "once".parse().unwrap());
        Run::parse(&server.send(Request::from_parts(head, body)).await.body).unwrap().id().clone()
    };
    let (first, again, others) = (submit(KEY).await, submit(KEY).await, submit(OTHER_KEY).await);
    assert_eq!(first, again);
    assert_ne!(first, others);
}

#[tokio::test]
async fn an_upload_is_there_for_who_sent_it() {
    let server = Server::start(&[]).await;
    let answer = server.post("/api/v1/uploads", "bytes").await.json();
    let upload = answer.as_object().unwrap();
    let path = format!("/api/v1/uploads/{}", upload.get_str("sha256").unwrap());
    assert_eq!(server.send(request(Method::HEAD, &path, Body::empty())).await.status, StatusCode::OK);
    assert_eq!(other(&server, Method::HEAD, &path, "").await.status, StatusCode::NOT_FOUND);
    let url = upload.get_str("url").unwrap();
    let with_file = format!(r#"{{"prompt": {PROMPT}, "files": {{"/input/a.png": "{url}"}}}}"#);
    let check = "/api/v1/workflows/w1/runs?check=only";
    assert_eq!(server.post(check, with_file.clone()).await.status, StatusCode::OK);
    let refused = other(&server, Method::POST, check, with_file).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("file_not_uploaded"), "{}", refused.text());
    assert_eq!(other(&server, Method::POST, "/api/v1/uploads", "bytes").await.status, StatusCode::OK);
    assert_eq!(other(&server, Method::HEAD, &path, "").await.status, StatusCode::OK, "it sent them too");
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say() {
    let with = async |scopes: &'static str| {
        Server::start_on(&[], async move |store| {
            let key = KeyRecord {
                scopes: scopes.parse().unwrap(),
                ..KeyRecord::new("k3".to_owned(), Owner::local(), "narrow", crate::clock::now())
            };
            store.insert_key(&key, &Sha256Hex::of(b"cicu_narrow")).await.unwrap();
        })
        .await
    };
    for (scopes, looks, changes) in [("read", 200, 403), ("run", 403, 200), ("read,run", 200, 200)] {
        let server = with(scopes).await;
        let send = async |method: Method, body: String| {
            let path = "/api/v1/workflows/w1/runs";
            server.send(request_with("cicu_narrow", method, path, body.into())).await
        };
        let (list, create) = (send(Method::GET, String::new()).await, send(Method::POST, body(PROMPT)).await);
        assert_eq!((list.status.as_u16(), create.status.as_u16()), (looks, changes), "{scopes}");
        for answer in [list, create].iter().filter(|answer| answer.status == StatusCode::FORBIDDEN) {
            assert!(answer.text().contains(&format!("it has the scopes {scopes}")), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_key_that_has_ended_opens_nothing() {
    let server = Server::start_on(&[], async |store| {
        let now = crate::clock::now();
        let ended = KeyRecord {
            expires_at: Some(now),
            ..KeyRecord::new("k3".to_owned(), Owner::local(), "old", now)
        };
        store.insert_key(&ended, &Sha256Hex::of(b"cicu_old")).await.unwrap();
    })
    .await;
    let answer = server.send(request_with("cicu_old", Method::GET, "/api/v1/workflows", Body::empty())).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

/// A server with one more key, of the local owner, with limits.
async fn with_limits(limits: KeyLimits) -> Server {
    Server::start_on(&["--allow-host", "127.0.0.1"], async move |store| {
        let key = KeyRecord {
            limits,
            ..KeyRecord::new("k3".to_owned(), Owner::local(), "limited", crate::clock::now())
        };
        store.insert_key(&key, &Sha256Hex::of(b"cicu_limited")).await.unwrap();
    })
    .await
}

async fn limited(server: &Server, method: Method, path: &str, body: impl Into<Body>) -> Answer {
    server.send(request_with("cicu_limited", method, path, body.into())).await
}

#[tokio::test]
async fn a_key_sends_so_many_requests_and_is_told_when_to_go_on() {
    let server = with_limits(KeyLimits { requests_per_minute: Some(2), ..KeyLimits::default() }).await;
    let number = |answer: &Answer, name: &str| answer.headers[name].to_str().unwrap().parse::<u64>().unwrap();
    for left in [1, 0] {
        let answer = limited(&server, Method::GET, "/api/v1/workflows", "").await;
        assert_eq!((answer.status, number(&answer, "ratelimit-remaining")), (StatusCode::OK, left));
    }
    let refused = limited(&server, Method::GET, "/api/v1/workflows", "").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.error_code().as_deref(), Some("too_many_requests"));
    assert!((1..=30).contains(&number(&refused, "retry-after")), "{:?}", refused.headers);
    assert_eq!((number(&refused, "ratelimit-limit"), number(&refused, "ratelimit-remaining")), (2, 0));
    let other = server.get("/api/v1/workflows").await;
    assert_eq!(other.status, StatusCode::OK, "other keys have their own limits");
    assert!(!other.headers.contains_key("ratelimit-limit"));
}

#[tokio::test]
async fn a_key_has_so_many_runs_at_once() {
    let server = with_limits(KeyLimits { active_runs: Some(1), ..KeyLimits::default() }).await;
    let (_silent, stuck) = extensions::stuck_body();
    let runs = "/api/v1/workflows/w1/runs";
    let first = Run::parse(&limited(&server, Method::POST, runs, stuck).await.body).unwrap();
    let refused = limited(&server, Method::POST, runs, body(PROMPT)).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.error_code().as_deref(), Some("too_many_runs"));
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(server.post(runs, body(PROMPT)).await.status, StatusCode::OK, "another key has room");
    let cancel = format!("{runs}/{}/cancel", first.id());
    assert_eq!(limited(&server, Method::POST, &cancel, "").await.status, StatusCode::OK);
    assert_eq!(limited(&server, Method::POST, runs, body(PROMPT)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_without_time_left_is_told_so_and_what_it_had_stays_there() {
    let server = with_limits(KeyLimits { gpu_seconds: Some(0), ..KeyLimits::default() }).await;
    let refused = limited(&server, Method::POST, "/api/v1/workflows/w1/runs", body(PROMPT)).await;
    assert_eq!(refused.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(refused.error_code().as_deref(), Some("quota_spent"));
    let list = limited(&server, Method::GET, "/api/v1/workflows/w1/runs", "").await;
    assert_eq!((list.status, list.text().as_str()), (StatusCode::OK, "[]"));
}

#[tokio::test]
async fn places_in_lists_and_streams_do_not_tell_what_others_do() {
    let server = Server::start(&[]).await;
    let place = async || {
        server.submit(&body(PROMPT)).await;
        server.submit(&body(PROMPT)).await;
        let answer = server.get("/api/v1/workflows/w1/runs?limit=1").await;
        let link = answer.headers[header::LINK].to_str().unwrap().to_owned();
        let cursor = link.split("cursor=").nth(1).unwrap().split('>').next().unwrap().to_owned();
        u64::from_str_radix(&cursor, 16).unwrap()
    };
    let (first, second) = (place().await, place().await);
    assert!(first.abs_diff(second) > 1_000_000, "{first:x} {second:x}");
}
