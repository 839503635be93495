//! Where webhooks meet the waits for their runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comfyicu_model::RunId;
use tokio::sync::Notify;

/// Joins webhooks to waits: a wait that is given the hub looks at its run when the hub is told of it. Clones are
/// the same hub.
///
/// What a webhook says is only a hint, which may be doubled, late or forged: the run is got from the service.
///
/// ```
/// use comfyicu_client::WebhookHub;
/// use comfyicu_model::RunId;
///
/// let hub = WebhookHub::new();
/// // handle.wait().webhooks(&hub).await
/// assert_eq!(hub.tell(&RunId::parse("APCmAT2lf8O6sAgk2Svf2")?), 0, "nobody waits for this run");
/// # Ok::<(), comfyicu_model::InvalidId>(())
/// ```
#[derive(Clone, Default)]
pub struct WebhookHub {
    waits: Arc<Mutex<HashMap<RunId, Entry>>>,
}

struct Entry {
    notify: Arc<Notify>,
    waits: usize,
}

impl WebhookHub {
    /// Makes a hub.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells those who wait for a run that there is news of it, and gives how many they are.
    pub fn tell(&self, run: &RunId) -> usize {
        let waits = self.lock();
        let Some(entry) = waits.get(run) else { return 0 };
        // One that is about to listen hears of it too; the others are woken.
        entry.notify.notify_waiters();
        entry.notify.notify_one();
        entry.waits
    }

    pub(crate) fn subscribe(&self, run: &RunId) -> Subscription {
        let mut waits = self.lock();
        let entry = waits.entry(run.clone()).or_insert_with(|| Entry { notify: Arc::default(), waits: 0 });
        entry.waits += 1;
        Subscription { hub: self.clone(), run: run.clone(), notify: Arc::clone(&entry.notify) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Entry>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for WebhookHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookHub").field("runs", &self.lock().len()).finish()
    }
}

/// One wait's part of the hub. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Subscription {
    hub: WebhookHub,
    run: RunId,
    notify: Arc<Notify>,
}

impl Subscription {
    /// Waits for news of the run.
    ///
    /// # Cancel safety
    /// Safe: news that come meanwhile are heard the next time.
    pub(crate) async fn arrival(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut waits = self.hub.lock();
        if let Some(entry) = waits.get_mut(&self.run) {
            entry.waits -= 1;
            if entry.waits == 0 {
                waits.remove(&self.run);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn news_reach_those_who_wait_and_those_who_are_about_to() {
        let hub = WebhookHub::new();
        let run = RunId::parse("r").unwrap();
        assert_eq!(hub.tell(&run), 0);
        let (one, other) = (hub.subscribe(&run), hub.subscribe(&run));
        assert_eq!(hub.tell(&run), 2);
        one.arrival().await;
        let both = async { tokio::join!(one.arrival(), other.arrival()) };
        let told = async { assert_eq!(hub.tell(&run), 2) };
        tokio::join!(both, told);
        drop((one, other));
        assert_eq!(format!("{hub:?}"), "WebhookHub { runs: 0 }");
    }
}
