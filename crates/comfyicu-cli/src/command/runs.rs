//! `comfyicu runs`: get, wait, download.

use std::path::Path;
use std::time::Duration;

use comfyicu_client::RunHandle;
use comfyicu_model::{Run, RunStatus};

use super::Context;
use crate::args::{Existing, Runs};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::{connect, render};

pub(super) async fn runs(context: &Context, arguments: Runs) -> Result<(), Failure> {
    match arguments {
        Runs::Get(run) => get(context, &existing(context, run)?).await,
        Runs::Wait { run, timeout } => wait(context, &existing(context, run)?, timeout.limit).await,
        Runs::Download { run, folder } => download(context, &existing(context, run)?, &folder.path).await,
    }
}

fn existing(context: &Context, run: Existing) -> Result<RunHandle, Failure> {
    let client = connect::client(&context.global)?;
    let workflow = connect::workflow(&client, &run.workflow)?;
    Ok(client.run(workflow, run.id))
}

async fn get(context: &Context, handle: &RunHandle) -> Result<(), Failure> {
    print(context, handle.get().await?)
}

async fn wait(context: &Context, handle: &RunHandle, limit: Duration) -> Result<(), Failure> {
    // What is wrong with the id, the key or the address shows at once; from then on a while is tolerated.
    handle.get().await?;
    match context.wait(handle, limit).await {
        Ok(run) => print(context, run),
        Err(error) => {
            let (failure, ended) = context.not_completed(handle, error);
            let has_ended = |run: &Run| run.status().is_some_and(|status| status.is_terminal());
            if let Some(run) = ended.filter(|run| context.printer.is_json() || has_ended(run)) {
                print(context, run)?;
            }
            Err(failure)
        }
    }
}

async fn download(context: &Context, handle: &RunHandle, folder: &Path) -> Result<(), Failure> {
    let run = handle.get().await?;
    let status = run.status();
    if !status.as_ref().is_some_and(RunStatus::is_terminal) {
        let status = status.map_or_else(|| "not known yet".to_owned(), |status| status.to_string());
        context.stage.waiting(handle);
        let text = format!("the run has not ended, so there is nothing to save: its status is {status}");
        return Err(context.stage.with_way_on(Failure::new(ExitStatus::GAVE_UP, text)));
    }
    if status != Some(RunStatus::Completed) {
        let failed = comfyicu_client::FailedRun::new(run);
        return Err(context.failed(handle, &failed));
    }
    let saved = context.save(handle, run.clone(), folder).await?;
    context.print_saved(run.into_object(), &saved)
}

fn print(context: &Context, run: Run) -> Result<(), Failure> {
    if context.printer.is_json() {
        return context.printer.print_object(run.into_object());
    }
    context.printer.print(render::run(&run).trim_end())
}
