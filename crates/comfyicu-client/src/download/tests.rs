//! Downloads from a scripted service.

use std::sync::Arc;

use comfyicu_transport::{Response, ResponseBody, TransportError, TransportErrorKind};

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
        .at_once(1)
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

#[tokio::test(start_paused = true)]
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
        let error = download(folder.path(), move |_| reply()).0.at_once(1).await.unwrap_err();
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
    let download = download.at_once(1).observe(move |at| arrived.send(at.bytes).unwrap());
    let task = tokio::spawn(download.into_future());
    while wait.recv().await.unwrap() == 0 {}
    assert!(!names(folder.path()).is_empty(), "it is being written");
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(names(folder.path()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn silence_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let silent = || Ok(Response::new(ResponseBody::from_stream(stream::pending())));
    let error = download(folder.path(), move |_| silent()).0.at_once(1).await.unwrap_err();
    insta::assert_snapshot!(chain(&error).replace(&folder.path().display().to_string(), "DIR"), @"http://server:8000/a did not arrive whole, so `DIR/sub/a_00001_.png` was not saved: no answer in time: nothing came for 120 s");
}

#[tokio::test]
async fn an_output_that_is_gone_is_an_error_without_its_signature() {
    let folder = tempfile::tempdir().unwrap();
    let mut texts = Vec::new();
    for status in [403, 404, 500] {
        let get = download(folder.path(), move |_| fake::json(status, "<html>")).0;
        let error = get.at_once(1).await.unwrap_err();
        texts.push(format!("{:?} {}", error.kind(), chain(&error)));
    }
    let text = texts.join("\n").replace(&folder.path().display().to_string(), "DIR");
    assert!(!text.contains("sekrit"));
    insta::assert_snapshot!(text, @"
    Unexpected the output cannot be fetched, so `DIR/sub/a_00001_.png` was not saved: GET http://server:8000/a answered 403 Forbidden: an HTML page
    Unexpected the output cannot be fetched, so `DIR/sub/a_00001_.png` was not saved: GET http://server:8000/a answered 404 Not Found: an HTML page
    Server the output cannot be fetched, so `DIR/sub/a_00001_.png` was not saved: GET http://server:8000/a answered 500 Internal Server Error: an HTML page
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

/// A service whose transfers break after so many bytes of the whole, and how it serves parts.
#[derive(Clone, Copy)]
struct Breaking {
    whole: &'static str,
    at: [usize; 6],
    etag: Option<&'static str>,
    parts: bool,
}

impl Breaking {
    /// Answers the n-th request, from 0.
    fn answer(self, n: usize, request: &comfyicu_transport::Request) -> Response {
        let range = request.headers().get("range").map(|range| range.to_str().unwrap().to_owned());
        let start = range
            .filter(|_| self.parts)
            .map_or(0, |range| range["bytes=".len()..range.len() - 1].parse().unwrap());
        let end = self.at.get(n).map_or(self.whole.len(), |at| (*at).max(start).min(self.whole.len()));
        let is_cut = end < self.whole.len();
        let sent = stream::iter([Ok(self.whole[start..end].into())]);
        let cut =
            stream::iter(is_cut.then(|| Err(TransportError::new(TransportErrorKind::Interrupted, "cut"))));
        let mut response = Response::new(ResponseBody::from_stream(sent.chain(cut)));
        let headers = response.headers_mut();
        headers.insert("content-length", (self.whole.len() - start).into());
        if let Some(etag) = self.etag {
            headers.insert("etag", etag.parse().unwrap());
        }
        if start > 0 {
            let whole = self.whole.len();
            headers.insert("content-range", format!("bytes {start}-{}/{whole}", whole - 1).parse().unwrap());
            *response.status_mut() = http::StatusCode::PARTIAL_CONTENT;
        }
        response
    }
}

/// Fetches one output from a service that breaks, and gives what was saved and the ranges that were asked for.
async fn fetch_broken(
    service: impl Fn(usize) -> Breaking + Send + Sync + 'static,
) -> (Result<Vec<u8>, Error>, Vec<String>) {
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&ranges);
    let (client, _) = fake::client(move |request| {
        let header =
            |name| request.headers().get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
        let n = log.lock().unwrap().len();
        log.lock().unwrap().push(format!("{} {}", header("range"), header("if-range")));
        Ok(service(n).answer(n, &request))
    });
    let folder = tempfile::tempdir().unwrap();
    let run = r#"{"id": "r", "status": "COMPLETED", "output": [{"filename": "/workflows/w/output/r/a", "url": "http://h/a"}]}"#;
    let saved = client.download(Run::parse(run.as_bytes()).unwrap(), folder.path()).await;
    let bytes = saved.map(|saved| std::fs::read(&saved[0].path).unwrap());
    assert_eq!(names(folder.path()).len(), usize::from(bytes.is_ok()), "nothing else stays");
    let asked = ranges.lock().unwrap().clone();
    (bytes, asked)
}

const WHOLE: &str = "0123456789";

#[tokio::test(start_paused = true)]
async fn a_transfer_that_breaks_goes_on_where_it_broke() {
    let (bytes, asked) = fetch_broken(|_| Breaking {
        whole: WHOLE,
        at: [3, 3, 8, 99, 99, 99],
        etag: Some("\"v1\""),
        parts: true,
    })
    .await;
    assert_eq!(bytes.unwrap(), WHOLE.as_bytes());
    assert_eq!(asked, ["- -", "bytes=3- \"v1\"", "bytes=3- \"v1\"", "bytes=8- \"v1\""]);
}

#[tokio::test(start_paused = true)]
async fn where_no_parts_are_served_what_is_known_is_passed_over() {
    let (bytes, asked) = fetch_broken(|_| Breaking {
        whole: WHOLE,
        at: [3, 5, 8, 99, 99, 99],
        etag: Some("\"v1\""),
        parts: false,
    })
    .await;
    assert_eq!(bytes.unwrap(), WHOLE.as_bytes());
    assert_eq!(asked.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_becomes_another_one_is_fetched_anew() {
    let (bytes, asked) = fetch_broken(|n| match n {
        0 => Breaking { whole: WHOLE, at: [3, 99, 99, 99, 99, 99], etag: Some("\"v1\""), parts: true },
        _ => {
            Breaking { whole: "abcdefghij", at: [0, 99, 99, 99, 99, 99], etag: Some("\"v2\""), parts: n > 1 }
        }
    })
    .await;
    assert_eq!(bytes.unwrap(), b"abcdefghij", "never a mixture");
    assert_eq!(asked, ["- -", "bytes=3- \"v1\"", "- -"]);
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_gets_nowhere_is_given_up() {
    let (bytes, asked) =
        fetch_broken(|_| Breaking { whole: WHOLE, at: [3; 6], etag: None, parts: true }).await;
    assert_eq!(bytes.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(asked.len(), 1 + 3);
}

#[tokio::test]
async fn a_digest_that_comes_with_it_is_checked() {
    for (digest, is_good) in [("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", true), ("AAAA", false)] {
        let (client, _) = fake::client(move |_| {
            let mut response = body("hello")?;
            response.headers_mut().insert("repr-digest", format!("sha-256=:{digest}:").parse().unwrap());
            Ok(response)
        });
        let output = OutputFile::new("a", "http://h/a".parse().unwrap(), "http://h/t".parse().unwrap());
        let mut bytes = Vec::new();
        let written = client.write_output(&output, &mut bytes).await;
        assert_eq!(written.is_ok(), is_good);
        assert_eq!(bytes, b"hello");
    }
}

/// A megabyte that is not the same anywhere.
fn megabyte() -> &'static str {
    let text: String = (0..).map(|n: u32| format!("{n:08x}")).take(128 * 1024).collect();
    text.leak()
}

/// One download of a file that is served as `service` says, into a folder of the caller's.
async fn fetch_into(
    folder: &Path,
    query: &str,
    service: Breaking,
    digest: Option<&'static str>,
) -> (Result<Vec<u8>, Error>, Vec<String>) {
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&ranges);
    let (client, _) = fake::client(move |request| {
        let n = log.lock().unwrap().len();
        let range = request.headers().get("range").map_or("-", |range| range.to_str().unwrap());
        log.lock().unwrap().push(range.to_owned());
        let mut response = service.answer(n, &request);
        if let Some(digest) = digest {
            response.headers_mut().insert("repr-digest", format!("sha-256=:{digest}:").parse().unwrap());
        }
        Ok(response)
    });
    let run = format!(
        r#"{{"id": "r", "status": "COMPLETED", "output": [{{"filename": "/workflows/w/output/r/a", "url": "http://h/a?{query}"}}]}}"#
    );
    let saved = client.download(Run::parse(run.as_bytes()).unwrap(), folder).await;
    let bytes = saved.map(|saved| std::fs::read(&saved[0].path).unwrap());
    let asked = ranges.lock().unwrap().clone();
    (bytes, asked)
}

/// A service that sends 600 000 bytes and then nothing more, and one that sends all.
fn cut_and_whole(whole: &'static str, etag: Option<&'static str>) -> (Breaking, Breaking) {
    let cut = Breaking { whole, at: [600_000; 6], etag, parts: true };
    (cut, Breaking { at: [usize::MAX; 6], ..cut })
}

#[tokio::test(start_paused = true)]
async fn another_download_goes_on_where_one_failed_though_its_url_is_signed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (cut, whole) = cut_and_whole(megabyte(), Some("\"v1\""));
    let (failed, _) = fetch_into(folder.path(), "sig=1", cut, None).await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(names(folder.path()), [".comfyicu-a.part", ".comfyicu-a.part.json"]);
    let record = std::fs::read_to_string(folder.path().join(".comfyicu-a.part.json")).unwrap();
    insta::assert_snapshot!(record, @r#"{"url":"http://h/a","etag":"\"v1\"","total":1048576,"bytes":600000}"#);
    let (bytes, asked) = fetch_into(folder.path(), "sig=2", whole, None).await;
    assert_eq!(bytes.unwrap(), whole.whole.as_bytes());
    assert_eq!(asked, ["bytes=600000-"]);
    assert_eq!(names(folder.path()), ["a"], "nothing else stays");
}

#[tokio::test(start_paused = true)]
async fn what_another_download_left_of_another_version_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (cut, whole) = cut_and_whole(megabyte(), Some("\"v1\""));
    fetch_into(folder.path(), "", cut, None).await.0.unwrap_err();
    let other = Breaking { whole: "another file", etag: Some("\"v2\""), ..whole };
    let (bytes, asked) = fetch_into(folder.path(), "", Breaking { parts: false, ..other }, None).await;
    assert_eq!(bytes.unwrap(), b"another file");
    assert_eq!(asked, ["bytes=600000-", "-"]);
    assert_eq!(names(folder.path()), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_name_for_the_version_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (cut, _) = cut_and_whole(megabyte(), None);
    fetch_into(folder.path(), "", cut, None).await.0.unwrap_err();
    assert!(names(folder.path()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_digest_counts_what_was_there_before() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let text = megabyte();
    let right = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text)).leak();
    let (cut, whole) = cut_and_whole(text, Some("\"v1\""));
    for (spoil, is_good) in [(false, true), (true, false)] {
        let folder = tempfile::tempdir().unwrap();
        fetch_into(folder.path(), "", cut, Some(right)).await.0.unwrap_err();
        let part = folder.path().join(".comfyicu-a.part");
        let mut kept = std::fs::read(&part).unwrap();
        kept[1000] ^= u8::from(spoil);
        std::fs::write(&part, kept).unwrap();
        let (bytes, asked) = fetch_into(folder.path(), "", whole, Some(right)).await;
        assert_eq!((bytes.is_ok(), asked), (is_good, vec!["bytes=600000-".to_owned()]));
        assert_eq!(names(folder.path()).len(), usize::from(is_good), "what is spoilt is of no use");
    }
}
