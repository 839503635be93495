//! Recording and playing.

use std::sync::Arc;

use http::header::AUTHORIZATION;

use super::*;
use crate::testing::{answers, get, post};
use crate::{HttpTransport as _, Request, Response, TransportError, TransportErrorKind};

const BODY: &str = r#"{"prompt":{"3":{"inputs":{"seed":18446744073709551616,"steps":20}}}}"#;

fn request(body: &'static str) -> Request {
    let mut request = post("https://h/api/v1/workflows/w/runs?token=secret-query", body);
    request.headers_mut().insert(AUTHORIZATION, "Bearer secret-key".parse().unwrap());
    request.headers_mut().insert("accept", "application/json".parse().unwrap());
    request
}

/// A cassette with a submit, a picture and a failure.
async fn recorded() -> Cassette {
    let inner = answers(|request| match request.uri().path() {
        "/picture" => Ok(Response::new(vec![0x89, 0xFF].into())),
        "/broken" => Err(TransportError::new(TransportErrorKind::Interrupted, "cut")),
        _ => {
            let mut response =
                Response::new(r#"{"id": "r", "url": "http://h/x?sig=secret-sig", "n": 1.0}"#.into());
            response.headers_mut().insert("set-cookie", "a=secret-cookie".parse().unwrap());
            response.headers_mut().insert("content-type", "application/json".parse().unwrap());
            Ok(response)
        }
    });
    let recorder = Recorder::new(Arc::new(inner)).secret("secret-word");
    recorder.send(request(BODY)).await.unwrap();
    recorder.send(get("http://h/picture?q=secret-word")).await.unwrap();
    recorder.send(get("http://h/broken")).await.unwrap_err();
    recorder.cassette()
}

#[tokio::test]
async fn a_cassette_is_readable_and_holds_no_secret() {
    let cassette = recorded().await;
    assert_eq!(cassette.len(), 3);
    let json = cassette.to_json().unwrap();
    assert!(!json.contains("secret"), "{json}");
    insta::assert_snapshot!(json, @r#"
    {
      "version": 1,
      "exchanges": [
        {
          "request": {
            "method": "POST",
            "url": "https://h/api/v1/workflows/w/runs?token=[scrubbed]",
            "headers": {
              "accept": "application/json",
              "authorization": "[scrubbed]"
            },
            "body": {
              "json": {"prompt":{"3":{"inputs":{"seed":18446744073709551616,"steps":20}}}}
            }
          },
          "response": {
            "status": 200,
            "headers": {
              "content-type": "application/json",
              "set-cookie": "[scrubbed]"
            },
            "body": {
              "json": {"id": "r", "url": "http://h/x?sig=[scrubbed]", "n": 1.0}
            }
          }
        },
        {
          "request": {
            "method": "GET",
            "url": "http://h/picture?q=[scrubbed]",
            "headers": {}
          },
          "response": {
            "status": 200,
            "headers": {},
            "body": {
              "base64": "if8="
            }
          }
        },
        {
          "request": {
            "method": "GET",
            "url": "http://h/broken",
            "headers": {}
          },
          "failure": "interrupted"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn what_was_recorded_is_played_to_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cassette.json");
    recorded().await.write(&file).unwrap();
    let replay = Replay::read(&file).unwrap().secret("secret-word");
    let response = replay.send(request(BODY)).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = response.into_body().collect(999).await.unwrap();
    assert_eq!(body, r#"{"id": "r", "url": "http://h/x?sig=[scrubbed]", "n": 1.0}"#);
    let picture = replay.send(get("http://h/picture?q=secret-word")).await.unwrap();
    assert_eq!(*picture.into_body().collect(9).await.unwrap(), [0x89, 0xFF]);
    let error = replay.send(get("http://h/broken")).await.unwrap_err();
    assert_eq!((error.kind(), replay.left()), (TransportErrorKind::Interrupted, 0));
}

#[tokio::test]
async fn the_first_difference_is_shown() {
    let cassette = recorded().await;
    let ask = async |request| {
        let error = Replay::new(cassette.clone()).send(request).await.unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    };
    let mut texts = vec![
        ask(get("https://h/api/v1/workflows/w/runs")).await,
        ask(post("https://h/api/v1/workflows/other/runs?token=x", BODY)).await,
        ask(post("https://h/api/v1/workflows/w/runs?token=x", BODY)).await,
    ];
    for body in [
        r#"{"prompt":{"3":{"inputs":{"seed":18446744073709551616,"steps":21}}}}"#,
        r#"{"prompt":{"3":{"inputs":{"seed":18446744073709551617,"steps":20}}}}"#,
        r#"{"prompt":{"3":{"inputs":{"seed":18446744073709551616}}}}"#,
        "no JSON",
    ] {
        texts.push(ask(request(body)).await);
    }
    let played = Replay::new(Cassette::new());
    texts.push(
        std::error::Error::source(&played.send(get("http://h/")).await.unwrap_err()).unwrap().to_string(),
    );
    insta::assert_snapshot!(texts.join("\n"), @"
    exchange 1: the method was `POST`, and is `GET`
    exchange 1: the URL was `https://h/api/v1/workflows/w/runs?token=[scrubbed]`, and is `https://h/api/v1/workflows/other/runs?token=[scrubbed]`
    exchange 1: the header `accept` is missing
    exchange 1: $.prompt.3.inputs.steps in the body was `20`, and is `21`
    exchange 1: the body has another number than was recorded
    exchange 1: the body lacks $.prompt.3.inputs.steps
    exchange 1: the body was JSON, and is text
    all 0 exchanges are played; more: GET http://h/
    ");

    let reordered = r#"{"prompt": {"3": {"inputs": {"steps": 20, "seed": 18446744073709551616}}}}"#;
    Replay::new(cassette.clone()).send(request(reordered)).await.unwrap();
}

#[test]
fn what_is_no_cassette_is_refused() {
    assert!(matches!(Cassette::from_json(b"[]"), Err(CassetteError::Format(_))));
    let later = br#"{"version": 2, "exchanges": []}"#;
    assert!(matches!(Cassette::from_json(later), Err(CassetteError::Version(2))));
    assert!(matches!(Cassette::read("/nowhere"), Err(CassetteError::Io(_))));
}
