//! A service whose runs only take time: it knows when each ends, and counts what it is asked. It also has files of
//! any length.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The shortest and the longest run, where lengths are drawn.
const SHORTEST: Duration = Duration::from_millis(300);
const LONGEST: Duration = Duration::from_secs(30);

/// How many runs a list has at most.
const MOST_LISTED: usize = 1000;
/// How much of a file is sent at a time.
const FILE_PART: usize = 256 * 1024;

/// How long runs take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lengths {
    /// Drawn evenly between the shortest and the longest: the same ones each time.
    Drawn,
    /// All the same.
    Same(Duration),
}

/// The service. Its threads end with this process.
#[derive(Debug)]
pub(super) struct Service {
    address: SocketAddr,
    shared: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    lengths: Lengths,
    random: u64,
    looks: u64,
    runs: HashMap<String, Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    begun: Instant,
    begun_at: SystemTime,
    length: Duration,
}

impl Service {
    /// Starts it on a free port.
    pub(super) fn start(lengths: Lengths) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = State { lengths, random: 0x9E37_79B9_7F4A_7C15, looks: 0, runs: HashMap::new() };
        let shared = Arc::new(Mutex::new(state));
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&theirs);
                // A client that hangs up is done.
                thread::spawn(move || serve(stream, &shared).ok());
            }
        });
        Ok(Self { address, shared })
    }

    /// Where it is.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// When a run ended.
    pub(super) fn end_of(&self, id: &str) -> Option<Instant> {
        lock(&self.shared).runs.get(id).map(|run| run.begun + run.length)
    }

    /// How many requests came that were no submits.
    pub(super) fn looks(&self) -> u64 {
        lock(&self.shared).looks
    }

    /// How long all runs took together.
    pub(super) fn total_length(&self) -> Duration {
        lock(&self.shared).runs.values().map(|run| run.length).sum()
    }
}

impl State {
    fn create(&mut self) -> String {
        let length = match self.lengths {
            Lengths::Same(length) => length,
            Lengths::Drawn => {
                // A linear congruential generator: the same lengths for each contender.
                self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let part =
                    f64::from(u32::try_from(self.random >> 33).unwrap_or_default()) / f64::from(1_u32 << 31);
                SHORTEST + LONGEST.saturating_sub(SHORTEST).mul_f64(part)
            }
        };
        let id = format!("run-{}", self.runs.len());
        self.runs.insert(id.clone(), Run { begun: Instant::now(), begun_at: SystemTime::now(), length });
        id
    }
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, shared: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut field = String::new();
            reader.read_line(&mut field)?;
            let Some((name, value)) = field.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if let Some(bytes) =
            path.strip_prefix("/files/").and_then(|path| path.split('/').next()?.parse().ok())
        {
            send_file(&mut stream, bytes)?;
            continue;
        }
        if method != "POST" {
            lock(shared).looks += 1;
        }
        if let Some(path) = path.strip_suffix("/events") {
            return tell(&mut stream, id_of(path), shared);
        }
        let (status, body) = answer(method, path, shared);
        write!(
            stream,
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn answer(method: &str, path: &str, shared: &Mutex<State>) -> (u16, String) {
    if path.ends_with("/capabilities") {
        return (200, r#"{"events": true, "idempotency_keys": true}"#.to_owned());
    }
    if method == "POST" {
        return (200, format!(r#"{{"id": "{}"}}"#, lock(shared).create()));
    }
    let id = id_of(path);
    let state = lock(shared);
    if id == "runs" {
        let newest_first = (0..state.runs.len()).rev().take(MOST_LISTED).map(|n| format!("run-{n}"));
        let runs = newest_first.filter_map(|id| Some(show(&id, state.runs.get(&id)?)));
        return (200, format!("[{}]", runs.collect::<Vec<_>>().join(",")));
    }
    state.runs.get(id).map_or((404, String::new()), |run| (200, show(id, run)))
}

/// A run as it is now.
fn show(id: &str, run: &Run) -> String {
    let (created, completed) = (iso(run.begun_at), iso(run.begun_at + run.length));
    // As long as the prompt and the rest of a small run are.
    let rest = "x".repeat(4096);
    if run.begun.elapsed() >= run.length {
        format!(
            r#"{{"id": "{id}", "status": "COMPLETED", "created_at": "{created}", "completed_at": "{completed}", "output": [], "data": "{rest}"}}"#
        )
    } else {
        format!(r#"{{"id": "{id}", "status": "STARTED", "created_at": "{created}", "data": "{rest}"}}"#)
    }
}

/// Sends a file of so many bytes.
fn send_file(stream: &mut TcpStream, bytes: usize) -> io::Result<()> {
    write!(stream, "HTTP/1.1 200 x\r\ncontent-length: {bytes}\r\netag: \"1\"\r\n\r\n")?;
    let part = vec![b'x'; FILE_PART];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(part.len());
        stream.write_all(part.get(..now).unwrap_or_default())?;
        left -= now;
    }
    Ok(())
}

/// Tells of the end of a run when it comes.
fn tell(stream: &mut TcpStream, id: &str, shared: &Mutex<State>) -> io::Result<()> {
    let Some(run) = lock(shared).runs.get(id).copied() else { return Ok(()) };
    stream.write_all(b"HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
    stream.write_all(b"id: 1\nevent: started\ndata: {\"status\": \"STARTED\"}\n\n")?;
    thread::sleep(run.length.saturating_sub(run.begun.elapsed()));
    stream.write_all(b"id: 2\nevent: completed\ndata: {\"status\": \"COMPLETED\"}\n\n")
}

/// A moment in ISO 8601, for which the days of 1970 do.
fn iso(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (since.as_secs() % 86_400, since.subsec_millis());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("1970-01-01T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
}
