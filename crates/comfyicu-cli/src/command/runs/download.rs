//! `comfyicu runs download`.

use std::path::Path;

use comfyicu_client::{FailedRun, RunHandle};
use comfyicu_model::RunStatus;

use crate::command::{Context, outcome};
use crate::exit::ExitStatus;
use crate::failure::Failure;

pub(super) async fn download(context: &Context, handles: &[RunHandle], folder: &Path) -> Result<(), Failure> {
    if let [handle] = handles {
        return one(context, handle, folder).await;
    }
    let mut first = None;
    for handle in handles {
        if let Err(failure) = one(context, handle, folder).await {
            context.tell(&failure, &mut first);
        }
    }
    outcome::of_several(first)
}

async fn one(context: &Context, handle: &RunHandle, folder: &Path) -> Result<(), Failure> {
    let run = handle.get().await?;
    let status = run.status();
    if !status.as_ref().is_some_and(RunStatus::is_terminal) {
        let status = status.map_or_else(|| "not known yet".to_owned(), |status| status.to_string());
        let text = format!("the run has not ended, so there is nothing to save: its status is {status}");
        return Err(context.stage.goes_on(Failure::new(ExitStatus::GAVE_UP, text), handle));
    }
    if status != Some(RunStatus::Completed) {
        return Err(context.failed(handle, &FailedRun::new(run)));
    }
    let line = context.printer.progress().line("downloading");
    let saved = context.save(handle, run.clone(), folder, &line).await?;
    context.print_saved(run.into_object(), &saved)
}
