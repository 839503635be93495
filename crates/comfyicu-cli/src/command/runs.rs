//! `comfyicu runs`: looks after runs that exist.

use std::path::Path;
use std::time::Duration;

use comfyicu_client::{Error, IfExists, RunHandle};
use comfyicu_model::{Run, RunStatus};

use crate::args::{Existing, Runs};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render;
use crate::session::Session;

pub(super) async fn run(session: &Session, command: Runs) -> Result<(), Failure> {
    match command {
        Runs::Get(existing) => {
            let run = handle(session, &existing)?.get().await?;
            print(session, &run)
        }
        Runs::Wait { run, timeout } => {
            let run = handle(session, &run)?;
            match wait(session, &run, timeout.limit).await {
                Ok(ended) => print(session, &ended),
                Err((failure, ended)) => {
                    ended.map_or(Ok(()), |ended| print(session, &ended))?;
                    Err(failure)
                }
            }
        }
        Runs::Download { run, folder } => {
            let run = handle(session, &run)?.get().await?;
            let saved = save(session, run, &folder.path).await?;
            session.printer.print(|| render::paths(&saved), || saved.clone().into())
        }
    }
}

fn handle(session: &Session, existing: &Existing) -> Result<RunHandle, Failure> {
    let workflow_id = session.workflow_id(&existing.workflow)?;
    Ok(session.client.run(workflow_id, existing.id.clone()))
}

/// Waits until a run has completed. When it has failed, the run is given beside the failure.
pub(super) async fn wait(
    session: &Session,
    run: &RunHandle,
    limit: Duration,
) -> Result<Run, (Failure, Option<Run>)> {
    session.is_about(run);
    let progress = Progress::start(format!("run {}: submitted", run.id()));
    let observer = {
        let progress = progress.clone();
        move |look: Result<&Run, &Error>| match look {
            Ok(run) => progress.say_run(run),
            Err(error) => progress.say(format!("asking again: {error}")),
        }
    };
    run.wait().max_wait(limit).observe(observer).await.map_err(|error| {
        let ended = error.failed_run().cloned();
        (Failure::of_wait(error, run), ended)
    })
}

/// Saves the outputs of a run below a folder and gives their paths.
pub(super) async fn save(session: &Session, run: Run, folder: &Path) -> Result<Vec<String>, Failure> {
    if run.status().is_some_and(|status| status.is_terminal() && status != RunStatus::Completed) {
        return Err(Failure::of_run(&run));
    }
    let progress = Progress::start("download");
    // Nothing is lost and nothing is asked: a file that is there stays.
    let download = session.client.download(run, folder).if_exists(IfExists::KeepBoth);
    let saved = download.observe(move |download| progress.say_download(download)).await?;
    Ok(saved.iter().map(|file| file.path.display().to_string()).collect())
}

fn print(session: &Session, run: &Run) -> Result<(), Failure> {
    session.printer.print(|| render::run(run), || run.clone().into_object().into())
}
