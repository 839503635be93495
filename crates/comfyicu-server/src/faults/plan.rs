//! The faults as data: what each strikes, how often, and what happens then.

use std::time::Duration;

use comfyicu_model::Prompt;
use http::StatusCode;

use super::count::Count;
use super::route::Route;
use crate::run::EventKind;

/// All faults of a server, each kind in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) requests: Vec<Fault<OfRequests>>,
    pub(super) runs: Vec<Fault<OfRuns>>,
    pub(super) webhooks: Vec<Fault<OfWebhooks>>,
}

impl Plan {
    pub(super) const fn len(&self) -> usize {
        self.requests.len() + self.runs.len() + self.webhooks.len()
    }
}

/// One fault.
#[derive(Debug)]
pub(super) struct Fault<T> {
    /// Where it stands, for the log: `faults.toml:3`.
    pub(super) place: String,
    pub(super) count: Count,
    pub(super) what: T,
}

/// A fault of requests.
#[derive(Debug)]
pub(super) struct OfRequests {
    pub(super) routes: Vec<Route>,
    pub(super) act: RequestAct,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestAct {
    /// It waits first.
    Delay(Duration),
    /// It is answered, and the server does not hear of it.
    Refuse(Refusal),
    /// The connection is closed, and the server does not hear of it.
    Drop,
    /// The server acts, and the connection is closed in place of the answer.
    LoseAnswer,
    /// The answer breaks off half-way.
    Cut,
}

/// An answer in place of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) retry_after_s: Option<u64>,
    /// In place of an error of the API: what it is, and its type.
    pub(super) body: Option<(String, String)>,
}

/// A fault of runs.
#[derive(Debug)]
pub(super) struct OfRuns {
    pub(super) node: NodeFilter,
    pub(super) act: RunAct,
}

/// The runs whose prompt has such a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeFilter {
    pub(super) node_id: Option<String>,
    pub(super) class_type: Option<String>,
}

impl NodeFilter {
    /// The first such node: its id and its class.
    pub(super) fn find(&self, prompt: &Prompt) -> Option<(String, String)> {
        let is = |wanted: &Option<String>, given: &str| wanted.as_ref().is_none_or(|wanted| wanted == given);
        prompt.nodes().find_map(|node| {
            let (id, class_type) = (node.id().to_owned(), node.class_type()?.to_owned());
            (is(&self.node_id, &id) && is(&self.class_type, &class_type)).then_some((id, class_type))
        })
    }
}

/// What happens to a run once it has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RunAct {
    /// It takes longer.
    Delay(Duration),
    /// It stays started until it is cancelled or the server stops.
    Hang,
    /// A node fails.
    Fail { exception_type: String, message: String },
}

/// A fault of webhooks.
#[derive(Debug)]
pub(super) struct OfWebhooks {
    /// Only those that tell of this.
    pub(super) event: Option<EventKind>,
    pub(super) act: WebhookAct,
}

/// What happens to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WebhookAct {
    /// It is late.
    Delay(Duration),
    /// It counts as sent, and is not.
    Lose,
    /// It is sent twice.
    Double,
}
