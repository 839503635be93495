//! Uploads: whole or not at all, each kept once.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream;

use super::*;

/// All files that uploads left.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn blobs(server: &Server) -> Vec<PathBuf> {
    files(&server.folder.path().join("blobs"))
}

fn chunks(parts: Vec<Result<&'static str, std::io::Error>>) -> Body {
    Body::from_stream(stream::iter(parts.into_iter().map(|part| part.map(Bytes::from))))
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::start(&[]).await;
    let broken = || Err(std::io::Error::other("the connection broke"));
    let answer = server.post("/api/v1/uploads", chunks(vec![Ok("half of "), broken()])).await;
    assert_eq!(
        (answer.status, answer.error_code().as_deref()),
        (StatusCode::BAD_REQUEST, Some("bad_request"))
    );
    assert_eq!(blobs(&server), Vec::<PathBuf>::new());

    let form = "--B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nhalf of ";
    let (mut head, body) = request(Method::POST, "/api/v1/uploads", form.into()).into_parts();
    head.headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=B".parse().unwrap());
    let answer = server.send(Request::from_parts(head, body)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert_eq!(blobs(&server), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn an_upload_whose_sender_goes_away_leaves_nothing() {
    let server = Server::start(&[]).await;
    let (seen, wait) = tokio::sync::oneshot::channel::<()>();
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from("half of "))]);
    let never = stream::once(async move {
        let _nobody = seen.send(());
        std::future::pending::<Result<Bytes, std::io::Error>>().await
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, never));
    let uploading = server.post("/api/v1/uploads", body);
    tokio::select! {
        answer = uploading => panic!("{}", answer.text()),
        begun = wait => begun.unwrap(),
    }
    assert_eq!(blobs(&server), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn the_same_bytes_are_kept_once_however_many_send_them() {
    let server = Server::start(&[]).await;
    let uploads = (0..8).map(|at| {
        let parts = if at % 2 == 0 { vec![Ok("the same")] } else { vec![Ok("the "), Ok(""), Ok("same")] };
        server.post("/api/v1/uploads", chunks(parts))
    });
    let answers = futures_util::future::join_all(uploads).await;
    let digest = Sha256Hex::of(b"the same");
    for answer in &answers {
        let uploaded = answer.json().as_object().unwrap().clone();
        assert_eq!(uploaded.get_str("sha256"), Some(digest.as_str()));
        assert!(uploaded.get_str("url").unwrap().ends_with(&format!("/api/v1/uploads/{}", digest.as_str())));
    }
    assert_eq!(blobs(&server).len(), 1, "{:?}", blobs(&server));
}

#[tokio::test]
async fn what_is_no_upload_is_refused_with_a_reason() {
    let server = Server::start(&[]).await;
    let form = "--B\r\ncontent-disposition: form-data; name=\"f\"\r\n\r\nno file\r\n--B--\r\n";
    let (mut head, body) = request(Method::POST, "/api/v1/uploads", form.into()).into_parts();
    head.headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=B".parse().unwrap());
    let answer = server.send(Request::from_parts(head, body)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().contains("the form has no file"), "{}", answer.text());
    let digest = Sha256Hex::of(b"x");
    for path in ["..%2F..%2Fruns.db", "", "zz", &digest.as_str()[1..]] {
        let answer =
            server.send(request(Method::HEAD, &format!("/api/v1/uploads/{path}"), Body::empty())).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let empty = server.post("/api/v1/uploads", "").await;
    assert_eq!(empty.json().as_object().unwrap().get("size"), Some(&Value::from(0_u64)));
}
