//! A host that can be made to do anything a source might do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// A request, as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// How many came before it.
    pub(super) number: usize,
    pub(super) path: String,
    head: String,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Where the range begins that is asked for.
    pub(super) fn from(&self) -> usize {
        let range = self.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        range.map_or(0, |from| from.parse().unwrap())
    }
}

/// What the host does, one after the other; then it hangs up.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Send(Vec<u8>),
    /// Says nothing until the other side hangs up.
    Stall,
    /// Sends this for ever.
    Repeat(Vec<u8>),
    /// Waits for a permit.
    Wait(Arc<tokio::sync::Semaphore>),
}

/// An answer's head.
pub(super) fn head(status: &str, fields: &[(&str, &str)]) -> Act {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let fields = fields.concat();
    Act::Send(format!("HTTP/1.1 {status}\r\nconnection: close\r\n{fields}\r\n").into_bytes())
}

/// A whole file, or the part of it that was asked for, of which only so many bytes come.
pub(super) fn file(asked: &Asked, content: &[u8], etag: &str, cut: usize) -> Vec<Act> {
    let from = if asked.header("if-range") == Some(etag) { asked.from() } else { 0 };
    let rest = &content[from..];
    let length = rest.len().to_string();
    let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
    let status = if from > 0 { "206 Partial" } else { "200 OK" };
    let mut fields = vec![("etag", etag), ("content-length", &length)];
    if from > 0 {
        fields.push(("content-range", &range));
    }
    vec![head(status, &fields), Act::Send(rest[..cut.min(rest.len())].to_vec())]
}

pub(super) struct Host {
    pub(super) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    _serving: AbortOnDropHandle<()>,
}

impl Host {
    pub(super) async fn start(answer: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", answer).await
    }

    pub(super) async fn start_at(
        address: &str,
        answer: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, answer) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::new(answer));
        let theirs = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (asked, answer) = (Arc::clone(&theirs), Arc::clone(&answer));
                connections.spawn(async move { serve(stream, &asked, &*answer).await });
            }
        });
        Self { port, asked, _serving: AbortOnDropHandle::new(serving) }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn await_requests(&self, count: usize) {
        let waiting = async {
            while self.asked().len() < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap();
    }
}

async fn serve(
    mut stream: TcpStream,
    asked: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(&Asked) -> Vec<Act> + Sync),
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let acts = {
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let request = Asked { number: asked.len(), path, head };
        asked.push(request.clone());
        answer(&request)
    };
    // A peer that hangs up is its own business.
    let _gone = act(&mut stream, acts).await;
}

async fn act(stream: &mut TcpStream, acts: Vec<Act>) -> std::io::Result<()> {
    for act in acts {
        match act {
            Act::Send(bytes) => stream.write_all(&bytes).await?,
            Act::Stall => drop(stream.read_u8().await),
            Act::Repeat(bytes) => loop {
                stream.write_all(&bytes).await?;
            },
            Act::Wait(permits) => permits.acquire().await.unwrap().forget(),
        }
    }
    stream.shutdown().await
}
