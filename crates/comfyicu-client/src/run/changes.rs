//! The runs of a workflow as they change, on any service: what its webhooks would tell.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use comfyicu_model::json::Value;
use comfyicu_model::{Run, RunId, RunStatus, WebhookEvent};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use sync_wrapper::SyncStream;
use tokio::time::{Instant, sleep_until};

use super::{POLL_FAILURE_TOLERANCE, WorkflowEventStream};
use crate::capabilities::Extension;
use crate::error::Error;
use crate::workflow::Workflow;

/// How often the runs are looked at unless it is told otherwise.
const INTERVAL: Duration = Duration::from_secs(2);
/// How many of the newest runs are looked at.
const NEWEST: u16 = 100;

/// The runs of a workflow as they start and end, whoever submitted them, as its webhooks would tell: what is
/// wanted is set here, and asked for as the [`stream`](Self::stream) is read.
///
/// The newest runs are listed again and again; where the service tells of changes (an extension), it is looked as
/// soon as there is one. What had ended before the first look is not told. A run that started and ended between
/// two looks is told twice all the same, first as it was when it started.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked for until the stream is read"]
pub struct Changes {
    workflow: Workflow,
    interval: Duration,
    tolerance: Duration,
}

impl Changes {
    pub(crate) const fn new(workflow: Workflow) -> Self {
        Self { workflow, interval: INTERVAL, tolerance: POLL_FAILURE_TOLERANCE }
    }

    /// Sets how often the runs are looked at; the default is every 2 s.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long looks may fail before the stream ends; the default is [`POLL_FAILURE_TOLERANCE`].
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The changes as a stream, which does not end by itself. It ends after the first error: a key that is
    /// refused, or a service that stays out of reach.
    pub fn stream(self) -> ChangeStream {
        let now = Instant::now();
        let following = Following {
            changes: self,
            known: None,
            waiting: VecDeque::new(),
            events: None,
            next_look: now,
            last_good: now,
        };
        ChangeStream(SyncStream::new(Box::pin(stream::try_unfold(following, |mut following| async move {
            let event = following.next().await?;
            Ok(Some((event, following)))
        }))))
    }
}

/// The changes of the runs of a workflow; a [`Stream`] with what most need of one.
#[must_use = "nothing is asked for until it is read"]
pub struct ChangeStream(SyncStream<BoxStream<'static, Result<WebhookEvent, Error>>>);

impl ChangeStream {
    /// The next change.
    ///
    /// # Errors
    /// When the runs cannot be listed: at once for a refused key, after a while for a service out of reach.
    ///
    /// # Cancel safety
    /// Safe: no change is lost.
    pub async fn try_next(&mut self) -> Result<Option<WebhookEvent>, Error> {
        self.0.try_next().await
    }
}

impl Stream for ChangeStream {
    type Item = Result<WebhookEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for ChangeStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChangeStream(..)")
    }
}

struct Following {
    changes: Changes,
    /// How far each run was at the last look; none before the first.
    known: Option<HashMap<RunId, RunStatus>>,
    waiting: VecDeque<WebhookEvent>,
    /// What says that something has changed.
    events: Option<WorkflowEventStream>,
    next_look: Instant,
    last_good: Instant,
}

impl Following {
    async fn next(&mut self) -> Result<WebhookEvent, Error> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(event);
            }
            self.pause().await;
            self.next_look = Instant::now() + self.changes.interval;
            match self.look().await {
                Ok(()) => self.last_good = Instant::now(),
                Err(error) if self.is_tolerated(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn is_tolerated(&self, error: &Error) -> bool {
        error.may_pass() && self.last_good.elapsed() < self.changes.tolerance
    }

    /// Waits for the next look, or for word of a change.
    async fn pause(&mut self) {
        let Some(events) = &mut self.events else { return sleep_until(self.next_look).await };
        tokio::select! {
            () = sleep_until(self.next_look) => {}
            heard = events.try_next() => if !matches!(heard, Ok(Some(_))) {
                // Without word of changes there are the looks.
                self.events = None;
                sleep_until(self.next_look).await;
            }
        }
    }

    async fn look(&mut self) -> Result<(), Error> {
        let workflow = &self.changes.workflow;
        if self.known.is_none() && workflow.client().capabilities().await?.has(Extension::Events) {
            self.events = Some(workflow.events().stream());
        }
        let mut runs = workflow.runs().page_size(NEWEST.into()).stream().collect(NEWEST.into()).await?;
        let before = self.known.take();
        runs.extend(self.missing(before.as_ref(), &runs).await?);
        let mut known = HashMap::new();
        // The oldest first, as they came about.
        for run in runs.into_iter().rev() {
            let Some(status) = run.status() else { continue };
            if let Some(before) = &before {
                let id = run.id().clone();
                self.waiting.extend(told(before.get(&id), &status, &run));
            }
            known.insert(run.id().clone(), status);
        }
        self.known = Some(known);
        Ok(())
    }

    /// The runs that went on at the last look, and that so many others came after that they are not listed.
    async fn missing(
        &self,
        before: Option<&HashMap<RunId, RunStatus>>,
        listed: &[Run],
    ) -> Result<Vec<Run>, Error> {
        let mut missing = Vec::new();
        for (id, status) in before.into_iter().flatten() {
            if !status.is_terminal() && !listed.iter().any(|run| run.id() == id) {
                let workflow = &self.changes.workflow;
                let handle = workflow.client().run(workflow.id().clone(), id.clone());
                match handle.get().await {
                    Ok(run) => missing.push(run),
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(missing)
    }
}

/// What is told of a run that had one status and has another now.
fn told(before: Option<&RunStatus>, now: &RunStatus, run: &Run) -> Vec<WebhookEvent> {
    let has_started = |status: &RunStatus| !matches!(status, RunStatus::Queued);
    let mut events = Vec::new();
    let starts = has_started(now) && !before.is_some_and(has_started);
    if starts && (!now.is_terminal() || run.started_at().is_some()) {
        events.extend(as_started(run).map(WebhookEvent::from));
    }
    if now.is_terminal() && !before.is_some_and(RunStatus::is_terminal) {
        events.push(WebhookEvent::from(run.clone()));
    }
    events
}

/// The run as it was when it had started.
fn as_started(run: &Run) -> Option<Run> {
    if !run.status()?.is_terminal() {
        return Some(run.clone());
    }
    let mut object = run.as_object().clone();
    object.insert("status", RunStatus::Started.as_str());
    for ended in ["output", "completed_at"] {
        if object.contains_key(ended) {
            object.insert(ended, Value::Null);
        }
    }
    Run::from_value(object.into()).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use comfyicu_model::WorkflowId;

    use crate::error::ErrorKind;
    use crate::fake::{self, json};

    /// Follows a service whose list answers these, one after the other; the last of them for ever.
    async fn changes(lists: &'static [&'static str], count: usize) -> Vec<String> {
        let looks = AtomicUsize::new(0);
        let (client, _) = fake::client(move |request| {
            if !request.uri().path().ends_with("/runs") {
                return json(404, "");
            }
            let look = looks.fetch_add(1, Ordering::Relaxed).min(lists.len() - 1);
            json(200, lists[look])
        });
        let mut stream = client.workflow(WorkflowId::parse("w").unwrap()).changes().stream();
        let mut seen = Vec::new();
        while seen.len() < count {
            seen.push(stream.try_next().await.unwrap().unwrap().key().to_string());
        }
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn starts_and_ends_are_told_once_and_nothing_of_before() {
        let seen = changes(
            &[
                r#"[{"id": "b", "status": "QUEUED"}, {"id": "a", "status": "COMPLETED"}]"#,
                r#"[{"id": "b", "status": "STARTED"}, {"id": "a", "status": "COMPLETED"}]"#,
                r#"[{"id": "b", "status": "STARTED"}]"#,
                r#"[{"id": "c", "status": "ERROR", "started_at": "2026-01-01T00:00:00Z", "output": {}}, {"id": "b", "status": "COMPLETED"}]"#,
            ],
            4,
        );
        assert_eq!(seen.await, ["b/STARTED", "b/COMPLETED", "c/STARTED", "c/ERROR"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_never_started_has_no_start() {
        let seen = changes(&["[]", r#"[{"id": "c", "status": "CANCELLED"}]"#], 1);
        assert_eq!(seen.await, ["c/CANCELLED"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_stays_away_ends_it_after_a_while() {
        let (client, seen) = fake::client(|request| {
            if request.uri().path().ends_with("/capabilities") { json(404, "") } else { json(503, "") }
        });
        let mut stream = client.workflow(WorkflowId::parse("w").unwrap()).changes().stream();
        assert_eq!(stream.try_next().await.unwrap_err().kind(), ErrorKind::Server);
        assert!(seen.lines().len() > 10);
        let (client, _) = fake::client(|_| json(401, ""));
        let mut stream = client.workflow(WorkflowId::parse("w").unwrap()).changes().stream();
        assert!(stream.try_next().await.unwrap_err().is_auth());
    }
}
