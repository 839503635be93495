//! `comfyicu run`: submits a prompt, waits for it, saves its outputs.

use std::io::Read as _;
use std::path::Path;

use comfyicu_client::RunHandle;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Accelerator, Edited, Files, Prompt, Run as RunObject, WorkflowId};

use super::runs;
use crate::args::{Edit, FileArgument, FileSource, Run};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::printer::remark;
use crate::progress::Progress;
use crate::render;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: Run) -> Result<(), Failure> {
    let workflow_id = session.workflow_id(&arguments.workflow)?;
    let mut prompt = read_prompt(&arguments.prompt)?;
    arguments.set.iter().try_for_each(|edit| apply(edit, &mut prompt))?;
    let run = submit(session, workflow_id, prompt, &arguments).await?;
    session.is_about(&run);
    if arguments.detach {
        let id = run.id().as_str();
        return session.printer.print(|| format!("{id}\n"), || Object::from_iter([("id", id)]).into());
    }
    match runs::wait(session, &run, arguments.timeout.limit).await {
        Ok(ended) => save(session, ended, &arguments.folder.path).await,
        Err((failure, ended)) => {
            if let (true, Some(ended)) = (session.printer.is_json(), ended) {
                print(session, ended, &[])?;
            }
            Err(failure)
        }
    }
}

fn read_prompt(path: &Path) -> Result<Prompt, Failure> {
    let shown = if path == Path::new("-") { "stdin".to_owned() } else { format!("`{}`", path.display()) };
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes
        .map_err(|error| Failure::of(ExitStatus::USAGE, &error).within(&format!("{shown} cannot be read")))?;
    Prompt::parse(&bytes)
        .map_err(|error| Failure::of(ExitStatus::USAGE, &error).within(&format!("{shown} cannot be run")))
}

/// Sets an input, and remarks on it when it was not there before: a slip of the pen looks like that.
fn apply(edit: &Edit, prompt: &mut Prompt) -> Result<(), Failure> {
    let edited = prompt.set(&edit.path, Value::from_argument(&edit.value));
    match edited.map_err(|error| Failure::of(ExitStatus::USAGE, &error))? {
        Edited::Added { similar: Some(similar) } => {
            remark(&format!("note: `{}` was not there and is added; the node has `{similar}`", edit.path));
        }
        Edited::Added { similar: None } => {
            remark(&format!("note: `{}` was not there and is added", edit.path));
        }
        _ => {}
    }
    Ok(())
}

async fn submit(
    session: &Session,
    workflow_id: WorkflowId,
    prompt: Prompt,
    arguments: &Run,
) -> Result<RunHandle, Failure> {
    let progress = Progress::start("submitting");
    let files = provide(session, &arguments.file, &progress).await?;
    progress.say("submitting");
    let mut submit = session.client.workflow(workflow_id).run(prompt).files(files);
    if let Some(name) = &arguments.accelerator {
        submit = submit.accelerator(Accelerator::from(name.as_str()));
    }
    if let Some(webhook) = &arguments.webhook {
        submit = submit.webhook(webhook.clone());
    }
    Ok(submit.await?)
}

/// Finds out where each file comes from; local ones are uploaded first.
async fn provide(
    session: &Session,
    arguments: &[FileArgument],
    progress: &Progress,
) -> Result<Files, Failure> {
    let mut files = Files::new();
    for FileArgument { path, source } in arguments {
        let url = match source {
            FileSource::Url(url) => url.clone(),
            FileSource::Local(file) => {
                let (progress, name) = (progress.clone(), file.display().to_string());
                let upload =
                    session.client.upload(file).observe(move |upload| progress.say_upload(&name, upload));
                upload.await?.url
            }
        };
        files.insert(path.clone(), url);
    }
    Ok(files)
}

async fn save(session: &Session, run: RunObject, folder: &Path) -> Result<(), Failure> {
    let saved = runs::save(session, run.clone(), folder).await?;
    print(session, run, &saved)
}

/// Prints the paths of the saved files, or the run and the paths.
fn print(session: &Session, run: RunObject, saved: &[String]) -> Result<(), Failure> {
    let json = || {
        let run = Value::from(run.into_object());
        Object::from_iter([("run", run), ("downloaded", Value::from(saved.to_vec()))]).into()
    };
    session.printer.print(|| render::paths(saved), json)
}
