//! The events for one reader: first those that were written down, then those that happen.

use std::collections::VecDeque;
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

    /// Waits for what happens.
    async fn listen(&mut self) -> Option<()> {
        let moved = async {
            match &self.waiting {
                Some(_) => tokio::time::sleep(POSITION_INTERVAL).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.watch.receiver.recv() => match event {
                Ok(event) => self.take(event),
                Err(RecvError::Lagged(_)) => self.resync(),
                Err(RecvError::Closed) => return None,
            },
            () = moved => self.tell_position(),
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
                // Of some only the newest of its kind matters.
                let outdated = |last: &&mut Frame| {
                    last.name == frame.name
                        && frame.is_outdated_by_next()
                        && last.data.get("run_id") == frame.data.get("run_id")
                };
                match self.frames.back_mut().filter(outdated) {
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
