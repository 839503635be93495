//! `comfyicu run`: check, submit, wait, download.

use std::path::Path;

use comfyicu_client::{Client, Error, RunHandle, SubmitKey};
use comfyicu_model::json::Object;

use super::Context;
use super::request::{self, Edited};
use crate::args::{Request, Run};
use crate::connect;
use crate::failure::{Failure, is_open};

pub(super) async fn run(context: &Context, arguments: Run) -> Result<(), Failure> {
    let edited = request::prompt(context, &arguments.prompt, &arguments.request).await?;
    let client = connect::client(context)?;
    if !arguments.detach {
        // Before anything costs: a folder that cannot be made would lose the outputs.
        make_folder(&arguments.folder.path)?;
    }
    let handle = submit(context, &client, edited, &arguments.request).await?;
    if arguments.detach {
        return detached(context, &handle);
    }
    finished(context, &handle, &arguments.folder.path).await
}

/// Waits for a run, saves its outputs and prints what there is to print.
async fn finished(context: &Context, handle: &RunHandle, folder: &Path) -> Result<(), Failure> {
    let line = context.printer.progress().line("waiting");
    match context.wait(handle, &line).await {
        Ok(run) => {
            let saved = context.save(handle, run.clone(), folder, &line).await?;
            drop(line);
            context.print_saved(run.into_object(), &saved)
        }
        Err(error) => {
            drop(line);
            let (failure, ended) = context.not_completed(handle, error);
            if let Some(run) = ended.filter(|_| context.printer.is_json()) {
                context.print_saved(run.into_object(), &[])?;
            }
            Err(failure)
        }
    }
}

pub(super) fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let failure = Failure::usage(format!("the folder `{}` cannot be made", folder.display()));
        failure.because(&error).hint("choose another folder: -o DIR")
    })
}

async fn submit(
    context: &Context,
    client: &Client,
    edited: Edited,
    request: &Request,
) -> Result<RunHandle, Failure> {
    let workflow = client.workflow(connect::workflow(context, client, &request.workflow)?);
    request::Check::of(context, client, request).await?.told(context, &edited, true)?;
    let files = request::files(context, client, &request.file).await?;
    let submit = request::Settled::of(context, request)?.set_up(workflow.run(edited.prompt), files);
    let key = SubmitKey::random()?;
    let _line = context.printer.progress().line("submitting");
    context.stage.submitting(workflow.id(), &key);
    let handle = submit.key(key).await.map_err(|error| context.not_submitted(error))?;
    context.stage.waiting(&handle);
    Ok(handle)
}

impl Context {
    /// What to say of a submit that failed.
    pub(super) fn not_submitted(&self, error: Error) -> Failure {
        let is_open = is_open(&error);
        let failure = Failure::from(error);
        if is_open { self.stage.with_way_on(failure) } else { failure }
    }
}

fn detached(context: &Context, handle: &RunHandle) -> Result<(), Failure> {
    if context.printer.is_json() {
        let ids = [("id", handle.id().as_str()), ("workflow_id", handle.workflow_id().as_str())];
        return context.printer.print_object(Object::from_iter(ids));
    }
    context.printer.print(handle.id().as_str())
}
