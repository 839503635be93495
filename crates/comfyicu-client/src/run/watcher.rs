//! Watching one run: looks and events, within the bounds of the wait. Nothing is spawned.

mod awaited;

use std::sync::Arc;
use std::time::Duration;

use comfyicu_model::{Run, RunEvent as Told, RunStatus};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::crowd::{self, Lead, News, Seat, Turn};
use super::event::{RunEventKind, wants_a_look};
use super::live::{Heard, Live};
use super::schedule::{Delays, Situation};
use crate::capabilities::Extension;
use crate::endpoint::Call;
use crate::error::Error;
use crate::run::{FailedRun, GaveUp, PollSchedule, RunHandle, WaitBound, WaitError};
use crate::webhook::{Subscription, WebhookHub};
use awaited::{arrival, at, hearing, news, within};

/// The longest that a service which wants to be left alone is obeyed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// How long a stream of events may take to open before the run is looked at all the same.
const OPENING: Duration = Duration::from_secs(2);
/// How often is looked while events come: in case one was lost on the way.
const SAFETY: Duration = Duration::from_secs(30);

/// What bounds a wait.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) total: Duration,
    pub(super) in_status: Vec<(RunStatus, Duration)>,
    pub(super) tolerance: Duration,
    pub(super) schedule: PollSchedule,
    pub(super) hub: Option<WebhookHub>,
    pub(super) may_stream: bool,
    /// Whether a run that was not submitted just now is looked at before anything else: it may be over.
    pub(super) looks_first: bool,
}

/// What was seen.
#[derive(Debug)]
pub(super) enum Step {
    /// The run, by looking at it or at a list that has it.
    Looked(Arc<Run>),
    /// A look that failed, and is tolerated.
    Tolerated(Arc<Error>),
    /// An event.
    Told(Told),
}

/// What happens first.
enum Happened {
    TooLate,
    Heard(Heard),
    Webhook,
    News(News),
    Due,
}

/// Watches one run.
#[derive(Debug)]
pub(super) struct Watcher {
    run: RunHandle,
    bounds: Bounds,
    begin: Instant,
    /// When the run came into being, as far as is known here.
    born: Instant,
    delays: Delays,
    live: Option<Live>,
    hub: Option<Subscription>,
    /// The place among the other waits of the workflow, while this one looks.
    seat: Option<Seat>,
    /// A look is due, and waits for a list that others ask for.
    is_due: bool,
    next_look: Instant,
    /// Until when the service wants to be left alone.
    not_before: Instant,
    polls: u32,
    last: Option<Arc<Run>>,
    last_good: Instant,
    status: Option<RunStatus>,
    status_since: Instant,
}

impl Watcher {
    pub(super) fn new(run: RunHandle, bounds: Bounds) -> Self {
        let begin = Instant::now();
        let hub = bounds.hub.as_ref().map(|hub| hub.subscribe(run.id()));
        let mut watcher = Self {
            born: run.submitted_at.unwrap_or(begin),
            delays: bounds.schedule.start(),
            live: None,
            hub,
            seat: None,
            is_due: false,
            next_look: begin,
            not_before: begin,
            polls: 0,
            last: None,
            last_good: begin,
            status: None,
            status_since: begin,
            begin,
            run,
            bounds,
        };
        if watcher.run.submitted_at.is_some() {
            watcher.next_look = later(begin, watcher.delays.first(watcher.situation()));
        }
        watcher.sit_down();
        watcher
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// What is seen next.
    pub(super) async fn next(&mut self) -> Result<Step, WaitError> {
        let looks_first = self.bounds.looks_first && self.polls == 0 && self.run.submitted_at.is_none();
        if !looks_first {
            self.begin_to_listen().await;
        }
        loop {
            let (deadline, bound) = self.deadline();
            let Self { live, hub, seat, next_look, .. } = self;
            let happened = tokio::select! {
                biased;
                () = at(deadline) => Happened::TooLate,
                heard = hearing(live.as_mut()) => Happened::Heard(heard),
                () = arrival(hub.as_ref()) => Happened::Webhook,
                news = news(seat.as_ref()) => Happened::News(news),
                () = sleep_until(*next_look) => Happened::Due,
            };
            let step = match happened {
                Happened::TooLate => return Err(self.gave_up(bound)),
                Happened::Heard(heard) => self.hear(heard),
                Happened::Webhook => Some(self.look(deadline, bound).await?),
                Happened::News(news) => self.take(news),
                Happened::Due => self.take_a_turn(deadline, bound).await?,
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// Sits down among those who look, where the schedule leaves it to the client how.
    fn sit_down(&mut self) {
        let run = &self.run;
        if self.seat.is_none() && self.bounds.schedule.is_shared() {
            self.seat = Some(run.client().inner.crowds.join(run.workflow_id(), run.id()));
        }
    }

    /// Opens the stream of events, where the service has one.
    async fn begin_to_listen(&mut self) {
        if self.live.is_some() {
            return;
        }
        let has_events = self.bounds.may_stream && {
            let deadline = self.deadline().0.unwrap_or_else(|| later(self.begin, SAFETY));
            let capabilities = timeout_at(deadline, self.run.client().capabilities()).await;
            // A server that cannot be asked is looked at.
            matches!(capabilities, Ok(Ok(capabilities)) if capabilities.has(Extension::Events))
        };
        let run = self.run.clone();
        let live = Live::new(run.client().clone(), None, move |last| {
            Call::run_events(&run.client().inner.base, run.workflow_id(), run.id(), last)
        });
        self.live = Some(if has_events {
            // Those who hear need no list.
            self.seat = None;
            self.next_look = later(Instant::now(), OPENING);
            live
        } else {
            live.off()
        });
    }

    fn hear(&mut self, heard: Heard) -> Option<Step> {
        match heard {
            Heard::Connected => {
                self.seat = None;
                self.next_look = later(Instant::now(), SAFETY);
            }
            Heard::Lost(_) | Heard::Off(_) => {
                self.sit_down();
                self.look_soon();
            }
            Heard::Told(told, _) => {
                self.last_good = Instant::now();
                if let RunEventKind::Status { status, .. } = RunEventKind::of(&told) {
                    self.note(Some(status));
                }
                if wants_a_look(&told) {
                    self.look_soon();
                }
                return Some(Step::Told(told));
            }
        }
        None
    }

    /// What others have found out.
    fn take(&mut self, news: News) -> Option<Step> {
        match news {
            News::Seen(run) => {
                self.polls = self.polls.saturating_add(1);
                return Some(self.saw(run));
            }
            News::Failed(error) if self.is_tolerated(&error) => {
                self.polls = self.polls.saturating_add(1);
                return Some(self.tolerate(error));
            }
            // The run's own answer says what it is.
            News::Failed(_) => {
                self.seat = None;
                self.look_soon();
            }
            News::Lacking | News::Open => {
                if std::mem::take(&mut self.is_due) {
                    self.look_soon();
                }
            }
        }
        None
    }

    /// Looks, or asks for the list that others wait for too, or waits for them.
    async fn take_a_turn(
        &mut self,
        deadline: Option<Instant>,
        bound: WaitBound,
    ) -> Result<Option<Step>, WaitError> {
        let has_pages = crowd::has_pages(self.run.client());
        match self.seat.as_ref().map_or(Turn::Alone, |seat| seat.turn(Instant::now(), has_pages)) {
            Turn::Alone => self.look(deadline, bound).await.map(Some),
            Turn::List(lead) => self.lead(lead, has_pages, deadline, bound).await.map(|()| None),
            Turn::Until(moment) => {
                (self.is_due, self.next_look) = (true, moment);
                Ok(None)
            }
        }
    }

    /// Asks for the list. What it shows comes as news, as to everybody else.
    async fn lead(
        &mut self,
        lead: Lead,
        has_pages: bool,
        deadline: Option<Instant>,
        bound: WaitBound,
    ) -> Result<(), WaitError> {
        self.is_due = true;
        let list = lead.list(self.run.client(), self.run.workflow_id(), has_pages);
        within(deadline, list).await.ok_or_else(|| self.gave_up(bound))
    }

    async fn look(&mut self, deadline: Option<Instant>, bound: WaitBound) -> Result<Step, WaitError> {
        self.polls = self.polls.saturating_add(1);
        let client = self.run.client().clone();
        let call = Call::get_run(&client.inner.base, self.run.workflow_id(), self.run.id()).once();
        let look = async { client.exchange(&call).await?.into_run() };
        match within(deadline, look).await.ok_or_else(|| self.gave_up(bound))? {
            Ok(run) => Ok(self.saw(Arc::new(run))),
            Err(error) if self.is_tolerated(&error) => Ok(self.tolerate(Arc::new(error))),
            Err(error) => Err(WaitError::Request(error)),
        }
    }

    fn saw(&mut self, run: Arc<Run>) -> Step {
        self.last_good = Instant::now();
        self.note(run.status());
        self.last = Some(Arc::clone(&run));
        if run.status() == Some(RunStatus::Completed) {
            self.run.client().inner.lengths.learn(self.run.workflow_id(), &run);
        }
        self.plan(run.status(), Duration::ZERO);
        Step::Looked(run)
    }

    fn tolerate(&mut self, error: Arc<Error>) -> Step {
        self.plan(None, error.retry_after().unwrap_or_default().min(MAX_RETRY_AFTER));
        Step::Tolerated(error)
    }

    /// Looks as soon as the service wants to be asked again.
    fn look_soon(&mut self) {
        self.next_look = self.not_before.max(Instant::now());
    }

    /// Sets when to look next, after a look that showed a status, or failed.
    fn plan(&mut self, seen: Option<RunStatus>, asked: Duration) {
        self.is_due = false;
        let situation = self.situation();
        let delay = if self.live.as_ref().is_some_and(Live::is_open) {
            SAFETY
        } else {
            self.delays.after(seen, situation)
        };
        self.not_before = later(Instant::now(), asked);
        self.next_look = self.not_before.max(later(Instant::now(), delay));
    }

    fn situation(&self) -> Situation {
        let window = self.run.client().inner.lengths.window(self.run.workflow_id());
        // Of a run that was not submitted here it is not known how old it is.
        let window = window.filter(|_| self.run.submitted_at.is_some());
        let age = self.born.elapsed();
        Situation { age, window, random: fastrand::f64() }
    }

    fn note(&mut self, status: Option<RunStatus>) {
        if status != self.status {
            self.status = status;
            self.status_since = Instant::now();
        }
    }

    /// Until when there is time, and which bound that is.
    fn deadline(&self) -> (Option<Instant>, WaitBound) {
        let total = (self.begin.checked_add(self.bounds.total), WaitBound::Total(self.bounds.total));
        if self.bounds.schedule.poll_limit().is_some_and(|limit| self.polls >= limit) {
            // What the documented loop does: it waits once more, and then it does not look.
            return (Some(self.next_look), WaitBound::Polls(self.polls));
        }
        let limits = self.bounds.in_status.iter().filter(|(status, _)| Some(status) == self.status.as_ref());
        limits.fold(total, |earliest, (status, limit)| match self.status_since.checked_add(*limit) {
            Some(at) if earliest.0.is_none_or(|earliest| at < earliest) => {
                (Some(at), WaitBound::InStatus(status.clone(), *limit))
            }
            _ => earliest,
        })
    }

    fn is_tolerated(&self, error: &Error) -> bool {
        error.may_pass() && self.last_good.elapsed() < self.bounds.tolerance
    }

    fn gave_up(&mut self, bound: WaitBound) -> WaitError {
        let id = self.run.id().clone();
        let (elapsed, polls, last) =
            (self.begin.elapsed(), self.polls, self.last.take().map(Arc::unwrap_or_clone));
        WaitError::GaveUp(Box::new(GaveUp { id, elapsed, polls, bound, last }))
    }
}

/// What a run that has ended means to who waits.
pub(super) fn ended(run: Run) -> Result<Run, WaitError> {
    match run.status() {
        Some(RunStatus::Completed) => Ok(run),
        _ => Err(WaitError::Failed(Box::new(FailedRun { run }))),
    }
}

/// A moment later; far away, where that is beyond all time.
fn later(moment: Instant, delay: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    moment.checked_add(delay.min(FAR)).unwrap_or(moment)
}
