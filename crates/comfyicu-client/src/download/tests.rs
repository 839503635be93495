//! Downloads from a scripted service.

use std::sync::{Arc, Mutex};

use comfyicu_transport::{Response, ResponseBody, TransportError, TransportErrorKind};
use futures_util::{StreamExt as _, stream};

use super::*;
use crate::fake::{self, chain};

const RUN: &str = r#"{"id": "r", "status": "COMPLETED", "output": [
    {"filename": "/workflows/w/output/r/sub/a_00001_.png", "url": "http://server:8000/a?sig=sekrit"},
    {"filename": "/workflows/w/output/r/b.txt", "url": "https://cdn.example.com/b"}]}"#;

type Reply = Result<Response, TransportError>;

#[expect(clippy::unnecessary_wraps, reason = "it is what a transport gives")]
fn body(text: &'static str) -> Reply {
    let mut response = Response::new(ResponseBody::from(text));
    response.headers_mut().insert("content-length", text.len().to_string().parse().unwrap());
    Ok(response)
}

fn download(folder: &Path, reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (Download, fake::Seen) {
    let (client, seen) = fake::client(move |request| reply(request.uri().path()));
    (client.download(Run::parse(RUN.as_bytes()).unwrap(), folder), seen)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    names.sort();
    names
}

#[tokio::test]
async fn outputs_keep_their_sub_folders_and_the_key_stays_at_home() {
    let folder = tempfile::tempdir().unwrap();
    let progress = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&progress);
    let (download, seen) = download(folder.path(), |path| body(if path == "/a" { "png" } else { "text" }));
    let saved = download
        .observe(move |at| {
            let line = format!("{}/{} {} {} of {:?}", at.file, at.files, at.name, at.bytes, at.total_bytes);
            log.lock().unwrap().push(line);
        })
        .await
        .unwrap();
    assert_eq!(names(folder.path()), ["b.txt", "sub/a_00001_.png"]);
    assert_eq!(saved[0].path, folder.path().join("sub").join("a_00001_.png"));
    assert_eq!((saved[1].size_bytes, saved[1].was_there), (4, false));
    assert_eq!(std::fs::read(&saved[1].path).unwrap(), b"text");
    insta::assert_snapshot!(seen.lines().join("\n"), @"
    GET http://server:8000/a?sig=sekrit
    GET https://cdn.example.com/b
    ");
    insta::assert_snapshot!(progress.lock().unwrap().join("\n"), @"
    1/2 sub/a_00001_.png 0 of Some(3)
    1/2 sub/a_00001_.png 3 of Some(3)
    2/2 b.txt 0 of Some(4)
    2/2 b.txt 4 of Some(4)
    ");
}

#[tokio::test]
async fn a_file_that_is_there_is_left_alone_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.txt"), "mine").unwrap();
    let get = || download(folder.path(), |_| body("theirs")).0;

    let error = get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileExists);
    assert!(error.to_string().ends_with("b.txt` is there already, and is not overwritten"), "{error}");
    assert_eq!(std::fs::read(folder.path().join("b.txt")).unwrap(), b"mine");

    get().if_exists(IfExists::KeepBoth).await.unwrap();
    let saved = get().if_exists(IfExists::KeepBoth).await.unwrap();
    assert!(saved.iter().all(|file| file.was_there));
    assert_eq!(names(folder.path()), ["b (2).txt", "b.txt", "sub/a_00001_.png"]);

    get().if_exists(IfExists::Overwrite).await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("b.txt")).unwrap(), b"theirs");
}

#[tokio::test]
async fn what_does_not_arrive_whole_is_not_saved() {
    let cut = || {
        let error = TransportError::new(TransportErrorKind::Interrupted, "cut");
        let parts = stream::iter([Ok("half".into()), Err(error)]);
        Ok(Response::new(ResponseBody::from_stream(parts)))
    };
    let short = || {
        let mut response = body("half")?;
        response.headers_mut().insert("content-length", "8".parse().unwrap());
        Ok(response)
    };
    let long = || {
        let mut response = body("double")?;
        response.headers_mut().insert("content-length", "3".parse().unwrap());
        Ok(response)
    };
    let mut texts = Vec::new();
    for reply in [cut, short, long] {
        let folder = tempfile::tempdir().unwrap();
        let error = download(folder.path(), move |_| reply()).0.await.unwrap_err();
        assert!(names(folder.path()).is_empty());
        texts.push(chain(&error).replace(&folder.path().display().to_string(), "DIR"));
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    http://server:8000/a did not arrive whole, so `DIR/sub/a_00001_.png` was not saved: the connection broke: cut
    http://server:8000/a did not arrive whole, so `DIR/sub/a_00001_.png` was not saved: the connection broke: it broke off after 4 of 8 bytes
    http://server:8000/a did not arrive whole, so `DIR/sub/a_00001_.png` was not saved: the response cannot be read: it has more than 3 bytes
    ");
}

#[tokio::test(start_paused = true)]
async fn dropping_it_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let endless = || {
        let parts = stream::iter([Ok("half".into())]).chain(stream::pending());
        Ok(Response::new(ResponseBody::from_stream(parts)))
    };
    let (download, _) = download(folder.path(), move |_| endless());
    let (arrived, mut wait) = tokio::sync::mpsc::unbounded_channel();
    let download = download.observe(move |at| arrived.send(at.bytes).unwrap());
    let task = tokio::spawn(download.into_future());
    while wait.recv().await.unwrap() == 0 {}
    assert_eq!(names(folder.path()).len(), 1, "it is being written");
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(names(folder.path()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn silence_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let silent = || Ok(Response::new(ResponseBody::from_stream(stream::pending())));
    let error = download(folder.path(), move |_| silent()).0.await.unwrap_err();
    insta::assert_snapshot!(chain(&error).replace(&folder.path().display().to_string(), "DIR"), @"http://server:8000/a did not arrive whole, so `DIR/sub/a_00001_.png` was not saved: no answer in time: nothing came for 120 s");
}

#[tokio::test]
async fn an_output_that_is_gone_is_an_error_without_its_signature() {
    let folder = tempfile::tempdir().unwrap();
    let mut texts = Vec::new();
    for status in [403, 404, 500] {
        let error = download(folder.path(), move |_| fake::json(status, "<html>")).0.await.unwrap_err();
        texts.push(format!("{:?} {}", error.kind(), chain(&error)));
    }
    let text = texts.join("\n").replace(&folder.path().display().to_string(), "DIR");
    assert!(!text.contains("sekrit"));
    insta::assert_snapshot!(text, @"
    Unexpected the output for `DIR/sub/a_00001_.png` cannot be fetched: GET http://server:8000/a answered 403 Forbidden: an HTML page
    Unexpected the output for `DIR/sub/a_00001_.png` cannot be fetched: GET http://server:8000/a answered 404 Not Found: an HTML page
    Server the output for `DIR/sub/a_00001_.png` cannot be fetched: GET http://server:8000/a answered 500 Internal Server Error: an HTML page
    ");
}

#[tokio::test]
async fn a_run_without_outputs_is_told_from_one_that_has_not_ended() {
    let (client, _) = fake::client(|_| body(""));
    let get = |json: &str| client.download(Run::parse(json.as_bytes()).unwrap(), "/nowhere");
    assert_eq!(get(r#"{"id": "r", "status": "COMPLETED", "output": []}"#).await.unwrap(), []);
    let error = get(r#"{"id": "r", "status": "STARTED", "output": null}"#).await.unwrap_err();
    insta::assert_snapshot!(error, @"the run r has no outputs to save: its status is STARTED");
    let evil = r#"{"id": "r", "status": "COMPLETED", "output": [{"filename": "/workflows/w/output/r/../../x", "url": "http://h/x"}]}"#;
    insta::assert_snapshot!(get(evil).await.unwrap_err(), @"the service calls an output `/workflows/w/output/r/../../x`, which is no path below a folder: it was not saved");
}
