//! The commands: one file each, and what they share.

mod api;
mod auth;
mod batch;
mod completions;
mod config;
mod doctor;
mod outcome;
mod prompt;
mod request;
mod run;
mod runs;
mod webhooks;
mod workflows;

use std::path::Path;
use std::time::Duration;

use comfyicu_client::{DEFAULT_MAX_WAIT, IfExists, RunHandle, SavedFile, WaitError};
use comfyicu_model::Run;
use comfyicu_model::json::{Object, Value};

use crate::args::{Command, Runs};
use crate::failure::Failure;
use crate::printer::Printer;
use crate::progress::{Downloads, Line};
use crate::runtime;
use crate::settings::Settings;
use crate::stage::Stage;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) printer: Printer,
    pub(crate) stage: Stage,
    /// What the command line says of how long to wait.
    pub(crate) timeout: Option<Duration>,
    /// Whether that is for the end of runs, and not for an answer.
    pub(crate) waits: bool,
}

impl Command {
    /// Whether the command waits for runs.
    pub(crate) const fn waits(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Batch(_) | Self::Runs(Runs::Wait(_) | Runs::Watch(_)))
    }

    /// Whether the command waits for nothing, unless it asks for a runtime itself.
    const fn works_on_files(&self) -> bool {
        matches!(self, Self::Prompt(_) | Self::Config(_) | Self::Completions(_))
    }
}

/// Does what the command line asks for.
pub(crate) async fn execute(context: &Context, command: Command) -> Result<(), Failure> {
    if !command.works_on_files() {
        runtime::needed().await;
    }
    match command {
        Command::Run(arguments) => run::run(context, *arguments).await,
        Command::Batch(arguments) => batch::batch(context, *arguments).await,
        Command::Prompt(arguments) => prompt::prompt(context, arguments).await,
        Command::Runs(arguments) => runs::runs(context, arguments).await,
        Command::Workflows(arguments) => workflows::workflows(context, arguments).await,
        Command::Auth(arguments) => auth::auth(context, arguments).await,
        Command::Webhooks(arguments) => webhooks::webhooks(context, arguments).await,
        Command::Config(arguments) => config::config(context, arguments),
        Command::Doctor => doctor::doctor(context).await,
        Command::Api(arguments) => api::api(context, arguments).await,
        Command::Completions(arguments) => completions::completions(context, &arguments),
    }
}

impl Context {
    /// How long to wait for the end of a run.
    pub(crate) fn max_wait(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_MAX_WAIT)
    }

    /// Waits for the end of a run, and shows how far it is.
    pub(crate) async fn wait(&self, run: &RunHandle, line: &Line) -> Result<Run, WaitError> {
        let (looks, events) = (line.clone(), line.clone());
        let wait = run.wait().max_wait(self.max_wait()).observe(move |look| match look {
            Ok(run) => looks.run(run),
            Err(error) => looks.say(&format!("waiting, but {error}; trying again")),
        });
        wait.observe_events(move |event| events.event(event)).await
    }

    /// Saves the outputs of a run, and shows how far that is.
    pub(crate) async fn save(
        &self,
        handle: &RunHandle,
        run: Run,
        folder: &Path,
        line: &Line,
    ) -> Result<Vec<SavedFile>, Failure> {
        self.stage.saving(handle);
        let saved = self.save_one(handle, run, folder, line).await;
        saved.map_err(|failure| self.stage.with_way_on(failure))
    }

    /// Saves the outputs of one of several runs.
    pub(crate) async fn save_one(
        &self,
        handle: &RunHandle,
        run: Run,
        folder: &Path,
        line: &Line,
    ) -> Result<Vec<SavedFile>, Failure> {
        line.say("downloading");
        let line = line.clone();
        let download = handle.client().download(run, folder).if_exists(IfExists::KeepBoth);
        let mut so_far = Downloads::default();
        let download = download.observe(move |at| {
            so_far.note(at);
            line.downloading(&so_far);
        });
        let saved = download.await?;
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
}
