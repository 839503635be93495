//! Uploads to a scripted server.

use comfyicu_transport::{Response, TransportError};
use futures_util::TryStreamExt as _;

use super::*;
use crate::fake::{self, chain, json};

/// SHA-256 of `hello`.
const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn file(bytes: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, bytes).unwrap();
    file
}

fn server(head: u16, post: &'static str) -> (Client, fake::Seen) {
    let reply = move |method: &http::Method| -> Result<Response, TransportError> {
        match method.as_str() {
            "GET" => {
                json(200, r#"{"server": "comfyicu-server", "version": "0.1.0", "uploads": true, "more": 1}"#)
            }
            "HEAD" => json(head, ""),
            _ => json(200, post),
        }
    };
    fake::client(move |request| reply(request.method()))
}

const STORED: &str = r#"{"url": "http://public/api/v1/uploads/2cf2", "size": 5, "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}"#;

#[tokio::test]
async fn what_the_server_lacks_is_sent() {
    let (client, seen) = server(404, STORED);
    let file = file("hello");
    let uploaded = client.upload(file.path()).await.unwrap();
    assert_eq!(uploaded.url.as_str(), "http://public/api/v1/uploads/2cf2");
    assert_eq!((uploaded.sha256.as_str(), uploaded.size_bytes, uploaded.was_there), (SHA256, 5, false));
    client.upload(file.path()).await.unwrap();
    insta::assert_snapshot!(seen.lines().join("\n"), @"
    GET http://server:8000/api/v1/capabilities [key]
    HEAD http://server:8000/api/v1/uploads/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 [key]
    POST http://server:8000/api/v1/uploads [key] <5 bytes>
    HEAD http://server:8000/api/v1/uploads/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 [key]
    POST http://server:8000/api/v1/uploads [key] <5 bytes>
    ");
}

#[tokio::test]
async fn what_the_server_has_is_not() {
    let (client, seen) = server(200, "");
    let uploaded = client.upload(file("hello").path()).await.unwrap();
    assert_eq!(uploaded.url.as_str(), format!("http://server:8000/api/v1/uploads/{SHA256}"));
    assert!(uploaded.was_there);
    assert_eq!(seen.lines().len(), 2);
    assert_eq!(client.capabilities().await.unwrap().server(), Some("comfyicu-server"));
}

#[tokio::test]
async fn what_the_server_has_is_where_it_says() {
    let (client, _) = fake::client(|request| {
        if request.method() == http::Method::GET {
            return json(200, r#"{"uploads": true}"#);
        }
        let mut response = json(200, "")?;
        response.headers_mut().insert("location", "http://public/api/v1/uploads/2cf2".parse().unwrap());
        Ok(response)
    });
    let uploaded = client.upload(file("hello").path()).await.unwrap();
    assert_eq!(uploaded.url.as_str(), "http://public/api/v1/uploads/2cf2");
}

#[tokio::test]
async fn where_there_are_no_uploads_the_error_says_what_to_do() {
    let file = file("hello");
    let (hosted, seen) = fake::hosted_client(|_| json(200, "{}"));
    let error = hosted.upload(file.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    insta::assert_snapshot!(error, @"the hosted service takes files by URL only: put the file where a public URL leads to it, and give that URL");
    assert!(seen.lines().is_empty(), "the hosted service need not be asked");

    for reply in [(404, "<html>"), (200, "<html>"), (200, r#"{"uploads": false}"#)] {
        let (client, _) = fake::client(move |_| json(reply.0, reply.1));
        let error = client.upload(file.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"the service at http://server:8000 does not accept uploads: put the file where a URL leads to it, and give that URL"); }
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_asked_again() {
    let (client, seen) = fake::client(|_| json(503, ""));
    for _ in 0..2 {
        assert!(client.upload(file("hello").path()).await.unwrap_err().is_unreachable());
    }
    assert_eq!(seen.lines().len(), 2);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_before_anything_is_sent() {
    let (client, seen) = server(404, STORED);
    let mut texts = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none.png"), folder.path().to_path_buf()] {
        let error = client.upload(path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadFile);
        texts.push(chain(&error).replace(&folder.path().display().to_string(), "DIR"));
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    `DIR/none.png` cannot be read: No such file or directory (os error 2)
    `DIR` cannot be read: it is not a regular file
    ");
    assert!(seen.lines().is_empty());
}

#[tokio::test]
async fn the_body_is_the_file_and_a_change_is_noticed() {
    let file = file("hello");
    let source = Source::open(file.path().to_path_buf()).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let observer = Arc::new(Mutex::new(move |at: UploadProgress| log.lock().unwrap().push(at.bytes)));
    let body = source.to_body(observer);
    let bytes: Vec<bytes::Bytes> = body.open().try_collect().await.unwrap();
    assert_eq!(bytes.concat(), b"hello");
    assert_eq!(seen.lock().unwrap().last(), Some(&5));

    for other in ["hell", "hello!"] {
        std::fs::write(&file, other).unwrap();
        assert!(body.open().try_collect::<Vec<_>>().await.is_err());
    }
    let (client, _) = server(404, r#"{"url": "http://public/x", "sha256": "00"}"#);
    let error = client.upload(file.path()).await.unwrap_err();
    assert!(
        error.to_string().ends_with("changed while it was uploaded: again, when it is complete"),
        "{error}"
    );
}
