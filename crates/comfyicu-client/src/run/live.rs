//! An event stream of the service, kept open: an extension. It is polled by who listens; nothing is spawned.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use comfyicu_model::RunEvent;
use comfyicu_transport::ResponseBody;
use futures_util::StreamExt as _;
use http::header;
use tokio::time::{Instant, sleep_until};

use crate::client::Client;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};
use crate::sse::Parser;

/// How long to wait before connecting again: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What is heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// The stream is open. What happened before comes first.
    Connected,
    /// Something happened. The id is that of the last event that had one.
    Told(RunEvent, Option<String>),
    /// The stream broke, or did not open, and is opened again after a while: look for oneself meanwhile.
    Lost(Option<Error>),
    /// There is no stream: look for oneself from now on.
    Off(Error),
}

type Connecting = Pin<Box<dyn Future<Output = Result<ResponseBody, Error>> + Send>>;
/// What is asked for, after the last event that was seen.
type MakeCall = Box<dyn Fn(Option<String>) -> Call + Send + Sync>;

/// An event stream.
pub(super) struct Live {
    client: Client,
    call: MakeCall,
    state: State,
    parser: Parser,
    waiting: VecDeque<(RunEvent, Option<String>)>,
    last_id: Option<String>,
    pause: Duration,
}

enum State {
    Off,
    Pause(Instant),
    Connecting(Connecting),
    Open(ResponseBody),
}

impl Live {
    /// A stream that is opened when it is listened to, after the last event that was seen.
    pub(super) fn new(
        client: Client,
        last_id: Option<String>,
        call: impl Fn(Option<String>) -> Call + Send + Sync + 'static,
    ) -> Self {
        let state = State::Pause(Instant::now());
        let (parser, waiting) = (Parser::default(), VecDeque::new());
        Self { client, call: Box::new(call), state, parser, waiting, last_id, pause: FIRST_PAUSE }
    }

    /// Listens no more, and never did.
    pub(super) fn off(self) -> Self {
        Self { state: State::Off, ..self }
    }

    /// Whether events come, or are about to.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// What is heard next; never, when it is off.
    ///
    /// # Cancel safety
    /// Safe: what was begun goes on with the next call, and no event is lost.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            if let Some((event, id)) = self.waiting.pop_front() {
                return Heard::Told(event, id);
            }
            match &mut self.state {
                State::Off => std::future::pending::<()>().await,
                State::Pause(until) => {
                    sleep_until(*until).await;
                    let call = (self.call)(self.last_id.clone());
                    self.state = State::Connecting(connect(self.client.clone(), call));
                }
                State::Connecting(connecting) => match connecting.await {
                    Ok(body) => {
                        self.parser = Parser::default();
                        self.state = State::Open(body);
                        return Heard::Connected;
                    }
                    Err(error) if error.is_retryable() => return self.lose(Some(error)),
                    Err(error) => {
                        self.state = State::Off;
                        return Heard::Off(error);
                    }
                },
                State::Open(body) => match body.next().await {
                    Some(Ok(bytes)) => {
                        if !self.take(&bytes) {
                            return self.lose(None);
                        }
                    }
                    Some(Err(_)) | None => return self.lose(None),
                },
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> bool {
        let Ok(events) = self.parser.feed(bytes) else { return false };
        for event in events {
            self.pause = self.parser.retry().unwrap_or(FIRST_PAUSE).min(LONGEST_PAUSE);
            if let Some(id) = event.id.as_ref().filter(|id| !id.is_empty()) {
                self.last_id = Some(id.clone());
            }
            // What is no object is no event.
            if let Ok(told) = RunEvent::parse(&event.name, event.data.as_bytes()) {
                self.waiting.push_back((told, self.last_id.clone()));
            }
        }
        true
    }

    fn lose(&mut self, error: Option<Error>) -> Heard {
        let spread = self.pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.state = State::Pause(Instant::now() + spread);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Heard::Lost(error)
    }
}

fn connect(client: Client, call: Call) -> Connecting {
    Box::pin(async move {
        let (headers, body) = client.open(&call).await?;
        let media =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if media.split(';').next().is_some_and(|media| media.trim() == "text/event-stream") {
            return Ok(body);
        }
        Err(Error::new(ErrorKind::Protocol, format!("{} answered no event stream", call.name())))
    })
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("is_open", &self.is_open()).finish_non_exhaustive()
    }
}
