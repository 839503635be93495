//! How files are answered: ranges, versions, names, and what nobody may see.

use axum::body::Body;
use comfyicu_model::RunOutput;
use http::{Method, Request, StatusCode, header};
use url::Url;

use crate::api::tests::{Answer, PROMPT, Server, body, path_and_query, request};

async fn completed(server: &Server) -> (Url, Url) {
    let run = server.ended(&server.submit(&body(PROMPT)).await).await;
    let RunOutput::Files(files) = run.output() else { panic!("{run:?}") };
    (files[0].url.clone().unwrap(), files[0].thumbnail_url.clone().unwrap())
}

async fn ask(server: &Server, method: Method, url: &Url, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path_and_query(url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

async fn get(server: &Server, url: &Url, headers: &[(&str, &str)]) -> Answer {
    ask(server, Method::GET, url, headers).await
}

#[tokio::test]
async fn parts_are_answered_as_http_has_them() {
    let server = Server::start(&[]).await;
    let (url, _) = completed(&server).await;
    let whole = get(&server, &url, &[]).await;
    assert_eq!(
        (whole.status, &whole.headers[header::ACCEPT_RANGES]),
        (StatusCode::OK, &"bytes".parse().unwrap())
    );
    let (all, size) = (whole.body, whole.headers[header::CONTENT_LENGTH].to_str().unwrap().to_owned());
    assert_eq!(size, all.len().to_string());
    for (range, part, shown) in [
        ("bytes=1-3", &all[1..4], format!("bytes 1-3/{size}")),
        ("bytes=-4", &all[all.len() - 4..], format!("bytes {}-{}/{size}", all.len() - 4, all.len() - 1)),
        ("bytes=8-", &all[8..], format!("bytes 8-{}/{size}", all.len() - 1)),
    ] {
        let answer = get(&server, &url, &[("range", range)]).await;
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::PARTIAL_CONTENT, part), "{range}");
        assert_eq!(answer.headers[header::CONTENT_RANGE], shown);
    }
    for range in ["bytes=0-1,3-4", "lines=1-2", "bytes=5-4"] {
        assert_eq!(get(&server, &url, &[("range", range)]).await.status, StatusCode::OK, "{range}");
    }
    let beyond = get(&server, &url, &[("range", "bytes=100000-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.headers[header::CONTENT_RANGE], format!("bytes */{size}"));
    assert_eq!(beyond.error_code().as_deref(), Some("range_not_satisfiable"));

    let head = ask(&server, Method::HEAD, &url, &[("range", "bytes=0-1")]).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.headers[header::CONTENT_LENGTH], size);
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let server = Server::start(&[]).await;
    let (url, thumbnail) = completed(&server).await;
    let etag = get(&server, &url, &[]).await.headers[header::ETAG].to_str().unwrap().to_owned();
    for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
        let answer = get(&server, &url, &[("if-none-match", &known)]).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        assert_eq!(answer.headers[header::ETAG], etag);
    }
    assert_eq!(get(&server, &url, &[("if-none-match", "\"x\"")]).await.status, StatusCode::OK);
    let other = [("range", "bytes=0-1"), ("if-range", "\"x\"")];
    assert_eq!(get(&server, &url, &other).await.status, StatusCode::OK);
    let same = [("range", "bytes=0-1"), ("if-range", etag.as_str())];
    assert_eq!(get(&server, &url, &same).await.status, StatusCode::PARTIAL_CONTENT);
    assert_ne!(get(&server, &thumbnail, &[]).await.headers[header::ETAG], etag);
}

#[tokio::test]
async fn an_output_says_what_it_is_and_can_do_nothing() {
    let server = Server::start(&[]).await;
    let (url, thumbnail) = completed(&server).await;
    let answer = get(&server, &url, &[]).await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "image/png");
    assert_eq!(answer.headers[header::CONTENT_DISPOSITION], "inline; filename=\"blue_00001_.png\"");
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert!(answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("sandbox"));
    let answer = get(&server, &thumbnail, &[]).await;
    assert_eq!((answer.status, &answer.body[8..12]), (StatusCode::OK, b"WEBP".as_slice()));
    assert_eq!(answer.headers[header::CONTENT_TYPE], "image/webp");
    let odd = thumbnail.as_str().replace("thumbnail=256", "thumbnail=255").parse().unwrap();
    assert_eq!(get(&server, &odd, &[]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_address_that_has_expired_says_so() {
    let server = Server::start(&["--output-url-lifetime", "1s"]).await;
    let (url, _) = completed(&server).await;
    let expires: i64 = url.query_pairs().find(|(name, _)| name == "expires").unwrap().1.parse().unwrap();
    while crate::clock::now().as_unix_millis() < expires * 1000 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let answer = get(&server, &url, &[]).await;
    assert_eq!((answer.status, answer.error_code().as_deref()), (StatusCode::FORBIDDEN, Some("expired")));
    assert!(answer.text().contains("get the run"), "{}", answer.text());
    let with_key = server.send(request(Method::GET, &path_and_query(&url), Body::empty())).await;
    assert_eq!(with_key.status, StatusCode::OK, "a key opens it all the same");
    let wrong = get(&server, &url, &[("authorization", "Bearer wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let moved = url.as_str().replace(&expires.to_string(), "9999999999").parse().unwrap();
    assert_eq!(get(&server, &moved, &[]).await.status, StatusCode::UNAUTHORIZED, "the end cannot be moved");
}

/// What leads nowhere, in the place of a file's path.
const HOSTILE: [&str; 40] = [
    "..%2F..%2Fruns.db",
    "../runs.db",
    "..",
    ".",
    "%2e%2e/%2e%2e/runs.db",
    "%2e%2e%2fruns.db",
    "..%5c..%5cruns.db",
    "..\\runs.db",
    "%2Fetc%2Fpasswd",
    "/etc/passwd",
    "//etc/passwd",
    "%00",
    "blue_00001_.png%00.txt",
    "blue_00001_.png%0a",
    "a%20b/../a%20b/blue_00001_.png",
    "a%20b/./blue_00001_.png",
    "a%20b//blue_00001_.png",
    "a%20b/blue_00001_.png/",
    "a%20b",
    "a%20b/",
    "A%20B/BLUE_00001_.PNG",
    "a%20b/blue_00001_.png.",
    "a%20b/blue_00001_.png%20",
    "%20a%20b/blue_00001_.png",
    "C:%5cWindows",
    "C:/Windows",
    "file:///etc/passwd",
    "blue_00001_.png::$DATA",
    "a%20b/blue_00001_.png%23",
    "a%20b/blue_00001_.png%231",
    "a%2520b/blue_00001_.png",
    "..%252fruns.db",
    "%ff%fe",
    "%c0%ae%c0%ae/runs.db",
    "\u{202e}gnp",
    "a%20b%2f..%2f..%2f..%2fruns.db",
    "~/.ssh/id_rsa",
    "CON",
    "thumbnails-1/256/a%20b/blue_00001_.png.webp",
    "../1/a%20b/blue_00001_.png",
];

#[tokio::test]
async fn no_path_leads_out_of_the_outputs_or_inputs() {
    let server = Server::start(&[]).await;
    let (url, _) = completed(&server).await;
    let (outputs, _) = url.path().rsplit_once("/a%20b/").unwrap();
    for path in HOSTILE {
        let path: String =
            path.chars().map(|c| if c.is_ascii() { c.to_string() } else { "%E2%80%AE".into() }).collect();
        let path = path.replace('\\', "%5C");
        for folder in [outputs, "/api/v1/view/workflows/w1/input"] {
            let answer = server.get(&format!("{folder}/{path}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{folder}/{path}");
            assert!(answer.error_code().is_some(), "{folder}/{path}");
        }
    }
    for run_id in ["..", "%2e%2e", "..%2F..", ".", "r%001"] {
        let answer = server.get(&format!("/api/v1/view/workflows/w1/output/{run_id}/a.png")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{run_id}");
    }
}
