//! From the command line to what is sent: the prompt with its edits, its files, and the check of both.

use std::path::Path;
use std::sync::Arc;

use comfyicu_client::{Client, Error, Extension, SubmitRun};
use comfyicu_model::json::Value;
use comfyicu_model::{Accelerator, Files, Finding, ObjectInfo, Prompt, RunRequest, SettingKind};
use url::Url;

use super::Context;
use super::prompt::{converted, report, set_input};
use crate::args::{FileArgument, FileEdit, FileSource, Request, Seed};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::input::{PromptFile, Runnable};
use crate::settings::SettingKey;
use crate::{input, render};

/// A prompt as it will be sent, and the file it stands in, where nothing of it was changed.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) prompt: Prompt,
    source: Option<PromptFile>,
}

/// Reads a prompt and makes the edits. A UI workflow is converted.
pub(super) async fn prompt(context: &Context, path: &Path, request: &Request) -> Result<Edited, Failure> {
    let (mut prompt, file) = match input::runnable(path, &context.printer).await? {
        Runnable::Prompt(file) => (file.read.prompt.clone(), Some(file)),
        Runnable::UiWorkflow(workflow) => {
            (converted(context, path, &workflow, &request.conversion).await?, None)
        }
    };
    if let Some(wrapper) = file.as_ref().and_then(|file| file.read.wrapper.as_ref()) {
        let name = input::name_of(path);
        context
            .printer
            .note(&format!("{name}: the prompt in {wrapper} is run; what is around it is not used"));
    }
    for edit in &request.set {
        let label = format!("--set {}", edit.path);
        let set = set_input(&mut prompt, edit, &label, &context.printer);
        set.map_err(|failure| failure.hint(input::inputs_hint(path)))?;
    }
    for edit in &request.set_file {
        let text = input::text(&edit.file, &context.printer).await?;
        set_file(&mut prompt, edit, text).map_err(|failure| failure.hint(input::inputs_hint(path)))?;
    }
    if let Some(seed) = request.seed {
        set_seed(context, &mut prompt, seed)?;
    }
    let is_unchanged = file.as_ref().is_some_and(|file| file.read.prompt == prompt);
    Ok(Edited { prompt, source: file.filter(|_| is_unchanged) })
}

fn set_file(prompt: &mut Prompt, edit: &FileEdit, text: String) -> Result<(), Failure> {
    let set = prompt.set(edit.path.as_str(), Value::from(text));
    set.map(drop).map_err(|error| Failure::usage(format!("--set-file {}: {error}", edit.path)))
}

fn set_seed(context: &Context, prompt: &mut Prompt, seed: Seed) -> Result<(), Failure> {
    let number = match seed {
        Seed::Number(number) => number,
        // Any program that reads JSON keeps such a number exactly.
        Seed::Random => fastrand::u64(..1 << 53),
    };
    if prompt.set_all(SettingKind::Seed, number).is_empty() {
        return Err(Failure::usage("--seed: the prompt has no seed of its own")
            .hint("set the input: --set NODE.INPUT=VALUE; `comfyicu prompt show` has the inputs"));
    }
    if seed == Seed::Random {
        context.printer.note(&format!("the seed is {number}"));
    }
    Ok(())
}

impl Edited {
    /// A prompt that stands in no file.
    pub(super) const fn of(prompt: Prompt) -> Self {
        Self { prompt, source: None }
    }
}

/// What is checked before anything costs, with the node definitions that are given, or those of the service. Local
/// files are taken for there.
#[derive(Debug)]
pub(super) struct Check {
    object_info: Option<Arc<ObjectInfo>>,
    files: Files,
    is_off: bool,
}

impl Check {
    /// Prepares it: looks at the files, and gets the definitions.
    pub(super) async fn of(context: &Context, client: &Client, request: &Request) -> Result<Self, Failure> {
        let mut files = Files::new();
        for argument in &request.file {
            readable(argument).await?;
            let there = match &argument.source {
                FileSource::Url(url) => url.clone(),
                FileSource::Local(_) => client.base_url().clone(),
            };
            if files.insert(argument.path.clone(), there).is_some() {
                let text = format!("--file names {} twice: a destination takes one file", argument.path);
                return Err(Failure::usage(text).hint("leave one of them out"));
            }
        }
        let object_info = match &request.conversion.object_info {
            _ if request.no_check => None,
            Some(place) => Some(Arc::new(input::object_info(place, context).await?)),
            None if client.capabilities().await?.has(Extension::ObjectInfo) => {
                Some(client.cached_object_info().await?)
            }
            None => None,
        };
        Ok(Self { object_info, files, is_off: request.no_check })
    }

    /// Checks a prompt, and tells what was found; warnings only where they are wanted. An error is the end.
    pub(super) fn told(&self, context: &Context, edited: &Edited, warns: bool) -> Result<(), Failure> {
        if self.is_off {
            return Ok(());
        }
        let sent = RunRequest::new(edited.prompt.clone()).files(self.files.clone());
        let mut findings = match &self.object_info {
            Some(object_info) => sent.check_with(object_info),
            None => sent.check(),
        };
        findings.retain(|finding| warns || finding.is_error());
        told(context, edited, &mut findings)
    }
}

/// Tells what was found; an error is the end.
fn told(context: &Context, edited: &Edited, findings: &mut [Finding]) -> Result<(), Failure> {
    let nothing = render::findings::Source { name: "", text: "" };
    if let Some(file) = &edited.source {
        file.locate(findings);
    }
    let source = edited.source.as_ref().map_or(nothing, PromptFile::source);
    for finding in findings.iter() {
        if finding.is_error() {
            context.printer.report(&render::findings::finding(finding, source));
        } else {
            context.printer.remark(&render::findings::finding(finding, source));
        }
    }
    if !findings.iter().any(Finding::is_error) {
        return Ok(());
    }
    if context.printer.is_json() {
        context.printer.print_object(report(findings))?;
    }
    let count = render::findings::count(findings).unwrap_or_default();
    Err(Failure::new(ExitStatus::REJECTED, format!("the prompt has {count}, so nothing was sent"))
        .hint("correct what is named above: --set NODE.INPUT=VALUE sets an input, --file DEST=URL|PATH brings a file")
        .hint("send it all the same: --no-check"))
}

/// Looks whether a local file can be read, before anything else is done.
async fn readable(argument: &FileArgument) -> Result<(), Failure> {
    let FileSource::Local(path) = &argument.source else { return Ok(()) };
    tokio::fs::File::open(path).await.map(drop).map_err(|error| {
        Failure::usage(format!("`{}` cannot be read", path.display()))
            .because(&error)
            .hint("check the path: it is taken as it stands, and the shell does not expand ~ behind `=`")
    })
}

/// The files of the run; local ones are handed to the server first.
pub(super) async fn files(
    context: &Context,
    client: &Client,
    arguments: &[FileArgument],
) -> Result<Files, Failure> {
    let mut files = Files::new();
    for FileArgument { path, source } in arguments {
        let url = match source {
            FileSource::Url(url) => url.clone(),
            FileSource::Local(local) => {
                let name = local.display().to_string();
                let line = context.printer.progress().line(&format!("uploading {name}"));
                let upload = client.upload(local.clone()).observe(move |at| line.uploading(&name, at));
                upload.await.map_err(not_uploaded)?.url
            }
        };
        files.insert(path.clone(), url);
    }
    Ok(files)
}

fn not_uploaded(error: Error) -> Failure {
    let is_unsupported = error.kind() == comfyicu_client::ErrorKind::Unsupported;
    let failure = Failure::from(error);
    if is_unsupported {
        failure.instead("give the URL in place of the path: --file DEST=URL")
    } else {
        failure
    }
}

/// What the command line and the settings say of a submit, beside its files.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    accelerator: Option<Accelerator>,
    webhook: Option<Url>,
}

impl Settled {
    pub(super) fn of(context: &Context, request: &Request) -> Result<Self, Failure> {
        let accelerator = context.settings.get(SettingKey::Accelerator, request.accelerator.as_deref())?;
        let accelerator = accelerator.map(|name| Accelerator::from(name.value.as_str()));
        Ok(Self { accelerator, webhook: request.webhook.clone() })
    }

    /// Adds it to a submit.
    pub(super) fn set_up(&self, submit: SubmitRun, files: Files) -> SubmitRun {
        let mut submit = submit.files(files);
        if let Some(accelerator) = &self.accelerator {
            submit = submit.accelerator(accelerator.clone());
        }
        if let Some(webhook) = &self.webhook {
            submit = submit.webhook(webhook.clone());
        }
        submit
    }
}
