//! The reqwest transport over real sockets: each way in which an exchange fails, and what must not leak.

#![cfg(test)]

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use comfyicu_transport::{
    BodyStream, HttpTransport as _, RedirectPolicy, Request, RequestBody, ReqwestTransport,
    ReqwestTransportBuilder, ResolveError, Resolver, Response, TransportError, TransportErrorKind,
};
use futures_util::StreamExt as _;
use http::{StatusCode, header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a server does once it has read a request.
#[derive(Clone)]
enum Reply {
    /// Writes this and closes.
    Write(Vec<u8>),
    /// Writes this, keeps the connection open and says no more.
    Silence(Vec<u8>),
}

/// Answers every request in the same way, and keeps what it was sent.
struct Server {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, reply.clone(), Arc::clone(&sink)));
            }
        });
        Self { address, seen }
    }

    async fn answering(text: impl Into<Vec<u8>>) -> Self {
        Self::start(Reply::Write(text.into())).await
    }

    fn url(&self) -> String {
        format!("http://{}/path?secret=1", self.address)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, reply: Reply, seen: Arc<Mutex<Vec<String>>>) {
    let request = read_request(&mut stream).await;
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Write(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            stream.shutdown().await.unwrap();
        }
        Reply::Silence(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            std::future::pending::<()>().await;
        }
    }
}

/// Reads the head, and as much of a body as its length says.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await.unwrap() {
            0 => return text,
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

fn transport(set: impl FnOnce(ReqwestTransportBuilder) -> ReqwestTransportBuilder) -> ReqwestTransport {
    set(ReqwestTransport::builder().no_proxy()).build().unwrap()
}

fn get(url: &str) -> Request {
    let request = Request::new(RequestBody::empty());
    let (mut head, body) = request.into_parts();
    head.uri = url.parse().unwrap();
    Request::from_parts(head, body)
}

async fn fetch(url: &str) -> Result<Response, TransportError> {
    transport(|builder| builder).send(get(url)).await
}

/// An error, and each that caused the one before.
fn chain(error: &TransportError) -> String {
    let first: &dyn std::error::Error = error;
    let chain = std::iter::successors(Some(first), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?secret=1", listener.local_addr().unwrap());
    drop(listener);
    let error = fetch(&url).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Connect);
    assert!(!error.may_have_been_sent());
    assert!(!chain(&error).contains("secret"), "{}", chain(&error));
}

#[tokio::test]
async fn the_connection_breaks_before_the_answer() {
    let server = Server::answering("").await;
    let error = fetch(&server.url()).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Interrupted, "{}", chain(&error));
    assert!(error.may_have_been_sent());
}

#[tokio::test]
async fn the_connection_breaks_inside_the_body() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let response = fetch(&server.url()).await.unwrap();
    let error = response.into_body().collect(1000).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Interrupted, "{}", chain(&error));
    assert!(!chain(&error).contains("secret"));
}

#[tokio::test]
async fn what_is_not_http_cannot_be_read() {
    let server = Server::answering("SSH-2.0-OpenSSH_9.9\r\n").await;
    let error = fetch(&server.url()).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Body, "{}", chain(&error));
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let transport = transport(|builder| builder.read_timeout(Duration::from_millis(50)));
    let server = Server::start(Reply::Silence(Vec::new())).await;
    let error = transport.send(get(&server.url())).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout, "{}", chain(&error));

    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let server = Server::start(Reply::Silence(half)).await;
    let response = transport.send(get(&server.url())).await.unwrap();
    let error = response.into_body().collect(1000).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout, "{}", chain(&error));
}

#[tokio::test]
async fn a_body_may_take_longer_to_send_than_the_server_may_be_silent() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let transport = transport(|builder| builder.read_timeout(Duration::from_secs(1)));
    let open = || -> BodyStream {
        let parts = futures_util::stream::iter(0..30).then(|_| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(Bytes::from("."))
        });
        Box::pin(parts)
    };
    let (mut head, _) = get(&server.url()).into_parts();
    head.method = http::Method::POST;
    let request = Request::from_parts(head, RequestBody::from_stream(30, open));
    assert_eq!(transport.send(request).await.unwrap().status(), StatusCode::OK);
    assert!(server.seen()[0].ends_with(&".".repeat(30)));
}

#[tokio::test]
async fn a_redirect_is_followed_and_tells_nobody_where_from() {
    let target = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let moved =
        format!("HTTP/1.1 302 Found\r\nlocation: http://{}/new\r\ncontent-length: 0\r\n\r\n", target.address);
    let server = Server::answering(moved).await;
    let response = fetch(&server.url()).await.unwrap();
    assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
    assert!(!target.seen()[0].contains("secret"), "{}", target.seen()[0]);
}

#[tokio::test]
async fn neither_a_key_nor_a_body_is_sent_on() {
    let target = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let moved = format!(
            "HTTP/1.1 {status}\r\nlocation: http://{}/new\r\ncontent-length: 0\r\n\r\n",
            target.address
        );
        let server = Server::answering(moved).await;
        let mut with_key = get(&server.url());
        with_key.headers_mut().insert(header::AUTHORIZATION, "Bearer sekrit".parse().unwrap());
        let mut with_body = Request::new(RequestBody::from("body"));
        (*with_body.method_mut(), *with_body.uri_mut()) = (http::Method::POST, server.url().parse().unwrap());
        for request in [with_key, with_body] {
            let response = transport(|builder| builder).send(request).await.unwrap();
            assert!(response.status().is_redirection());
        }
        assert_eq!(server.seen().len(), 2);
    }
    assert_eq!(target.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_redirect_can_be_the_response() {
    let server = Server::answering("HTTP/1.1 302 Found\r\nlocation: /new\r\ncontent-length: 0\r\n\r\n").await;
    let transport = transport(|builder| builder.redirects(RedirectPolicy::None));
    let response = transport.send(get(&server.url())).await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()[header::LOCATION]),
        (StatusCode::FOUND, &"/new".parse().unwrap())
    );
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let server =
        Server::answering("HTTP/1.1 302 Found\r\nlocation: /path\r\ncontent-length: 0\r\n\r\n").await;
    let transport = transport(|builder| builder.redirects(RedirectPolicy::Follow(3)));
    let error = transport.send(get(&server.url())).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Redirect, "{}", chain(&error));
    assert_eq!(server.seen().len(), 4);
}

/// Leads one name to this machine, and refuses all others.
#[derive(Debug)]
struct OneName;

#[async_trait]
impl Resolver for OneName {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        match host {
            "here.example" => Ok(vec![[127, 0, 0, 1].into()]),
            other => Err(ResolveError::blocked(format!("{other} is not allowed"))),
        }
    }
}

#[tokio::test]
async fn names_are_resolved_by_the_hook() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let transport = transport(|builder| builder.resolver(Arc::new(OneName)));
    let port = server.address.port();
    let response = transport.send(get(&format!("http://here.example:{port}/"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let error = transport.send(get(&format!("http://elsewhere.example:{port}/"))).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Blocked, "{}", chain(&error));
    assert!(!error.may_have_been_sent());
    assert!(chain(&error).ends_with("elsewhere.example is not allowed"), "{}", chain(&error));
}

#[tokio::test]
async fn an_encoded_body_is_decoded() {
    // `hello`, by gzip.
    let body = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0, 0];
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    let server = Server::answering([head.as_bytes(), &body].concat()).await;
    let response = fetch(&server.url()).await.unwrap();
    assert_eq!(response.into_body().collect(100).await.unwrap(), "hello");
    assert!(server.seen()[0].contains("accept-encoding: gzip"), "{}", server.seen()[0]);
}

#[tokio::test]
async fn a_stream_is_sent_with_its_length() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let open = || -> BodyStream {
        Box::pin(futures_util::stream::iter(["one ", "two"].map(|part| Ok(Bytes::from(part)))))
    };
    let (mut head, _) = get(&server.url()).into_parts();
    head.method = http::Method::POST;
    let request = Request::from_parts(head, RequestBody::from_stream(7, open));
    transport(|builder| builder).send(request).await.unwrap();
    let seen = server.seen().remove(0);
    assert!(seen.starts_with("POST /path?secret=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("content-length: 7\r\n") && !seen.contains("chunked"), "{seen}");
    assert!(seen.ends_with("\r\n\r\none two"), "{seen}");
}
