//! Webhooks: what a service sends when a run starts and when it ends.

use std::fmt;

use crate::ids::{RunId, WorkflowId};
use crate::run::{ParseRunError, Run, RunStatus};

/// The body of a webhook (documented): the run, as it was when the service told of it.
///
/// A service sends one when a run starts and one when it ends, and promises no more than that. A receiver
/// expects the same event twice, events out of order, and lost ones: [`key`](Self::key) tells the first,
/// [`is_news`](Self::is_news) the second, and where it matters the run is asked for.
///
/// ```
/// use comfyicu_model::{RunStatus, WebhookEvent};
///
/// let body = br#"{"id": "CNCr5a_lu6g9Nz3gqKC9P", "status": "COMPLETED", "output": []}"#;
/// let event = WebhookEvent::parse(body)?;
///
/// // What is kept of a run, in a database say, under its id.
/// let mut known = Some(RunStatus::Started);
/// if event.is_news(known.as_ref()) {
///     known = event.status();
/// }
/// assert_eq!(known, Some(RunStatus::Completed));
/// assert_eq!(event.key().to_string(), "CNCr5a_lu6g9Nz3gqKC9P/COMPLETED");
/// # Ok::<(), comfyicu_model::ParseRunError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    run: Run,
}

/// What is the same in each delivery of one event: the run, and the status that it came to.
///
/// Its text, `RUN/STATUS`, is made for a column of a database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebhookKey {
    run_id: RunId,
    status: Option<RunStatus>,
}

impl WebhookEvent {
    /// Reads the body of a webhook.
    ///
    /// # Errors
    /// When the body is not a run.
    pub fn parse(body: &[u8]) -> Result<Self, ParseRunError> {
        Run::parse(body).map(Self::from)
    }

    /// The run, as it was when the service told of it.
    pub const fn run(&self) -> &Run {
        &self.run
    }

    /// Gives the run.
    pub fn into_run(self) -> Run {
        self.run
    }

    /// The run's id.
    pub const fn run_id(&self) -> &RunId {
        self.run.id()
    }

    /// The workflow that the run belongs to.
    pub fn workflow_id(&self) -> Option<WorkflowId> {
        self.run.workflow_id()
    }

    /// The status that the run came to.
    pub fn status(&self) -> Option<RunStatus> {
        self.run.status()
    }

    /// Whether the run has ended.
    pub fn is_terminal(&self) -> bool {
        self.status().is_some_and(|status| status.is_terminal())
    }

    /// What identifies the event, however often it is delivered. Nothing in the body counts deliveries; where a
    /// service signs its webhooks by the Standard Webhooks specification, their header `webhook-id` does.
    pub fn key(&self) -> WebhookKey {
        WebhookKey { run_id: self.run_id().clone(), status: self.status() }
    }

    /// Whether the event says more than is known: `known` is the newest status that was seen of the run. An
    /// event that comes twice says nothing new, nor does one that a later event has overtaken; after the end
    /// nothing is new.
    pub fn is_news(&self, known: Option<&RunStatus>) -> bool {
        let Some(known) = known else { return true };
        let Some(status) = self.status() else { return false };
        stage(&status) > stage(known)
    }
}

/// How far a run is with a status. One that this version does not know lies between the start and the end.
const fn stage(status: &RunStatus) -> u8 {
    match status {
        RunStatus::Queued => 0,
        RunStatus::Started | RunStatus::Running => 1,
        status if status.is_terminal() => 3,
        _ => 2,
    }
}

impl From<Run> for WebhookEvent {
    fn from(run: Run) -> Self {
        Self { run }
    }
}

impl WebhookKey {
    /// The run's id.
    pub const fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// The status that the run came to.
    pub const fn status(&self) -> Option<&RunStatus> {
        self.status.as_ref()
    }
}

impl fmt::Display for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.run_id, self.status.as_ref().map_or("", RunStatus::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(status: &str) -> WebhookEvent {
        WebhookEvent::parse(format!(r#"{{"id": "r", "workflow_id": "w", "status": "{status}"}}"#).as_bytes())
            .unwrap()
    }

    #[test]
    fn each_order_of_events_ends_the_same() {
        let orders = [
            ["STARTED", "COMPLETED", "COMPLETED"],
            ["COMPLETED", "STARTED", "COMPLETED"],
            ["STARTED", "STARTED", "COMPLETED"],
            ["COMPLETED", "ERROR", "QUEUED"],
            ["QUEUED", "WARMING_UP", "COMPLETED"],
        ];
        for order in orders {
            let mut known: Option<RunStatus> = None;
            let mut ends = 0;
            for event in order.map(event) {
                if event.is_news(known.as_ref()) {
                    known = event.status();
                    ends += usize::from(event.is_terminal());
                }
            }
            assert_eq!((known, ends), (Some(RunStatus::Completed), 1), "{order:?}");
        }
    }

    #[test]
    fn deliveries_of_one_event_have_one_key() {
        assert_eq!(event("STARTED").key(), event("STARTED").key());
        assert_ne!(event("STARTED").key(), event("COMPLETED").key());
        assert_eq!(event("WARMING_UP").key().to_string(), "r/WARMING_UP");
        assert_eq!(WebhookEvent::parse(br#"{"id": "r"}"#).unwrap().key().to_string(), "r/");
    }

    #[test]
    fn the_run_is_kept_whole() {
        let body = br#"{"id": "r", "status": "ERROR", "output": {"error": {"exception_message": "no memory"}}, "new": 1}"#;
        let event = WebhookEvent::parse(body).unwrap();
        assert_eq!(event.run().failure().unwrap().message(), "no memory");
        assert!(event.into_run().as_object().contains_key("new"));
        assert!(WebhookEvent::parse(b"hello").is_err());
    }
}
