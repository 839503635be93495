//! How far a command is, for what to say when it is interrupted or fails on the way.

use std::sync::{Mutex, PoisonError};

use comfyicu_client::RunHandle;

use crate::exit::ExitStatus;
use crate::failure::Failure;

/// How far a command is.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    step: Mutex<Step>,
    /// What a command line that picks the run up again must hold too.
    base_url: Option<String>,
}

#[derive(Clone, Debug, Default)]
enum Step {
    #[default]
    Preparing,
    Submitting,
    Waiting(RunHandle),
    Saving(RunHandle),
}

impl Stage {
    /// `base_url` is the address, when it stood on the command line.
    pub(crate) fn new(base_url: Option<String>) -> Self {
        Self { step: Mutex::default(), base_url }
    }

    pub(crate) fn submitting(&self) {
        self.set(Step::Submitting);
    }

    pub(crate) fn waiting(&self, run: &RunHandle) {
        self.set(Step::Waiting(run.clone()));
    }

    pub(crate) fn saving(&self, run: &RunHandle) {
        self.set(Step::Saving(run.clone()));
    }

    fn set(&self, step: Step) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }

    fn step(&self) -> Step {
        self.step.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The failure of a command that is interrupted now.
    pub(crate) fn interrupted(&self) -> Failure {
        let failure = |text: &str| Failure::new(ExitStatus::INTERRUPTED, text);
        let failure = match self.step() {
            Step::Preparing => failure("interrupted"),
            Step::Submitting => failure("interrupted while the run was submitted; it may exist all the same")
                .hint("look at the workflow's runs before you run it again: the run may be there, and cost"),
            Step::Waiting(_) => failure("interrupted; the run goes on"),
            Step::Saving(_) => failure("interrupted; the run has ended, but its outputs are not all saved"),
        };
        self.with_way_on(failure)
    }

    /// Adds how to pick the run up again, where there is one to pick up.
    pub(crate) fn with_way_on(&self, failure: Failure) -> Failure {
        match self.step() {
            Step::Preparing | Step::Submitting => failure,
            Step::Waiting(run) => failure
                .hint(format!("wait for it: {}", self.command("wait", &run)))
                .hint(format!("save its outputs then: {}", self.command("download", &run))),
            Step::Saving(run) => {
                failure.hint(format!("save its outputs: {}", self.command("download", &run)))
            }
        }
    }

    /// A command line about a run.
    pub(crate) fn command(&self, verb: &str, run: &RunHandle) -> String {
        let base_url = self.base_url.as_ref().map(|url| format!(" --base-url {url}")).unwrap_or_default();
        format!("comfyicu runs {verb}{base_url} -w {} {}", run.workflow_id(), run.id())
    }
}
