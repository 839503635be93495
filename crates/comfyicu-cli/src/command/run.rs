//! `comfyicu run`: submit, wait, download.

use std::path::Path;

use comfyicu_client::{Client, RunHandle};
use comfyicu_model::json::Object;
use comfyicu_model::{Accelerator, Files, Prompt};

use super::Context;
use super::prompt::{converted, set_input};
use crate::args::{Conversion, FileArgument, FileSource, Run};
use crate::failure::Failure;
use crate::input::Runnable;
use crate::{connect, input};

pub(super) async fn run(context: &Context, arguments: Run) -> Result<(), Failure> {
    let mut prompt = prompt(context, &arguments.prompt, &arguments.conversion).await?;
    for edit in &arguments.set {
        let label = format!("--set {}", edit.path);
        set_input(&mut prompt, edit, &label, &context.printer)?;
    }
    let client = connect::client(&context.global)?;
    let folder = arguments.folder.path.clone();
    let (limit, is_detached) = (arguments.timeout.limit, arguments.detach);
    if !is_detached {
        // Before anything costs: a folder that cannot be made would lose the outputs.
        make_folder(&folder)?;
    }
    let handle = submit(context, &client, prompt, arguments).await?;
    if is_detached {
        return detached(context, &handle);
    }
    match context.wait(&handle, limit).await {
        Ok(run) => {
            let saved = context.save(&handle, run.clone(), &folder).await?;
            context.print_saved(run.into_object(), &saved)
        }
        Err(error) => {
            let (failure, ended) = context.not_completed(&handle, error);
            if let Some(run) = ended.filter(|_| context.printer.is_json()) {
                context.print_saved(run.into_object(), &[])?;
            }
            Err(failure)
        }
    }
}

/// Reads the prompt, and says so where there is more around it than is run. A UI workflow is converted.
async fn prompt(context: &Context, path: &Path, conversion: &Conversion) -> Result<Prompt, Failure> {
    let read = match input::runnable(path, &context.printer).await? {
        Runnable::Prompt(file) => file.read,
        Runnable::UiWorkflow(workflow) => return converted(context, path, &workflow, conversion).await,
    };
    if let Some(wrapper) = read.wrapper {
        let name = input::name_of(path);
        context
            .printer
            .note(&format!("{name}: the prompt in {wrapper} is run; what is around it is not used"));
    }
    Ok(read.prompt)
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let failure = Failure::usage(format!("the folder `{}` cannot be made", folder.display()));
        failure.because(&error).hint("choose another folder: -o DIR")
    })
}

async fn submit(
    context: &Context,
    client: &Client,
    prompt: Prompt,
    arguments: Run,
) -> Result<RunHandle, Failure> {
    let workflow = client.workflow(connect::workflow(client, &arguments.workflow)?);
    let files = files(context, client, arguments.file).await?;
    let mut run = workflow.run(prompt).files(files);
    if let Some(name) = &arguments.accelerator {
        run = run.accelerator(Accelerator::from(name.as_str()));
    }
    if let Some(webhook) = arguments.webhook {
        run = run.webhook(webhook);
    }
    context.printer.progress().begin("submitting");
    context.stage.submitting();
    let handle = run.await?;
    context.stage.waiting(&handle);
    Ok(handle)
}

/// The files of the run; local ones are handed to the server first.
async fn files(context: &Context, client: &Client, arguments: Vec<FileArgument>) -> Result<Files, Failure> {
    let mut files = Files::new();
    for FileArgument { path, source } in arguments {
        let url = match source {
            FileSource::Url(url) => url,
            FileSource::Local(local) => {
                let (progress, name) = (context.printer.progress().clone(), local.display().to_string());
                progress.begin(&format!("uploading {name}"));
                client.upload(local).observe(move |at| progress.uploading(&name, at)).await?.url
            }
        };
        if files.insert(path.clone(), url).is_some() {
            return Err(Failure::usage(format!("--file names {path} twice: a destination takes one file")));
        }
    }
    Ok(files)
}

fn detached(context: &Context, handle: &RunHandle) -> Result<(), Failure> {
    if context.printer.is_json() {
        let ids = [("id", handle.id().as_str()), ("workflow_id", handle.workflow_id().as_str())];
        return context.printer.print_object(Object::from_iter(ids));
    }
    context.printer.print(handle.id().as_str())
}
