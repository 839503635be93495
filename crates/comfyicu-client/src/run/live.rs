//! The event stream of a run, kept open: an extension. It is polled from the wait itself; nothing is spawned.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use comfyicu_transport::ResponseBody;
use futures_util::StreamExt as _;
use http::header;
use tokio::time::{Instant, sleep_until};

use super::event::Told;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};
use crate::run::RunHandle;
use crate::sse::Parser;

/// How long to wait before connecting again: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What is heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The stream is open. What happened before comes first.
    Connected,
    /// Something happened.
    Told(Told),
    /// The stream broke, and is opened again after a while: look for oneself meanwhile.
    Lost,
    /// There is no stream: look for oneself from now on.
    Off,
}

type Connecting = Pin<Box<dyn Future<Output = Result<ResponseBody, Error>> + Send>>;

/// The event stream of a run.
pub(super) struct Live {
    run: RunHandle,
    state: State,
    parser: Parser,
    waiting: VecDeque<Told>,
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
    /// A stream that is opened when it is listened to.
    pub(super) fn new(run: RunHandle) -> Self {
        let state = State::Pause(Instant::now());
        Self {
            run,
            state,
            parser: Parser::default(),
            waiting: VecDeque::new(),
            last_id: None,
            pause: FIRST_PAUSE,
        }
    }

    /// No stream.
    pub(super) fn off(run: RunHandle) -> Self {
        Self { state: State::Off, ..Self::new(run) }
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
            if let Some(told) = self.waiting.pop_front() {
                return Heard::Told(told);
            }
            match &mut self.state {
                State::Off => std::future::pending::<()>().await,
                State::Pause(until) => {
                    sleep_until(*until).await;
                    self.state = State::Connecting(connect(self.run.clone(), self.last_id.clone()));
                }
                State::Connecting(connecting) => match connecting.await {
                    Ok(body) => {
                        self.parser = Parser::default();
                        self.state = State::Open(body);
                        return Heard::Connected;
                    }
                    Err(error) if error.is_retryable() => return self.lose(),
                    Err(_) => {
                        self.state = State::Off;
                        return Heard::Off;
                    }
                },
                State::Open(body) => match body.next().await {
                    Some(Ok(bytes)) => {
                        if !self.take(&bytes) {
                            return self.lose();
                        }
                    }
                    Some(Err(_)) | None => return self.lose(),
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
            self.waiting.extend(Told::read(&event));
        }
        true
    }

    fn lose(&mut self) -> Heard {
        let spread = self.pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.state = State::Pause(Instant::now() + spread);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Heard::Lost
    }
}

fn connect(run: RunHandle, last_id: Option<String>) -> Connecting {
    Box::pin(async move {
        let client = run.client();
        let call = Call::run_events(&client.inner.base, run.workflow_id(), run.id(), last_id);
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
