//! Taking a prompt back from ComfyUI: exactly this one, whether it waits or runs.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::backend::Slot;
use super::client::ComfyClient;

/// How long whoever cancels waits for the first try.
const FIRST_TRY: Duration = Duration::from_secs(2);
/// How often it is tried again. Most nodes stop only at their end.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a prompt is waited for that does not stop.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A prompt that ComfyUI may have. Dropped before it [ended](Self::ended), it is taken back, and its place on the
/// ComfyUI stays taken until it is gone.
#[derive(Debug)]
pub(super) struct Given {
    client: ComfyClient,
    prompt_id: String,
    slot: Option<Slot>,
    is_over: bool,
}

impl Given {
    /// A prompt that is about to be given to a ComfyUI.
    pub(super) const fn new(client: ComfyClient, prompt_id: String, slot: Slot) -> Self {
        Self { client, prompt_id, slot: Some(slot), is_over: false }
    }

    /// ComfyUI is done with it, or never had it.
    pub(super) fn ended(mut self) {
        self.is_over = true;
    }

    /// Takes it back, as far as that can be waited for; the rest goes on in the background.
    pub(super) async fn withdraw(mut self) {
        if let Ok(gone) = timeout(FIRST_TRY, try_once(&self.client, &self.prompt_id)).await {
            self.is_over = gone;
        }
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (client, prompt_id, slot) = (self.client.clone(), self.prompt_id.clone(), self.slot.take());
        runtime.spawn(async move {
            let begun = Instant::now();
            while begun.elapsed() < PATIENCE && !try_once(&client, &prompt_id).await {
                sleep(PAUSE).await;
            }
            drop(slot);
        });
    }
}

/// Takes a prompt out of the queue, or interrupts it where it runs; says whether it is gone. What ComfyUI does not
/// have, or cannot be asked for any more, is gone.
async fn try_once(client: &ComfyClient, prompt_id: &str) -> bool {
    if client.delete_pending(prompt_id).await.is_err_and(|error| error.is_unsent()) {
        return true;
    }
    let Ok(queue) = client.queue().await else { return false };
    // Never without looking: an older ComfyUI would interrupt whatever runs, somebody else's too.
    if queue.is_running(prompt_id)
        && let Err(error) = client.interrupt(prompt_id).await
    {
        tracing::warn!(prompt_id, %error, "a prompt cannot be interrupted");
    }
    !queue.has(prompt_id)
}
