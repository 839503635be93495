//! The events for one reader: first those that were written down, then those that happen.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::frame::Frame;
use crate::app::App;
use crate::live::{LiveEvent, Step, Watch};
use crate::report::with_causes;
use crate::run::{EventKind, LifecycleEvent};
use crate::store::{RunKey, RunStore, Scope, StoreError};
use crate::worker::RunQueue;

/// How many events are read up on at once.
const BATCH: u32 = 256;
/// How often it is looked whether a run that waits has moved up.
const POSITION_INTERVAL: Duration = Duration::from_secs(1);
/// How long progress waits for more to come: a message that a person cannot tell from the next one costs as much as any.
const PACE: Duration = Duration::from_millis(40);
/// The most of it that waits: previews are large.
const MOST_WAITING: usize = 64;

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Beginning,
    Now,
    After(i64),
}

/// What becomes of previews, which are much larger than anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Previews {
    LeftOut,
    PassedOn,
}

/// The events for one reader.
#[derive(Debug)]
pub(super) struct Feed {
    store: Arc<dyn RunStore>,
    queue: Arc<RunQueue>,
    watch: Watch,
    /// The last event that was written down and passed on.
    seen: i64,
    /// Whether there may be events that were written down and not passed on.
    behind: bool,
    /// What is to be passed on next: at most a batch, or what the watch held.
    frames: VecDeque<Frame>,
    /// The run, while it waits, and the position that was told last.
    waiting: Option<(RunKey, Option<usize>)>,
    /// Whether nothing comes any more after what was written down.
    over: bool,
    ended: bool,
    previews: Previews,
}

impl Feed {
    /// `over` says that all that will ever happen is written down already.
    pub(super) async fn open(app: &App, scope: Scope, from: From, over: bool) -> Result<Self, StoreError> {
        // Watched first: what happens from here on is in the watch, what happened before in the store.
        let watch = app.bus.live.watch(scope);
        let (seen, behind) = match from {
            From::Beginning => (0, true),
            From::After(seen) => (seen, true),
            From::Now => (app.runs.latest_event().await?, false),
        };
        Ok(Self {
            store: Arc::clone(&app.runs),
            queue: Arc::clone(&app.bus.queue),
            watch,
            seen,
            behind,
            frames: VecDeque::new(),
            waiting: None,
            over,
            ended: false,
            previews: Previews::LeftOut,
        })
    }

    /// Passes previews of images on, too.
    pub(super) const fn with_previews(mut self) -> Self {
        self.previews = Previews::PassedOn;
        self
    }

    /// The next event; `None` when there will be no more.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing but progress.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            if self.ended {
                return None;
            }
            if self.behind {
                self.read_up().await?;
            } else {
                self.listen().await?;
            }
        }
    }

    /// Takes up what was written down.
    async fn read_up(&mut self) -> Option<()> {
        match self.store.events(self.watch.scope(), self.seen, BATCH).await {
            Ok(events) => {
                self.behind = events.len() == BATCH as usize;
                self.ended = self.over && !self.behind;
                for event in &events {
                    self.take_lifecycle(event);
                }
                Some(())
            }
            Err(error) => {
                // The reader comes back and goes on from what it has seen.
                tracing::error!(error = with_causes(&error), "events cannot be read");
                None
            }
        }
    }

    /// Waits for what happens. A change of a run is passed on at once, and progress with what comes shortly behind it.
    async fn listen(&mut self) -> Option<()> {
        let moved = async {
            match &self.waiting {
                Some(_) => tokio::time::sleep(POSITION_INTERVAL).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.watch.receiver.recv() => self.received(event)?,
            () = moved => self.tell_position(),
        }
        let mut no_longer = pin!(tokio::time::sleep(PACE));
        while self.has_only_progress() {
            tokio::select! {
                biased;
                event = self.watch.receiver.recv() => self.received(event)?,
                () = &mut no_longer => break,
            }
        }
        // What came meanwhile comes along, so that only the newest progress is passed on.
        loop {
            match self.watch.receiver.try_recv() {
                Ok(event) => self.take(event),
                Err(TryRecvError::Lagged(_)) => self.resync(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(()),
            }
        }
    }

    /// Whether there is something to pass on, and nothing of it is wanted at once.
    fn has_only_progress(&self) -> bool {
        let is_some = (1..MOST_WAITING).contains(&self.frames.len());
        !self.behind && is_some && self.frames.iter().all(|frame| frame.id.is_none())
    }

    fn received(&mut self, event: Result<LiveEvent, RecvError>) -> Option<()> {
        match event {
            Ok(event) => self.take(event),
            Err(RecvError::Lagged(_)) => self.resync(),
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }

    fn take(&mut self, event: LiveEvent) {
        match event {
            // What was written down is read, all of it and in its order; progress of a run whose changes are
            // still to be read would come too early.
            LiveEvent::Lifecycle(_) | LiveEvent::Progress(_) if self.behind => {}
            LiveEvent::Lifecycle(event) => self.take_lifecycle(&event),
            LiveEvent::Progress(progress) => {
                if self.previews == Previews::LeftOut && matches!(progress.step, Step::Preview(_)) {
                    return;
                }
                let Some(frame) = Frame::of_progress(&progress) else { return };
                match self.frames.back_mut().filter(|last| last.is_outdated_by(&frame)) {
                    Some(last) => *last = frame,
                    None => self.frames.push_back(frame),
                }
            }
        }
    }

    fn take_lifecycle(&mut self, event: &LifecycleEvent) {
        if event.seq <= self.seen {
            return;
        }
        self.seen = event.seq;
        let waits = event.kind == EventKind::Queued;
        let position = waits.then(|| self.queue.position(&event.run.run_id)).flatten();
        self.frames.push_back(Frame::of_lifecycle(event, position));
        if matches!(self.watch.scope(), Scope::Run(_)) {
            self.waiting = waits.then(|| (event.run.clone(), position));
            self.ended |= event.kind.is_end();
        }
    }

    /// The reader was too slow, and what it missed of the progress is gone. What was written down is read.
    fn resync(&mut self) {
        self.frames.push_back(Frame::resync());
        self.behind = true;
    }

    fn tell_position(&mut self) {
        let Some((key, told)) = &mut self.waiting else { return };
        let position = self.queue.position(&key.run_id);
        if let Some(now) = position
            && *told != position
        {
            *told = position;
            self.frames.push_back(Frame::of_position(key, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use comfyicu_engine::{Event, EventSink as _};
    use comfyicu_model::{RunId, WorkflowId};
    use tokio::time::Instant;

    use super::*;
    use crate::bus::Bus;
    use crate::owner::Owner;
    use crate::store::SqliteStore;

    #[tokio::test(start_paused = true)]
    async fn progress_waits_for_what_follows_and_a_change_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let bus = Bus::default();
        let store = SqliteStore::open(&folder.path().join("runs.db"), Arc::new(bus.clone())).await.unwrap();
        let (run_id, workflow_id) = (RunId::parse("r1").unwrap(), WorkflowId::parse("w1").unwrap());
        let run = RunKey { owner: Owner::local(), workflow_id, run_id };
        let mut feed = Feed {
            store: Arc::new(store),
            queue: bus.queue,
            watch: bus.live.watch(Scope::Run(run.run_id.clone())),
            seen: 0,
            behind: false,
            frames: VecDeque::new(),
            waiting: None,
            over: false,
            ended: false,
            previews: Previews::LeftOut,
        };
        let progress = bus.live.of_run(run.clone());
        let telling = async {
            for percent in [10, 20, 30, 40] {
                progress.emit(Event::Overall { percent });
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        let begun = Instant::now();
        let (first, ()) = tokio::join!(feed.next(), telling);
        let percent = |frame: Frame| frame.data.get("percent").map(comfyicu_model::json::Value::to_json);
        assert_eq!(first.and_then(percent).as_deref(), Some("20"), "the newest within 40 ms");
        assert_eq!(feed.next().await.and_then(percent).as_deref(), Some("40"));

        progress.emit(Event::Overall { percent: 50 });
        let at = comfyicu_model::Timestamp::from_unix_millis(0);
        bus.live.tell(&LifecycleEvent { seq: 1, run, kind: EventKind::Completed, attempt: 1, at });
        let told = Instant::now();
        assert_eq!(feed.next().await.and_then(percent).as_deref(), Some("50"));
        assert_eq!(feed.next().await.map(|frame| frame.name), Some("completed"));
        assert_eq!((told.elapsed(), begun.elapsed() < Duration::from_secs(1)), (Duration::ZERO, true));
    }
}
