//! What clients do that mean a server ill.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How many do it at the same time, where each is busy with one connection.
const ATTACKERS: usize = 3;
/// The pace of attacks that are slow on purpose.
const PACE: Duration = Duration::from_millis(50);
/// How long an attacker rests between two connections: what is asked is not how fast the machine is.
const BREATH: Duration = Duration::from_millis(10);
/// The bytes of a body that is too large.
const HUGE: usize = 1 << 30;
/// How much of it is sent at once.
const BLOCK: usize = 64 * 1024;
/// What HTTP/2 begins with: the preface, and settings that are empty.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What clients do that mean a server ill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Many connections on which a head comes letter by letter.
    SlowHeads(usize),
    /// Many connections on which nothing comes.
    Idle(usize),
    /// Many clients that ask for a large answer and never read it.
    NeverRead(usize),
    /// Bodies of a GiB, with a length that says so.
    HugeBodies,
    /// Bodies without a length that do not end.
    EndlessBodies,
    /// Files that do not end.
    EndlessUploads,
    /// Heads of ten thousand fields, and fields of a MiB.
    HeaderFloods,
    /// HTTP/2 streams that are opened and reset at once, by the thousand.
    Http2Resets,
}

impl Attack {
    /// All of them, as they are meant.
    pub const ALL: [Self; 8] = [
        Self::SlowHeads(1_000),
        Self::Idle(10_000),
        Self::NeverRead(500),
        Self::HugeBodies,
        Self::EndlessBodies,
        Self::EndlessUploads,
        Self::HeaderFloods,
        Self::Http2Resets,
    ];

    /// How many connections it holds, where that is what it is.
    pub const fn connections(self) -> Option<usize> {
        match self {
            Self::SlowHeads(count) | Self::Idle(count) | Self::NeverRead(count) => Some(count),
            _ => None,
        }
    }

    /// Begins it; it goes on until it is ended.
    pub(super) fn begin(self, authority: &str) -> Pressure {
        let shared = Arc::new(Shared { authority: authority.to_owned(), ..Shared::default() });
        let many = self.connections();
        let attackers = (0..many.map_or(ATTACKERS, |_| 1)).map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || match many {
                Some(count) => self.hold(count, &shared),
                None => self.repeat(&shared),
            })
        });
        let attackers = attackers.collect();
        Pressure { shared, wanted: many.unwrap_or(0), attackers }
    }

    /// Holds so many connections, and opens new ones for those that the server closes.
    fn hold(self, count: usize, shared: &Shared) {
        let mut streams: Vec<TcpStream> = Vec::new();
        while !shared.is_ended() {
            while streams.len() < count && !shared.is_ended() {
                let Ok(stream) = self.open(shared) else { break };
                streams.push(stream);
                shared.connections.store(streams.len(), Ordering::SeqCst);
            }
            streams.retain_mut(|stream| self.goes_on(stream));
            shared.connections.store(streams.len(), Ordering::SeqCst);
            thread::sleep(PACE);
        }
    }

    /// Opens a connection, with what is said first.
    fn open(self, shared: &Shared) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&shared.authority)?;
        if let Self::NeverRead(_) = self {
            let request = format!("GET /api/v1/object_info HTTP/1.1\r\nhost: {}\r\n\r\n", shared.authority);
            stream.write_all(request.repeat(20).as_bytes())?;
        }
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    /// Goes on with a connection; `false` where the server has closed it.
    fn goes_on(self, stream: &mut TcpStream) -> bool {
        match self {
            Self::SlowHeads(_) => stream.write_all(b"x").is_ok(),
            Self::NeverRead(_) => stream.take_error().is_ok_and(|error| error.is_none()),
            _ => !matches!(stream.read(&mut [0]), Ok(0)),
        }
    }

    /// Does it again and again.
    fn repeat(self, shared: &Shared) {
        while !shared.is_ended() {
            // The server closes the connection in the middle: so it should.
            let _refused = self.once(shared);
            thread::sleep(BREATH);
        }
    }

    fn once(self, shared: &Shared) -> io::Result<()> {
        let mut stream = connect(&shared.authority)?;
        match self {
            Self::HugeBodies => huge_body(&mut stream, shared),
            Self::EndlessUploads => endless_body(&mut stream, "/api/v1/uploads", shared),
            Self::EndlessBodies => endless_body(&mut stream, "/api/v1/workflows/w/runs", shared),
            Self::HeaderFloods => header_floods(&mut stream, shared),
            _ => http2_resets(&mut stream),
        }
    }
}

/// Connects, with little patience for a server that does not read.
fn connect(authority: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(authority)?;
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    Ok(stream)
}

fn huge_body(stream: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    let host = &shared.authority;
    let head =
        format!("POST /api/v1/workflows/w/runs HTTP/1.1\r\nhost: {host}\r\ncontent-length: {HUGE}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let block = vec![b' '; BLOCK];
    for _ in 0..HUGE / BLOCK {
        if shared.is_ended() {
            break;
        }
        stream.write_all(&block)?;
    }
    Ok(())
}

fn endless_body(stream: &mut TcpStream, path: &str, shared: &Shared) -> io::Result<()> {
    let host = &shared.authority;
    let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let chunk = [format!("{BLOCK:x}\r\n").as_bytes(), &vec![b' '; BLOCK], b"\r\n"].concat();
    while !shared.is_ended() {
        stream.write_all(&chunk)?;
    }
    Ok(())
}

fn header_floods(stream: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    let host = &shared.authority;
    let many = "x: a\r\n".repeat(10_000);
    stream.write_all(format!("GET /api/v1/workflows HTTP/1.1\r\nhost: {host}\r\n{many}\r\n").as_bytes())?;
    let long = "a".repeat(1 << 20);
    let head = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nx: {long}\r\n\r\n");
    connect(host)?.write_all(head.as_bytes())
}

fn http2_resets(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(HTTP2)?;
    for number in 0..1000_u32 {
        let id = (number * 2 + 1).to_be_bytes();
        let headers = [b"\0\0\x04\x01\x05".as_slice(), &id, b"\x82\x84\x86\x87"].concat();
        let reset = [b"\0\0\x04\x03\0".as_slice(), &id, b"\0\0\0\x08"].concat();
        stream.write_all(&[headers, reset].concat())?;
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Shared {
    authority: String,
    connections: AtomicUsize,
    ended: AtomicBool,
}

impl Shared {
    fn is_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}

/// An attack that goes on.
#[derive(Debug)]
pub(super) struct Pressure {
    shared: Arc<Shared>,
    wanted: usize,
    attackers: Vec<JoinHandle<()>>,
}

impl Pressure {
    /// Waits until all connections are held that there shall be, but `build_up` at least.
    pub(super) fn await_full(&self, build_up: Duration) {
        let begun = Instant::now();
        let patience = build_up * 10;
        while begun.elapsed() < build_up || (self.connections() < self.wanted && begun.elapsed() < patience) {
            thread::sleep(PACE);
        }
    }

    /// How many connections are held.
    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Ends it.
    pub(super) fn end(self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        for attacker in self.attackers {
            attacker.join().expect("an attacker");
        }
    }
}
