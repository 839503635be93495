//! The commands: one file each, and what they share.

mod prompt;
mod run;
mod runs;

use std::path::Path;
use std::time::Duration;

use comfyicu_client::{FailedRun, IfExists, RunHandle, SavedFile, WaitError};
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Run, RunStatus};

use crate::args::{Command, Global};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::render;
use crate::stage::Stage;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) printer: Printer,
    pub(crate) stage: Stage,
}

/// Does what the command line asks for, until it is done or Ctrl-C comes.
pub(crate) async fn execute(context: &Context, command: Command) -> Result<(), Failure> {
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err(context.stage.interrupted()),
        outcome = dispatch(context, command) => outcome,
    }
}

async fn dispatch(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => run::run(context, *arguments).await,
        Command::Prompt(arguments) => prompt::prompt(context, arguments).await,
        Command::Runs(arguments) => runs::runs(context, arguments).await,
    }
}

impl Context {
    /// Waits for the end of a run, and shows how far it is.
    pub(crate) async fn wait(&self, run: &RunHandle, limit: Duration) -> Result<Run, WaitError> {
        self.stage.waiting(run);
        let progress = self.printer.progress().clone();
        progress.begin("waiting");
        let waited = run.wait().max_wait(limit).observe(move |look| match look {
            Ok(run) => progress.run(run),
            Err(error) => progress.say(&format!("waiting, but {error}; trying again")),
        });
        waited.await
    }

    /// Saves the outputs of a run, and shows how far that is.
    pub(crate) async fn save(
        &self,
        handle: &RunHandle,
        run: Run,
        folder: &Path,
    ) -> Result<Vec<SavedFile>, Failure> {
        self.stage.saving(handle);
        let progress = self.printer.progress().clone();
        progress.begin("downloading");
        let download = handle.client().download(run, folder).if_exists(IfExists::KeepBoth);
        let saved = download.observe(move |at| progress.downloading(at)).await;
        let saved = saved.map_err(|error| self.stage.with_way_on(error.into()))?;
        if saved.is_empty() {
            self.printer.note("the run saved no files: PreviewImage keeps nothing, SaveImage does");
        }
        Ok(saved)
    }

    /// Prints what was saved: the paths, or the run and the paths as JSON.
    pub(crate) fn print_saved(&self, run: Object, saved: &[SavedFile]) -> Result<(), Failure> {
        let paths = saved.iter().map(|file| file.path.display().to_string());
        if self.printer.is_json() {
            let paths: Vec<Value> = paths.map(Value::from).collect();
            let object = [("run", Value::from(run)), ("downloaded", Value::Array(paths))];
            return self.printer.print_object(object.into_iter().collect());
        }
        let paths: Vec<String> = paths.collect();
        if paths.is_empty() { Ok(()) } else { self.printer.print(&paths.join("\n")) }
    }

    /// What to say of a run that ended without success.
    pub(crate) fn failed(&self, handle: &RunHandle, failed: &FailedRun) -> Failure {
        if failed.status() == RunStatus::InsufficientCredit {
            return Failure::new(ExitStatus::KEY, failed.to_string())
                .hint("add credit to the account on https://comfy.icu, then run it again");
        }
        let mut failure = Failure::new(ExitStatus::RUN_FAILED, failed.to_string());
        if let Some(node) = render::failed_node(&failed.run) {
            failure = failure.finding(node);
        }
        failure.hint(format!("see all that is known of it: {} --json", self.stage.command("get", handle)))
    }

    /// What to say of a wait that did not end with a completed run, and the run as far as it is known.
    pub(crate) fn not_completed(&self, handle: &RunHandle, error: WaitError) -> (Failure, Option<Run>) {
        match error {
            WaitError::Failed(failed) => (self.failed(handle, &failed), Some(failed.run)),
            WaitError::Request(error) => (self.stage.with_way_on(error.into()), None),
            error => {
                let failure = Failure::new(ExitStatus::GAVE_UP, error.to_string());
                let seen = match error {
                    WaitError::GaveUp(gave_up) => gave_up.last,
                    _ => None,
                };
                // A script needs at least the ids to go on.
                let ids = [("id", handle.id().as_str()), ("workflow_id", handle.workflow_id().as_str())];
                let known = seen.or_else(|| Run::from_value(Object::from_iter(ids).into()).ok());
                (self.stage.with_way_on(failure), known)
            }
        }
    }
}
