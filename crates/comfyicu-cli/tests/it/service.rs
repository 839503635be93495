//! A service that answers as a test says, over real sockets, one request a connection.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and path, such as `GET /api/v1/capabilities`.
    pub(crate) line: String,
    /// The key, when there was one.
    pub(crate) authorization: Option<String>,
    /// Names in small letters, and values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    status: u16,
    body: Vec<u8>,
    /// Whether it is a stream, which does not end.
    is_stream: bool,
}

impl Response {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), is_stream: false }
    }

    /// A stream of events that are told at once; then nothing more happens.
    pub(crate) fn events(events: &[(&str, &str)]) -> Self {
        let text: String = events
            .iter()
            .fold(String::new(), |text, (name, data)| text + "event: " + name + "\ndata: " + data + "\n\n");
        Self { is_stream: true, ..Self::ok(text) }
    }

    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }
}

/// The service; it ends with the process of the tests.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Service {
    /// Starts one. `answer` is given the request and the address of the service.
    pub(crate) fn start(answer: impl Fn(&Request, &str) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, address, answer) = (Arc::clone(&seen), url.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, address, answer) = (Arc::clone(&log), address.clone(), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    let request = read(&stream).unwrap();
                    log.lock().unwrap().push(request.clone());
                    // A client that has gone is what some tests are about.
                    write(stream, &answer(&request, &address)).unwrap_or_default();
                });
            }
        });
        Self { url, seen }
    }

    /// What it was sent, in order.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The lines of what it was sent, in order; but not how the client finds out what it offers, and whether a
    /// submit without an answer has made a run.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.seen().into_iter().map(|request| request.line);
        lines.filter(|line| !line.ends_with("/capabilities") && !is_list(line)).collect()
    }
}

fn is_list(line: &str) -> bool {
    line.starts_with("GET ") && line.ends_with("/runs")
}

fn read(stream: &TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut request =
        Request { line: String::new(), authorization: None, headers: Vec::new(), body: String::new() };
    request.line = line.rsplit_once(' ').unwrap().0.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        request.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        match name {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => request.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8(body).unwrap();
    Ok(request)
}

fn write(mut stream: TcpStream, response: &Response) -> io::Result<()> {
    let (status, length) = (response.status, response.body.len());
    if response.is_stream {
        write!(stream, "HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
        stream.write_all(&response.body)?;
        // Nothing more comes, until the tests end.
        loop {
            std::thread::park();
        }
    }
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")?;
    stream.write_all(&response.body)
}
