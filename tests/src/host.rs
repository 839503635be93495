//! A host on loopback: it serves files and receives webhooks, and keeps what was asked of it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::http::header;
use crate::wait::{PATIENCE, eventually};

/// The most that a request's body may have.
const MAX_BODY: u64 = 16 * 1024 * 1024;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the connection may be kept for another request.
    pub(crate) is_kept: bool,
}

impl Received {
    /// A header field, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON in {self:?}: {error}"))
    }
}

/// What the host answers.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    stalls_after: Option<usize>,
}

impl Reply {
    /// An answer with a body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into(), stalls_after: None }
    }

    /// An answer that is only a status.
    pub const fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), stalls_after: None }
    }

    /// The part of a body from a place on, as the answer to a request for that part.
    pub fn part(body: &[u8], from: usize) -> Self {
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        Self { status: 206, ..Self::ok(&body[from..]) }.header("content-range", &range)
    }

    /// Sends so many bytes of the body, and then nothing until the other side hangs up.
    #[must_use]
    pub const fn stalling_after(mut self, bytes: usize) -> Self {
        self.stalls_after = Some(bytes);
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The host. Its threads end with the test process.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    held: bool,
}

/// Accepts connections on an address of loopback, and serves each on a thread of its own.
///
/// # Panics
/// When it cannot listen.
pub(crate) fn accept(
    address: &str,
    serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind(address).expect("a free port");
    let address = listener.local_addr().expect("its address");
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            // A peer that hangs up is its own business.
            thread::spawn(move || serve(stream).ok());
        }
    });
    address
}

impl Host {
    /// Starts a host that answers with what `reply` makes of each request.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn start(reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", reply)
    }

    /// Starts a host at another address of loopback.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn start_at(address: &str, reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let address = accept(address, move |stream| serve(stream, &theirs, &reply));
        Self { address, shared }
    }

    /// Starts a host that accepts everything: a receiver of webhooks.
    pub fn receiver() -> Self {
        Self::start(|_| Reply::ok(r#"{"status": "success"}"#).header("content-type", "application/json"))
    }

    /// From now on, requests are received but not answered.
    pub fn hold(&self) {
        self.shared.lock().held = true;
    }

    /// Answers what is held, and what comes.
    pub fn release(&self) {
        self.shared.lock().held = false;
        self.shared.changed.notify_all();
    }

    /// A URL on this host.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What has arrived so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// Waits until so many requests have arrived, and gives all that have.
    ///
    /// # Panics
    /// When they do not arrive.
    #[track_caller]
    pub fn await_requests(&self, count: usize) -> Vec<Received> {
        eventually(&format!("{count} requests"), || Some(self.received()).filter(|all| all.len() >= count))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere fails its own test; what was received is still what was received.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while answers are held.
    fn pass(&self) {
        let begun = Instant::now();
        let mut state = self.lock();
        while state.held && begun.elapsed() < PATIENCE {
            let waited = self.changed.wait_timeout(state, PATIENCE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn serve(stream: TcpStream, shared: &Shared, reply: &dyn Fn(&Received) -> Reply) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let received = read_request(&mut reader)?;
    let answer = reply(&received);
    shared.lock().received.push(received);
    shared.pass();
    let mut head = format!("HTTP/1.1 {} Answer\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.extend(["content-length: ", &answer.body.len().to_string(), "\r\n\r\n"]);
    let mut stream = reader.into_inner();
    stream.write_all(head.as_bytes())?;
    let Some(bytes) = answer.stalls_after else { return stream.write_all(&answer.body) };
    stream.write_all(&answer.body[..bytes])?;
    stream.read(&mut [0]).map(drop)
}

/// Reads a line to its end. A request whose sender was killed in the middle never was one.
fn read_line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if line.ends_with('\n') { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads a request, body included.
pub(crate) fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Received> {
    let line = read_line(reader)?;
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    let is_kept = words.next().is_some_and(|version| version.trim_end() == "HTTP/1.1");
    let mut headers = Vec::new();
    while let Some(field) = header(&read_line(reader)?) {
        headers.push(field);
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: u64 = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    let read = reader.by_ref().take(length.min(MAX_BODY)).read_to_end(&mut body)?;
    if read as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Received { method, path, headers, body, is_kept })
}
