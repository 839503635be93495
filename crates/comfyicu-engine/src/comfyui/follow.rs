//! Following a prompt to its end, whatever happens to the WebSocket.
//!
//! The WebSocket is the fast way, and the history has the truth. Where messages do not come, because the socket
//! is gone or somebody took its place, the queue is read first and the history second: in the other order a
//! prompt that ends in between would be in neither.

use std::time::Duration;

use comfyicu_model::NodeId;
use tokio::time::{Instant, sleep_until};

use super::ComfyError;
use super::client::{ComfyClient, Ending, Failure, HistoryEntry, Interruption, NodeOutput};
use super::message::{SocketEvent, SocketMessage};
use super::socket::Socket;

/// How often is looked while the socket tells what happens: in case somebody took its place.
const WATCHED: Duration = Duration::from_secs(10);
/// How soon is looked where there is no socket, at first; each time twice as long.
const UNWATCHED: Duration = Duration::from_millis(100);
/// The longest that is waited where there is no socket.
const UNWATCHED_LONGEST: Duration = Duration::from_secs(1);
/// How soon after a message that is nearly the end is looked for the end itself.
const NEARLY: Duration = Duration::from_millis(200);
/// How long a history may come after the message that says that it is there.
const LATE_HISTORY: Duration = Duration::from_secs(5);
/// How long nobody may listen where ComfyUI was, before its prompts count as lost. They are: it forgets them when
/// it ends.
const REFUSED: Duration = Duration::from_secs(5);
/// How long ComfyUI may be silent otherwise.
const SILENT: Duration = Duration::from_secs(300);
/// How often in a row a prompt must be neither in the queue nor in the history.
const MISSES: u32 = 2;
/// The most outputs that are remembered from messages, for a history that was emptied.
const REMEMBERED: usize = 1000;

/// Why the end of a prompt will not be known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// ComfyUI answers, and does not know it.
    #[error(
        "ComfyUI does not know the prompt any more: it was started again, or somebody took it out of its queue"
    )]
    Forgotten,
    /// ComfyUI does not answer.
    #[error("ComfyUI does not answer any more")]
    Gone(#[source] ComfyError),
}

/// Follows one prompt.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    client: &'a ComfyClient,
    client_id: &'a str,
    prompt_id: &'a str,
    socket: Option<Socket>,
    /// Whether the end is when ComfyUI has put the prompt away, and not when its success is told.
    until_put_away: bool,
    seen: Seen,
    misses: u32,
    trouble_since: Option<Instant>,
    pause: Duration,
}

/// What the messages told.
#[derive(Debug, Default)]
struct Seen {
    has_begun: bool,
    /// Whether the prompt began while somebody listened, and nothing can have been missed since.
    is_whole: bool,
    outputs: Vec<NodeOutput>,
    ending: Option<Ending>,
    /// Whether the last message came.
    is_over: bool,
    /// Since when the history should be there.
    over: Option<Instant>,
}

impl<'a> Follower<'a> {
    pub(super) const fn new(
        client: &'a ComfyClient,
        (client_id, prompt_id): (&'a str, &'a str),
        socket: Option<Socket>,
    ) -> Self {
        let seen = Seen {
            has_begun: false,
            is_whole: false,
            outputs: Vec::new(),
            ending: None,
            is_over: false,
            over: None,
        };
        Self {
            client,
            client_id,
            prompt_id,
            socket,
            until_put_away: false,
            seen,
            misses: 0,
            trouble_since: None,
            pause: UNWATCHED,
        }
    }

    /// Waits until the prompt is in the history, where it can be taken out of it.
    pub(super) const fn until_put_away(mut self, until_put_away: bool) -> Self {
        self.until_put_away = until_put_away;
        self
    }

    /// Waits for the end, and tells what happens on the way. Gives the socket back, where there still is one.
    pub(super) async fn end(
        mut self,
        mut tell: impl FnMut(&SocketEvent) + Send,
    ) -> Result<(HistoryEntry, Option<Socket>), Lost> {
        let mut look_at = Instant::now() + self.rest();
        loop {
            let message = tokio::select! {
                // What has come is heard before anybody is asked.
                biased;
                message = next(&mut self.socket) => message,
                () = sleep_until(look_at) => {
                    if let Some(entry) = self.look().await? {
                        return Ok((entry, self.socket));
                    }
                    look_at = Instant::now() + self.rest();
                    continue;
                }
            };
            let Some(message) = message else {
                // What was missed is not sent again, so it is looked for at once.
                self.seen.is_whole = false;
                self.pause = UNWATCHED;
                look_at = Instant::now();
                continue;
            };
            if !self.is_ours(&message) {
                continue;
            }
            tell(&message.event);
            let is_nearly_over = self.seen.take(message.event);
            if let Some(entry) = self.seen.whole(self.until_put_away) {
                return Ok((entry, self.socket));
            }
            if is_nearly_over {
                // The history is there now, or a moment after the messages that come just before this one.
                let is_there = self.seen.is_over || (self.seen.over.is_some() && !self.seen.is_whole);
                let wait = if is_there { Duration::ZERO } else { NEARLY };
                look_at = look_at.min(Instant::now() + wait);
            }
        }
    }

    /// Previews of old versions name no prompt, and texts never do; the socket is this prompt's alone, and
    /// ComfyUI runs one at a time.
    fn is_ours(&self, message: &SocketMessage) -> bool {
        match &message.prompt_id {
            Some(prompt_id) => prompt_id == self.prompt_id,
            None => matches!(message.event, SocketEvent::Preview { .. }) && self.seen.is_running(),
        }
    }

    /// How long until the next look.
    fn rest(&mut self) -> Duration {
        if self.seen.over.is_some() || self.seen.ending.is_some() || self.misses > 0 {
            return NEARLY;
        }
        if self.socket.is_some() {
            return WATCHED;
        }
        let pause = self.pause;
        self.pause = pause.saturating_mul(2).min(UNWATCHED_LONGEST);
        pause
    }

    /// Looks whether the prompt has ended.
    async fn look(&mut self) -> Result<Option<HistoryEntry>, Lost> {
        match self.ask().await {
            Ok(found) => {
                self.trouble_since = None;
                Ok(found)
            }
            Err(Asked::Lost(lost)) => Err(lost),
            Err(Asked::Trouble(error)) => {
                let since = *self.trouble_since.get_or_insert_with(Instant::now);
                let patience = if error.is_unsent() { REFUSED } else { SILENT };
                if since.elapsed() >= patience || !error.is_trouble() {
                    return Err(Lost::Gone(error));
                }
                Ok(None)
            }
        }
    }

    async fn ask(&mut self) -> Result<Option<HistoryEntry>, Asked> {
        if self.seen.over.is_some()
            && let Some(entry) = self.client.history(self.prompt_id).await?
        {
            return Ok(Some(entry));
        }
        if self.socket.is_none() {
            self.socket = self.client.socket(self.client_id).await.ok();
        }
        if self.client.queue().await?.has(self.prompt_id) {
            self.misses = 0;
            return Ok(None);
        }
        if let Some(entry) = self.client.history(self.prompt_id).await? {
            return Ok(Some(entry));
        }
        // Somebody emptied the history, or it is late: the messages know.
        if let Some(over) = self.seen.over {
            return match self.seen.ending.take() {
                Some(ending) if over.elapsed() >= LATE_HISTORY => {
                    Ok(Some(HistoryEntry { outputs: std::mem::take(&mut self.seen.outputs), ending }))
                }
                Some(ending) => {
                    self.seen.ending = Some(ending);
                    Ok(None)
                }
                None if over.elapsed() >= LATE_HISTORY => Err(Asked::Lost(Lost::Forgotten)),
                None => Ok(None),
            };
        }
        self.misses += 1;
        if self.misses >= MISSES { Err(Asked::Lost(Lost::Forgotten)) } else { Ok(None) }
    }
}

/// Why asking gave nothing.
enum Asked {
    Trouble(ComfyError),
    Lost(Lost),
}

impl From<ComfyError> for Asked {
    fn from(error: ComfyError) -> Self {
        Self::Trouble(error)
    }
}

impl Seen {
    /// What the history will say, where all messages came: from the first one to that which says that the prompt has
    /// succeeded, or is over. Nobody has to be asked then.
    fn whole(&mut self, until_put_away: bool) -> Option<HistoryEntry> {
        // That it is over follows when ComfyUI has put it away, and says nothing new of a success.
        let is_known = self.is_over || (!until_put_away && self.ending == Some(Ending::Success));
        if !self.is_whole || !is_known {
            return None;
        }
        let ending = self.ending.take()?;
        Some(HistoryEntry { outputs: std::mem::take(&mut self.outputs), ending })
    }

    /// Takes what happened, and says whether the end is near.
    fn take(&mut self, event: SocketEvent) -> bool {
        match event {
            SocketEvent::Executing { .. } => {
                self.has_begun = true;
                return false;
            }
            SocketEvent::Started => {
                self.has_begun = true;
                self.is_whole = self.outputs.is_empty() && self.ending.is_none() && self.over.is_none();
                return false;
            }
            SocketEvent::Ended => {
                self.is_over = true;
                self.over.get_or_insert_with(Instant::now);
            }
            SocketEvent::Succeeded => {
                // A blocked node is told as a failure, and the prompt goes on to its success.
                self.ending = Some(Ending::Success);
                self.over.get_or_insert_with(Instant::now);
            }
            SocketEvent::Failed(failure) => self.fail(failure),
            SocketEvent::Interrupted(interruption) => self.interrupt(interruption),
            SocketEvent::Executed { node, output, .. } => {
                self.remember(node, output);
                return false;
            }
            _ => return false,
        }
        true
    }

    fn fail(&mut self, failure: Box<Failure>) {
        self.ending.get_or_insert(Ending::Failed(failure));
    }

    fn interrupt(&mut self, interruption: Interruption) {
        self.ending = Some(Ending::Interrupted(interruption));
    }

    fn remember(&mut self, node_id: NodeId, ui: comfyicu_model::json::Object) {
        self.outputs.retain(|output| output.node_id != node_id);
        if self.outputs.len() < REMEMBERED {
            self.outputs.push(NodeOutput { node_id, ui });
        } else {
            // The history has them all.
            self.is_whole = false;
        }
    }

    const fn is_running(&self) -> bool {
        self.has_begun && self.over.is_none()
    }
}

/// The next message; nothing once when the socket has gone, and never where there is none.
async fn next(socket: &mut Option<Socket>) -> Option<SocketMessage> {
    let Some(open) = socket else { return std::future::pending().await };
    match open.next().await {
        Ok(Some(message)) => Some(message),
        gone => {
            tracing::debug!(?gone, "the WebSocket is gone");
            *socket = None;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(until_put_away: bool, events: impl IntoIterator<Item = SocketEvent>) -> Option<Ending> {
        let mut seen = Seen::default();
        for event in events {
            seen.take(event);
        }
        seen.whole(until_put_away).map(|entry| entry.ending)
    }

    #[test]
    fn a_success_is_the_end_unless_the_history_is_waited_for() {
        use SocketEvent::{Ended, Started, Succeeded};
        assert_eq!(seen(false, [Started, Succeeded]), Some(Ending::Success));
        assert_eq!(seen(true, [Started, Succeeded]), None);
        assert_eq!(seen(true, [Started, Succeeded, Ended]), Some(Ending::Success));
        assert_eq!(seen(false, [Succeeded]), None, "something was missed");
    }
}
