//! Definitions from scripted servers.

use comfyicu_transport::{Request, Response, TransportError};

use super::*;
use crate::fake::{self, Seen, chain, json};

const DEFINITIONS: &str = r#"{"LoadImage": {"input": {"required": {}}, "output": ["IMAGE", "MASK"]}}"#;

/// A world in which the definitions are at one path of whatever host, and everything else is `other`.
fn world(path: &'static str, other: (u16, &'static str)) -> (Client, Seen) {
    let reply = move |request: Request| -> Result<Response, TransportError> {
        if request.uri().path() == path { json(200, DEFINITIONS) } else { json(other.0, other.1) }
    };
    fake::client(reply)
}

async fn ask(client: &Client, server: &str) -> Result<ObjectInfo, Error> {
    client.object_info_of(&Url::parse(server).unwrap()).await
}

#[tokio::test]
async fn the_own_service_is_asked_where_it_has_them_with_the_key() {
    let (client, seen) = world("/api/v1/object_info", (404, ""));
    let object_info = client.object_info().await.unwrap();
    assert_eq!(object_info.class_types().collect::<Vec<_>>(), ["LoadImage"]);
    assert_eq!(seen.lines(), ["GET http://server:8000/api/v1/object_info [key]"]);
}

#[tokio::test]
async fn another_server_never_gets_the_key() {
    let (client, seen) = world("/object_info", (404, ""));
    ask(&client, "http://comfyui:8188").await.unwrap();
    ask(&client, "http://comfyui:8188/object_info?client=me").await.unwrap();
    ask(&client, "http://server:8001/").await.unwrap();
    insta::assert_snapshot!(seen.lines().join("\n"), @"
    GET http://comfyui:8188/object_info
    GET http://comfyui:8188/object_info?client=me
    GET http://server:8001/object_info
    ");
}

#[tokio::test]
async fn a_comfyui_and_a_server_of_the_api_are_both_found() {
    // A single-page application answers every path with its page.
    for other in [(404, "{}"), (200, "<!doctype html>"), (200, r#"{"error": "no such page"}"#)] {
        let (client, seen) = world("/api/v1/object_info", other);
        ask(&client, "http://elsewhere:8288/").await.unwrap();
        let [first, second] = &seen.lines()[..] else { panic!("two requests: {:?}", seen.lines()) };
        assert_eq!(first, "GET http://elsewhere:8288/object_info");
        assert_eq!(second, "GET http://elsewhere:8288/api/v1/object_info");
    }
    let (client, _) = world("/comfy/object_info", (404, ""));
    ask(&client, "http://gateway/comfy/").await.unwrap();
}

#[tokio::test]
async fn where_there_are_none_the_places_are_named() {
    let (client, _) = world("/nowhere", (404, ""));
    let error = ask(&client, "http://comfyui:8188/?token=sekrit").await.unwrap_err();
    assert!(error.is_not_found());
    insta::assert_snapshot!(error, @"there are no node definitions at http://comfyui:8188/object_info or http://comfyui:8188/api/v1/object_info");
    let error = client.object_info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let (client, seen) = fake::hosted_client(|_| json(200, DEFINITIONS));
    let error = client.object_info().await.unwrap_err();
    assert_eq!((error.kind(), seen.lines().len()), (ErrorKind::Unsupported, 0));
    insta::assert_snapshot!(error, @"the hosted service does not tell its node definitions: take those of a ComfyUI");
}

#[tokio::test]
async fn a_client_of_the_hosted_service_asks_a_comfyui_without_any_key() {
    let (client, seen) = fake::hosted_client(|_| json(200, DEFINITIONS));
    ask(&client, "http://127.0.0.1:8188").await.unwrap();
    assert_eq!(seen.lines(), ["GET http://127.0.0.1:8188/object_info"]);
}

#[tokio::test]
async fn other_failures_are_those_of_the_server_that_was_asked() {
    let (client, seen) = world("/nowhere", (401, ""));
    let error = ask(&client, "http://comfyui:8188").await.unwrap_err();
    insta::assert_snapshot!(error, @"the service at http://comfyui:8188 wants an API key, and none was sent");
    assert_eq!(seen.lines().len(), 1, "what is refused is not asked for elsewhere");
    let (client, _) = world("/nowhere", (200, "<!doctype html>"));
    let error = ask(&client, "http://comfyui:8188").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    insta::assert_snapshot!(chain(&error), @"no node definitions are at this address: it should be that of a ComfyUI or of a server: GET http://comfyui:8188/object_info should have answered node definitions, but what arrived is an HTML page");
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_without_repeating_it() {
    let (client, seen) = world("/object_info", (404, ""));
    for address in ["ftp://comfyui/", "http://me:sekrit@comfyui:8188/", "data:application/json,{}"] {
        let error = ask(&client, address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup);
        assert!(!error.to_string().contains("sekrit"));
    }
    assert_eq!(seen.lines().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn definitions_are_got_once_in_a_while_and_shared() {
    let (client, seen) = world("/api/v1/object_info", (404, ""));
    let clone = client.clone();
    let (one, other) = tokio::join!(client.cached_object_info(), clone.cached_object_info());
    assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
    assert_eq!(seen.lines().len(), 1);
    tokio::time::advance(OBJECT_INFO_AGE).await;
    client.cached_object_info().await.unwrap();
    assert_eq!(seen.lines().len(), 2);
}

#[tokio::test]
async fn definitions_that_could_not_be_got_are_asked_for_again() {
    let (client, seen) = world("/nowhere", (404, ""));
    for _ in 0..2 {
        assert_eq!(client.cached_object_info().await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert!(seen.lines().len() >= 2);
}
