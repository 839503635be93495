//! How far a command is, for what to say when it is interrupted or fails on the way.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use comfyicu_client::{RunHandle, SubmitKey};
use comfyicu_model::WorkflowId;

use crate::exit::ExitStatus;
use crate::failure::Failure;

/// How far a command is.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    step: Mutex<Step>,
    /// What a command line that goes on with the runs must hold too.
    flags: String,
}

#[derive(Clone, Debug, Default)]
enum Step {
    #[default]
    Preparing,
    Submitting(WorkflowId, SubmitKey),
    Waiting(Vec<RunHandle>),
    Saving(RunHandle),
    Batch(Option<PathBuf>),
}

impl Stage {
    /// `flags` are those of the command line that say which service is meant.
    pub(crate) fn new(flags: String) -> Self {
        Self { step: Mutex::default(), flags }
    }

    pub(crate) fn submitting(&self, workflow: &WorkflowId, key: &SubmitKey) {
        self.set(Step::Submitting(workflow.clone(), key.clone()));
    }

    pub(crate) fn waiting(&self, run: &RunHandle) {
        self.waiting_for(vec![run.clone()]);
    }

    pub(crate) fn waiting_for(&self, runs: Vec<RunHandle>) {
        self.set(Step::Waiting(runs));
    }

    pub(crate) fn batch(&self, manifest: Option<PathBuf>) {
        self.set(Step::Batch(manifest));
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

    /// The failure of a command that is interrupted now, by `signal` in words.
    pub(crate) fn interrupted(&self, status: ExitStatus) -> Failure {
        let failure = |text: &str| Failure::new(status, text);
        let failure = match self.step() {
            Step::Preparing => failure("interrupted"),
            Step::Submitting(..) => {
                failure("interrupted while the run was submitted; it may exist all the same")
                    .hint("look for the run before you run it again: it may be there, and cost")
            }
            Step::Waiting(runs) if runs.len() > 1 => failure("interrupted; the runs go on"),
            Step::Waiting(_) => failure("interrupted; the run goes on"),
            Step::Batch(_) => failure("interrupted; the runs that were submitted go on"),
            Step::Saving(_) => failure("interrupted; the run has ended, but its outputs are not all saved"),
        };
        self.with_way_on(failure)
    }

    /// Adds how to pick the runs up again, where there are some to pick up.
    pub(crate) fn with_way_on(&self, failure: Failure) -> Failure {
        match self.step() {
            Step::Preparing => failure,
            Step::Submitting(workflow, key) => {
                let find = format!("comfyicu runs find{} -w {workflow} {}", self.flags, key.as_str());
                failure.hint(format!("it has the marker {}: {find}", key.as_str()))
            }
            Step::Batch(Some(_)) => failure.hint("go on with the same command and --resume"),
            Step::Batch(None) => failure.hint(format!(
                "see them: comfyicu runs list{}; with --manifest a batch can go on",
                self.flags
            )),
            Step::Waiting(runs) => self.go_on(failure, &runs),
            Step::Saving(run) => {
                failure.hint(format!("save its outputs: {}", self.command("download", &[run])))
            }
        }
    }

    /// Adds how to pick up a run that goes on.
    pub(crate) fn goes_on(&self, failure: Failure, run: &RunHandle) -> Failure {
        self.go_on(failure, std::slice::from_ref(run))
    }

    fn go_on(&self, failure: Failure, runs: &[RunHandle]) -> Failure {
        failure.hint(format!("wait for {}: {}", them(runs), self.command("wait", runs))).hint(format!(
            "save {} outputs then: {}",
            their(runs),
            self.command("download", runs)
        ))
    }

    /// A command line about runs of one workflow.
    pub(crate) fn command(&self, verb: &str, runs: &[RunHandle]) -> String {
        let workflow = runs.first().map(|run| format!(" -w {}", run.workflow_id())).unwrap_or_default();
        let ids = runs.iter().fold(String::new(), |ids, run| ids + " " + run.id().as_str());
        // What begins with a dash is taken for a flag, but for the first.
        let dashes = if ids.get(1..).is_some_and(|ids| ids.contains(" -")) { " --" } else { "" };
        format!("comfyicu runs {verb}{}{workflow}{dashes}{ids}", self.flags)
    }
}

const fn them(runs: &[RunHandle]) -> &'static str {
    if runs.len() > 1 { "them" } else { "it" }
}

const fn their(runs: &[RunHandle]) -> &'static str {
    if runs.len() > 1 { "their" } else { "its" }
}
