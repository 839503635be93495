//! One invocation: the client, the settings, and the run that it is about.

use std::cell::RefCell;

use comfyicu_client::{Client, RunHandle};
use comfyicu_model::WorkflowId;

use crate::args::{Global, Workflow};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::printer::Printer;

/// The workflow of runs on a server of one's own, when none is named.
const DEFAULT_WORKFLOW: &str = "default";

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) printer: Printer,
    current: RefCell<Option<RunHandle>>,
}

impl Session {
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let mut builder = Client::builder();
        if let Some(url) = given(&global.base_url) {
            builder = builder.base_url(url);
        }
        if let Some(key) = given(&global.api_key) {
            builder = builder.api_key(key);
        }
        let client = builder.build()?;
        Ok(Self { client, printer: Printer::new(global.json), current: RefCell::new(None) })
    }

    /// The workflow that was named, or the default one of a server of one's own.
    pub(crate) fn workflow_id(&self, workflow: &Workflow) -> Result<WorkflowId, Failure> {
        let named = workflow.id.as_deref().filter(|id| !id.is_empty());
        if named.is_none() && self.client.is_hosted() {
            return Err(Failure::new(ExitStatus::USAGE, "the hosted service needs a workflow")
                .hint("give its id with -w, or in COMFYICU_WORKFLOW")
                .hint("the id stands in the address of the workflow's page on https://comfy.icu, and under “View API code” of any of its runs"));
        }
        let id = named.unwrap_or(DEFAULT_WORKFLOW);
        WorkflowId::parse(id).map_err(|error| Failure::of(ExitStatus::USAGE, &error))
    }

    /// Notes the run that the command is about, so that it can be named when the command is cut off.
    pub(crate) fn is_about(&self, run: &RunHandle) {
        *self.current.borrow_mut() = Some(run.clone());
    }

    /// What Ctrl-C means just now.
    pub(crate) fn interrupted(&self) -> Failure {
        let failure = Failure::new(ExitStatus::INTERRUPTED, "interrupted");
        match &*self.current.borrow() {
            Some(run) => failure.note(format!("the run {} goes on", run.id())).hint(pick_up(run)),
            None => failure,
        }
    }
}

/// How to go on with a run.
pub(crate) fn pick_up(run: &RunHandle) -> String {
    format!("pick it up with: comfyicu runs wait -w {} {}", run.workflow_id(), run.id())
}
