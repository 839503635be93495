//! Open sockets that wait for the next prompt: to open one takes as long as a small prompt.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::client::ComfyClient;
use super::socket::Socket;
use super::uuid;

/// How long one waits that nobody needs.
const KEPT: Duration = Duration::from_secs(60);
/// The most that wait; several prompts of a ComfyUI end one after the other.
const MOST: usize = 8;

/// Whoever listens for one prompt: an id that is nobody else's meanwhile, and the WebSocket of that id. Without one
/// the end is asked for.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) client_id: String,
    pub(super) socket: Option<Socket>,
}

/// The listeners of one ComfyUI that wait. Each is read meanwhile, so that ComfyUI never waits for it.
#[derive(Debug, Default)]
pub(super) struct Sockets(Mutex<Vec<Waiting>>);

#[derive(Debug)]
struct Waiting {
    wanted: oneshot::Sender<()>,
    reader: JoinHandle<Option<Listener>>,
}

impl Sockets {
    /// One that waits, or a new one.
    pub(super) async fn take(&self, client: &ComfyClient) -> Listener {
        loop {
            // The newest waits for longest.
            let waiting = self.lock().pop();
            let Some(Waiting { wanted, reader }) = waiting else { break };
            if wanted.send(()).is_ok()
                && let Ok(Some(listener)) = reader.await
            {
                return listener;
            }
        }
        let client_id = uuid();
        let socket = client.socket(&client_id).await;
        let socket = socket.inspect_err(|error| tracing::debug!(%error, "no WebSocket")).ok();
        Listener { client_id, socket }
    }

    /// Keeps one whose prompt has ended. What still comes of it has that prompt's id, and is not heard.
    pub(super) fn put_back(&self, listener: Listener) {
        if listener.socket.is_none() {
            return;
        }
        let (wanted, asked) = oneshot::channel();
        let reader = tokio::spawn(read_until(asked, listener));
        let mut waiting = self.lock();
        waiting.retain(|one| !one.reader.is_finished());
        if waiting.len() >= MOST {
            waiting.remove(0);
        }
        waiting.push(Waiting { wanted, reader });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads on until somebody asks for the listener; nothing when it broke, or nobody asked for long.
async fn read_until(mut asked: oneshot::Receiver<()>, mut listener: Listener) -> Option<Listener> {
    let socket = listener.socket.as_mut()?;
    let mut too_long = std::pin::pin!(sleep(KEPT));
    loop {
        tokio::select! {
            biased;
            asked = &mut asked => break asked.ok()?,
            () = &mut too_long => return None,
            message = socket.next() => if !matches!(message, Ok(Some(_))) { return None },
        }
    }
    Some(listener)
}
