//! A proxy that does to each exchange what a test wants: the network and the gateways of bad days.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::host::{Received, accept, read_request};
use crate::http::header;
use crate::wait::PATIENCE;

/// What happens to an exchange.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is held up before it is passed on.
    Delay(Duration),
    /// The connection is closed before the server hears of the request.
    DropBefore,
    /// The server answers, and the answer is lost.
    DropAfter,
    /// The answer breaks off in the middle of its body.
    Truncate,
    /// The answer's body comes a few bytes at a time, with a pause between them.
    Slow(Duration),
    /// Something in front of the server answers: status, headers, body. The server hears nothing.
    Answer(u16, &'static [(&'static str, &'static str)], &'static str),
    /// The server acts, and something in front of it answers with an error page.
    ErrorPageAfter,
    /// The answer is labelled as what it is not.
    WrongType,
    /// The answer has one text in place of another.
    Replace(&'static str, &'static str),
    /// It is passed on twice.
    Double,
    /// It is passed on only when so many others have been.
    After(usize),
}

/// Decides what happens to a request; the number counts those that this was asked of before.
type Plan = dyn Fn(&Received, usize) -> Fault + Send + Sync;

/// The proxy. Its threads end with the test process.
#[derive(Debug)]
pub struct FaultProxy {
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
    target: String,
    hides_extensions: bool,
    seen: Vec<String>,
    passed: usize,
}

impl FaultProxy {
    /// Starts a proxy that leads nowhere yet.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn start(plan: impl Fn(&Received, usize) -> Fault + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let address = accept("127.0.0.1:0", move |stream| serve(stream, &theirs, &plan));
        Self { address, shared }
    }

    /// Leads to this address from now on: `http://127.0.0.1:1234`.
    pub fn lead_to(&self, url: &str) {
        url.strip_prefix("http://").unwrap_or(url).clone_into(&mut self.shared.lock().target);
    }

    /// Hides every extension of the server, so that it looks like the hosted service.
    pub fn hide_extensions(&self) {
        self.shared.lock().hides_extensions = true;
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that came, in order: `POST /api/v1/…`.
    pub fn seen(&self) -> Vec<String> {
        self.shared.lock().seen.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until so many requests have been passed on.
    fn await_passed(&self, count: usize) {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| state.passed < count);
        drop(waited);
    }

    fn pass(&self) {
        self.lock().passed += 1;
        self.changed.notify_all();
    }
}

fn serve(stream: TcpStream, shared: &Shared, plan: &Plan) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut request = read_request(&mut reader)?;
    let mut client = reader.into_inner();
    let (target, hides, number) = {
        let mut state = shared.lock();
        state.seen.push(format!("{} {}", request.method, request.path));
        (state.target.clone(), state.hides_extensions, state.seen.len() - 1)
    };
    if hides && !hide(&mut request) {
        return answer(
            &mut client,
            404,
            &[("content-type", "text/html")],
            b"<html><title>404</title></html>",
        );
    }
    let result = act(&plan(&request, number), &request, &target, &mut client, shared);
    shared.pass();
    result
}

/// Takes the extensions out of a request; `false` when it asks for one.
fn hide(request: &mut Received) -> bool {
    let path = request.path.split('?').next().unwrap_or_default();
    let is_extension = ["/events", "/cancel", "/capabilities", "/object_info", "/deliveries"]
        .iter()
        .any(|end| path.ends_with(end))
        || path.contains("/api/v1/uploads");
    request.headers.retain(|(name, _)| name != "idempotency-key");
    if path.starts_with("/api/v1/workflows") {
        request.path = path.to_owned();
    }
    !is_extension
}

fn act(
    fault: &Fault,
    request: &Received,
    target: &str,
    client: &mut TcpStream,
    shared: &Shared,
) -> io::Result<()> {
    match fault {
        Fault::None => stream_through(request, target, client),
        Fault::Delay(delay) => {
            thread::sleep(*delay);
            stream_through(request, target, client)
        }
        Fault::DropBefore => client.shutdown(Shutdown::Both),
        Fault::DropAfter => whole(request, target).and_then(|_| client.shutdown(Shutdown::Both)),
        Fault::Truncate => {
            let answered = whole(request, target)?;
            let (head, body) = split(&answered);
            client.write_all(head)?;
            client.write_all(body.get(..body.len() / 2).unwrap_or_default())?;
            client.shutdown(Shutdown::Both)
        }
        Fault::Slow(pause) => {
            let answered = whole(request, target)?;
            let (head, body) = split(&answered);
            client.write_all(head)?;
            for part in body.chunks(body.len().div_ceil(8).max(1)) {
                client.write_all(part)?;
                client.flush()?;
                thread::sleep(*pause);
            }
            Ok(())
        }
        Fault::Answer(status, headers, body) => answer(client, *status, headers, body.as_bytes()),
        Fault::ErrorPageAfter => {
            whole(request, target)?;
            let page = b"<html><head><title>502 Bad Gateway</title></head></html>";
            answer(client, 502, &[("content-type", "text/html")], page)
        }
        Fault::WrongType => client.write_all(&relabelled(&whole(request, target)?)),
        Fault::Replace(from, to) => {
            let answered = whole(request, target)?;
            let (_, body) = split(&answered);
            let body = String::from_utf8_lossy(body).replace(from, to);
            answer(client, 200, &[("content-type", "application/json")], body.as_bytes())
        }
        Fault::Double => {
            whole(request, target)?;
            stream_through(request, target, client)
        }
        Fault::After(count) => {
            shared.await_passed(*count);
            stream_through(request, target, client)
        }
    }
}

/// Passes a request on, and the answer back as it comes.
fn stream_through(request: &Received, target: &str, client: &mut TcpStream) -> io::Result<()> {
    let mut server = send(request, target)?;
    let mut buffer = [0; 16 * 1024];
    loop {
        match server.read(&mut buffer)? {
            0 => return Ok(()),
            read => client.write_all(buffer.get(..read).unwrap_or_default())?,
        }
    }
}

/// Passes a request on, and gives the whole answer.
fn whole(request: &Received, target: &str) -> io::Result<Vec<u8>> {
    let mut answered = Vec::new();
    send(request, target)?.read_to_end(&mut answered)?;
    Ok(answered)
}

fn send(request: &Received, target: &str) -> io::Result<TcpStream> {
    let mut server = TcpStream::connect(target)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let mut head =
        format!("{} {} HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\n", request.method, request.path);
    let passed_over = ["host", "connection", "accept-encoding"];
    for (name, value) in request.headers.iter().filter(|(name, _)| !passed_over.contains(&name.as_str())) {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    server.write_all(head.as_bytes())?;
    server.write_all(&request.body)?;
    Ok(server)
}

/// The head of an answer with its empty line, and the body.
fn split(answered: &[u8]) -> (&[u8], &[u8]) {
    let end =
        answered.windows(4).position(|window| window == b"\r\n\r\n").map_or(answered.len(), |at| at + 4);
    answered.split_at(end)
}

fn relabelled(answered: &[u8]) -> Vec<u8> {
    let (head, body) = split(answered);
    let head = String::from_utf8_lossy(head);
    let lines = head.lines().filter(|line| header(line).is_none_or(|(name, _)| name != "content-type"));
    let mut relabelled: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    relabelled.push("content-type: text/html");
    [(relabelled.join("\r\n") + "\r\n\r\n").as_bytes(), body].concat()
}

fn answer(client: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    let mut head =
        format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    client.write_all(head.as_bytes())?;
    client.write_all(body)
}
