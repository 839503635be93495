//! Where webhooks meet the waits for their runs.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comfyicu_model::RunId;
use tokio::sync::Notify;

/// How many runs are remembered of which news came before anybody waited for them.
const REMEMBERED: usize = 1024;

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
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    waits: HashMap<RunId, Entry>,
    /// The runs that there were news of while nobody waited: a run may end before its wait begins.
    early: VecDeque<RunId>,
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
        let mut shared = self.lock();
        let Some(entry) = shared.waits.get(run) else {
            shared.early.push_back(run.clone());
            if shared.early.len() > REMEMBERED {
                shared.early.pop_front();
            }
            return 0;
        };
        // One that is about to listen hears of it too; the others are woken.
        entry.notify.notify_waiters();
        entry.notify.notify_one();
        entry.waits
    }

    pub(crate) fn subscribe(&self, run: &RunId) -> Subscription {
        let mut shared = self.lock();
        let known = shared.early.len();
        shared.early.retain(|early| early != run);
        let has_news = shared.early.len() < known;
        let new = || Entry { notify: Arc::default(), waits: 0 };
        let entry = shared.waits.entry(run.clone()).or_insert_with(new);
        entry.waits += 1;
        if has_news {
            entry.notify.notify_one();
        }
        Subscription { hub: self.clone(), run: run.clone(), notify: Arc::clone(&entry.notify) }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for WebhookHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookHub").field("runs", &self.lock().waits.len()).finish()
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
        let mut shared = self.hub.lock();
        if let Some(entry) = shared.waits.get_mut(&self.run) {
            entry.waits -= 1;
            if entry.waits == 0 {
                shared.waits.remove(&self.run);
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
        // News that came before anybody waited are heard by the first who does.
        hub.subscribe(&run).arrival().await;
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
