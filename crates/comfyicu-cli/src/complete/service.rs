//! What the config file and the service know: profiles, accelerators, workflows, runs. Whoever pressed Tab waits, so
//! the service has a second, and what goes wrong is silence.

use std::time::Duration;

use clap::builder::StyledStr;
use clap_complete::engine::CompletionCandidate;
use comfyicu_client::{Client, Error};
use comfyicu_model::json::Value;
use comfyicu_model::{Accelerator, WorkflowId};

use super::line::Line;
use crate::args::Workflow;
use crate::command::Context;
use crate::connect;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::settings::{Environment, Settings};
use crate::stage::Stage;

/// How long the service is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many runs are offered: the newest.
const RUNS: u32 = 20;

/// The profiles of the config file.
pub(super) fn profiles(line: &Line) -> Vec<CompletionCandidate> {
    let settings = Settings::new(&line.global(), Environment::of_process());
    let names = settings.file().map(crate::settings::ConfigFile::profiles).unwrap_or_default();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// What the server says that it has; else what the hosted service has.
pub(super) fn accelerators(line: &Line) -> Vec<CompletionCandidate> {
    let offered = asked(line, async |client, _| {
        let offered = client.capabilities().await?.as_object().get("accelerators").and_then(Value::as_array);
        let names = offered.into_iter().flatten().filter_map(Value::as_str);
        Ok(names.map(CompletionCandidate::new).collect())
    });
    if offered.is_empty() {
        Accelerator::HOSTED.iter().map(|name| CompletionCandidate::new(name.as_str())).collect()
    } else {
        offered
    }
}

/// The workflows, by their ids.
pub(super) fn workflows(line: &Line) -> Vec<CompletionCandidate> {
    asked(line, async |client, _| {
        let workflows = client.workflows().await?;
        let candidate = |workflow: comfyicu_model::WorkflowInfo| {
            let candidate = CompletionCandidate::new(workflow.id().as_str());
            candidate.help(workflow.name().map(|name| StyledStr::from(name.to_owned())))
        };
        Ok(workflows.into_iter().map(candidate).collect())
    })
}

/// The newest runs of the workflow, by their ids.
pub(super) fn runs(line: &Line) -> Vec<CompletionCandidate> {
    asked(line, async |client, workflow| {
        let Some(workflow) = workflow else { return Ok(Vec::new()) };
        let list = client.workflow(workflow).runs().page_size(RUNS).stream();
        let candidate = |run: comfyicu_model::Run| {
            let parts =
                [run.status().map(|status| status.to_string()), run.created_at().map(|at| at.to_string())];
            let help = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
            CompletionCandidate::new(run.id().as_str()).help(Some(StyledStr::from(help)))
        };
        let runs = list.collect(usize::try_from(RUNS).unwrap_or(1)).await?;
        Ok(runs.into_iter().map(candidate).collect())
    })
}

/// Asks the service that the line and the settings mean.
fn asked<F>(line: &Line, question: impl FnOnce(Client, Option<WorkflowId>) -> F) -> Vec<CompletionCandidate>
where
    F: Future<Output = Result<Vec<CompletionCandidate>, Error>>,
{
    let Ok((client, workflow)) = client(line) else { return Vec::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, question(client, workflow)).await });
    // A name that is being resolved is not waited for.
    runtime.shutdown_background();
    answer.ok().and_then(Result::ok).unwrap_or_default()
}

fn client(line: &Line) -> Result<(Client, Option<WorkflowId>), Failure> {
    let global = line.global();
    let settings = Settings::new(&global, Environment::of_process());
    let stage = Stage::new(String::new());
    let context =
        Context { settings, printer: Printer::new(&global)?, stage, timeout: Some(PATIENCE), waits: false };
    let client = connect::client(&context)?;
    let flag = Workflow { id: line.value("workflow") };
    let workflow = connect::workflow(&context, &client, &flag).ok();
    Ok((client, workflow))
}
