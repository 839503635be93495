//! What to say of runs that did not end well, or not in time.

use comfyicu_client::{FailedRun, RunHandle, WaitError};
use comfyicu_model::json::Object;
use comfyicu_model::{Run, RunStatus};

use super::Context;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::render;

impl Context {
    /// What to say of a run that ended without success.
    pub(crate) fn failed(&self, handle: &RunHandle, failed: &FailedRun) -> Failure {
        if failed.status() == RunStatus::InsufficientCredit {
            return Failure::new(ExitStatus::KEY, failed.to_string())
                .hint("add credit to the account on https://comfy.icu, then run it again");
        }
        let mut failure = Failure::new(ExitStatus::RUN_FAILED, failed.to_string());
        if let Some(node) = render::run::failed_node(&failed.run) {
            failure = failure.finding(node);
        }
        let get = self.stage.command("get", std::slice::from_ref(handle));
        failure.hint(format!("see all that is known of it: {get} --json"))
    }

    /// What to say of a wait that did not end with a completed run, and the run as far as it is known.
    pub(crate) fn not_completed(&self, handle: &RunHandle, error: WaitError) -> (Failure, Option<Run>) {
        match error {
            WaitError::Failed(failed) => (self.failed(handle, &failed), Some(failed.run)),
            WaitError::Request(error) => (self.stage.goes_on(error.into(), handle), None),
            error => {
                let failure = Failure::new(ExitStatus::GAVE_UP, error.to_string());
                let seen = match error {
                    WaitError::GaveUp(gave_up) => gave_up.last,
                    _ => None,
                };
                // A script needs at least the ids to go on.
                let ids = [("id", handle.id().as_str()), ("workflow_id", handle.workflow_id().as_str())];
                let known = seen.or_else(|| Run::from_value(Object::from_iter(ids).into()).ok());
                (self.stage.goes_on(failure, handle), known)
            }
        }
    }

    /// Says of one of several runs why it failed, at once, and remembers with what code.
    pub(crate) fn tell(&self, failure: &Failure, first: &mut Option<ExitStatus>) {
        first.get_or_insert(failure.status());
        self.printer.fail(failure);
    }
}

/// How a command ends of whose runs some failed: each was told of before.
pub(crate) fn of_several(first: Option<ExitStatus>) -> Result<(), Failure> {
    first.map_or(Ok(()), |status| Err(Failure::told(status)))
}
