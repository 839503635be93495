//! Many waits of one workflow, which ask together: one list in place of a look each, where that is less to carry.
//!
//! Nothing is spawned and nobody is in charge: the wait that is due first asks for the list, as a part of its own
//! future, and tells the others. When it is dropped, or never polled again, another one takes its turn.

mod cost;
mod pace;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use comfyicu_model::json::Value;
use comfyicu_model::{Run, RunId, WorkflowId};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::capabilities::Extension;
use crate::client::Client;
use crate::endpoint::Call;
use crate::error::Error;
use crate::send::Page;
use cost::{Cost, Listed};
use pace::Pace;

/// How many workflows are remembered of which nobody waits for a run just now.
const MAX_WORKFLOWS: usize = 512;
/// How long who asks for the list is waited for, before another one does: it may not be polled any more.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most runs that a page is asked to have.
const MAX_PAGE: usize = 1000;

/// The waits of a client, by workflow.
#[derive(Debug, Default)]
pub(crate) struct Crowds(Mutex<HashMap<WorkflowId, Arc<Crowd>>>);

/// The waits of one workflow.
struct Crowd(Mutex<State>);

struct State {
    slots: HashMap<RunId, Vec<Arc<Slot>>>,
    waits: usize,
    cost: Cost,
    pace: Pace,
    /// Who asks for the list right now, and until when that is believed.
    lead: Option<(u64, Instant)>,
    leads: u64,
}

/// Where a wait finds its news.
#[derive(Debug, Default)]
struct Slot {
    news: Mutex<Option<News>>,
    notify: Notify,
    /// The list lacks the run.
    is_lacking: AtomicBool,
}

/// What a wait hears of its run.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// The list shows it.
    Seen(Arc<Run>),
    /// The list lacks it.
    Lacking,
    /// The list could not be got, which may pass.
    Failed(Arc<Error>),
    /// Who asked for the list has gone, or has found that there is none.
    Open,
}

/// What a wait whose look is due does.
#[derive(Debug)]
pub(super) enum Turn {
    /// It looks at its run.
    Alone,
    /// It asks for the list.
    List(Lead),
    /// It waits for news, and takes another turn when there are none until then.
    Until(Instant),
}

/// One wait's place among those of its workflow. Dropped, it is given up.
#[derive(Debug)]
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    run: RunId,
    slot: Arc<Slot>,
}

/// The turn to ask for the list. Dropped, it is another one's.
#[derive(Debug)]
pub(super) struct Lead {
    crowd: Arc<Crowd>,
    number: u64,
    waits: usize,
    page: usize,
}

impl Crowds {
    /// Takes a place among the waits of a workflow.
    pub(super) fn join(&self, workflow: &WorkflowId, run: &RunId) -> Seat {
        let mut crowds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if crowds.len() >= MAX_WORKFLOWS && !crowds.contains_key(workflow) {
            crowds.retain(|_, crowd| crowd.lock().waits > 0);
        }
        let crowd = Arc::clone(crowds.entry(workflow.clone()).or_insert_with(|| Arc::new(Crowd::new())));
        drop(crowds);
        let slot = Arc::<Slot>::default();
        let mut state = crowd.lock();
        state.slots.entry(run.clone()).or_default().push(Arc::clone(&slot));
        state.waits += 1;
        drop(state);
        Seat { crowd, run: run.clone(), slot }
    }
}

impl Crowd {
    fn new() -> Self {
        let pace = Pace::starting_at(Instant::now());
        let (slots, cost) = (HashMap::new(), Cost::default());
        Self(Mutex::new(State { slots, waits: 0, cost, pace, lead: None, leads: 0 }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// What is to be done now that a look is due.
    pub(super) fn turn(&self, now: Instant, has_pages: bool) -> Turn {
        let mut state = self.crowd.lock();
        let waits = state.waits;
        if self.slot.is_lacking.load(Ordering::Relaxed) || !state.cost.pays(waits, has_pages, now) {
            return Turn::Alone;
        }
        if let Some((_, until)) = state.lead.filter(|(_, until)| now < *until) {
            return Turn::Until(until);
        }
        if let Err(moment) = state.pace.take(now) {
            return Turn::Until(moment);
        }
        state.leads += 1;
        let (number, page) = (state.leads, state.cost.depth(waits).min(MAX_PAGE));
        state.lead = Some((number, now + PATIENCE));
        Turn::List(Lead { crowd: Arc::clone(&self.crowd), number, waits, page })
    }

    /// The next news of the run.
    ///
    /// # Cancel safety
    /// Safe: news that come meanwhile are heard the next time.
    pub(super) async fn news(&self) -> News {
        loop {
            if let Some(news) = self.slot.news.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return news;
            }
            self.slot.notify.notified().await;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.crowd.lock();
        state.waits = state.waits.saturating_sub(1);
        if let Some(slots) = state.slots.get_mut(&self.run) {
            slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if slots.is_empty() {
                state.slots.remove(&self.run);
            }
        }
    }
}

impl Lead {
    /// Asks for the list, and tells everybody what it shows.
    pub(super) async fn list(self, client: &Client, workflow: &WorkflowId, has_pages: bool) {
        let limit = has_pages.then(|| ("limit", self.page.to_string()));
        let call = Call::list_runs(&client.inner.base, workflow, limit.as_slice()).once();
        let listed = client.exchange(&call).await.and_then(|answer| {
            let bytes = answer.size_bytes();
            answer.into_page().map(|page| (page, bytes))
        });
        match listed {
            Ok((page, bytes)) => self.tell(page, bytes, has_pages),
            Err(error) if error.is_retryable() => self.fail(&Arc::new(error)),
            Err(_) => self.crowd.lock().cost.is_useless(Instant::now()),
        }
    }

    fn tell(&self, page: Page, bytes: usize, has_pages: bool) {
        let mut state = self.crowd.lock();
        let items = page.items.len();
        let (mut seen, mut found, mut depth) = (HashMap::new(), 0, 0);
        for (index, item) in page.items.into_iter().enumerate() {
            let Some((run, waits)) = waited_for(&state, item) else { continue };
            (found, depth) = (found + waits, index + 1);
            seen.insert(run.id().clone(), Arc::new(run));
        }
        let listed = Listed { at: Instant::now(), bytes, items, found, depth, waits: self.waits, has_pages };
        state.cost.listed(listed);
        for (id, slots) in &state.slots {
            let news = seen.remove(id).map_or(News::Lacking, News::Seen);
            for slot in slots {
                slot.tell(news.clone());
            }
        }
    }

    fn fail(&self, error: &Arc<Error>) {
        for slot in self.crowd.lock().slots.values().flatten() {
            slot.tell(News::Failed(Arc::clone(error)));
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let mut state = self.crowd.lock();
        // Another one may have lost its patience and taken the turn.
        if state.lead.is_some_and(|(number, _)| number == self.number) {
            state.lead = None;
            for slot in state.slots.values().flatten() {
                slot.open();
            }
        }
    }
}

impl Slot {
    fn tell(&self, news: News) {
        self.is_lacking.store(matches!(news, News::Lacking), Ordering::Relaxed);
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
        self.notify.notify_one();
    }

    /// Says that there is nothing to wait for, where nothing else was said.
    fn open(&self) {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(News::Open);
        self.notify.notify_one();
    }
}

/// An item of the list as a run, with how many wait for it; `None` when nobody does.
fn waited_for(state: &State, item: Value) -> Option<(Run, usize)> {
    let id = RunId::parse(item.as_object()?.get_str("id")?).ok()?;
    let waits = state.slots.get(&id)?.len();
    Some((Run::from_value(item).ok()?, waits))
}

/// Whether the service has pages, as far as is known already.
pub(super) fn has_pages(client: &Client) -> bool {
    client.inner.capabilities.get().is_some_and(|known| known.has(Extension::Pages))
}

impl fmt::Debug for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crowd").field("waits", &self.lock().waits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
