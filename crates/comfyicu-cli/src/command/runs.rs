//! `comfyicu runs …`: which runs are meant, and what is done to each.

mod change;
mod download;
mod find;
mod get;
mod list;
mod wait;
mod watch;

use comfyicu_client::{Client, Error, ErrorKind, ListRuns, RunHandle};
use comfyicu_model::{Run, WorkflowId};

use super::Context;
use crate::args::{Filter, Runs, Selection};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::{connect, render};

/// How many runs are meant where a status or a time names them, and no limit.
const MOST: usize = 100;

pub(super) async fn runs(context: &Context, arguments: Runs) -> Result<(), Failure> {
    match arguments {
        Runs::List { workflow, filter } => list::list(context, &workflow, &filter).await,
        Runs::Get(selection) => get::get(context, &selected(context, selection, true).await?).await,
        Runs::Wait(selection) => wait::wait(context, &selected(context, selection, true).await?).await,
        Runs::Watch(selection) => watch::watch(context, &selected(context, selection, true).await?).await,
        Runs::Download { selection, folder } => {
            download::download(context, &selected(context, selection, true).await?, &folder.path).await
        }
        Runs::Cancel(selection) => change::cancel(context, &selected(context, selection, false).await?).await,
        Runs::Retry(selection) => change::retry(context, &selected(context, selection, false).await?).await,
        Runs::Find { marker, workflow } => find::find(context, &marker, &workflow).await,
    }
}

/// The runs that are meant; the newest one where none is named and that does no harm.
async fn selected(
    context: &Context,
    selection: Selection,
    may_be_newest: bool,
) -> Result<Vec<RunHandle>, Failure> {
    let client = connect::client(context)?;
    let workflow = connect::workflow(context, &client, &selection.workflow)?;
    let handle = |id| client.run(workflow.clone(), id);
    let named: Vec<RunHandle> = selection.ids().cloned().map(handle).collect();
    if !named.is_empty() {
        return Ok(named);
    }
    let filter = &selection.filter;
    if !filter.names_runs() && !may_be_newest {
        return Err(Failure::usage("no run is named").hint(
            "give ids, or say which: --status QUEUED, --since 1h; `comfyicu runs list` has what there is",
        ));
    }
    let most = filter.limit.unwrap_or(if filter.names_runs() { MOST } else { 1 });
    let found = listed(&client, &workflow, filter, most).stream().collect(most).await;
    let found = found.map_err(|error| not_listed(error, filter))?;
    if found.is_empty() {
        let failure = format!("the workflow {workflow} has no such run");
        let failure =
            Failure::new(ExitStatus::NOT_FOUND, failure).hint("`comfyicu runs list` has what there is");
        return Err(match filter.unknown_status() {
            Some(remark) => failure.hint(remark),
            None => failure,
        });
    }
    Ok(found.into_iter().map(|run| handle(run.id().clone())).collect())
}

/// The list that a filter asks for.
fn listed(client: &Client, workflow: &WorkflowId, filter: &Filter, most: usize) -> ListRuns {
    let mut list = client.workflow(workflow.clone()).runs();
    if let Some(status) = &filter.status {
        list = list.status(status.clone());
    }
    if let Some(since) = filter.since {
        list = list.since(since.moment());
    }
    // No more than is wanted, and no page too long for the server.
    list.page_size(u32::try_from(most.clamp(1, MOST)).unwrap_or(1))
}

/// What to say of a list that is not answered: a server may know no other statuses than its own.
fn not_listed(error: Error, filter: &Filter) -> Failure {
    match (error.kind(), filter.unknown_status()) {
        (ErrorKind::Rejected, Some(remark)) => Failure::from(error).instead(remark),
        _ => error.into(),
    }
}

/// Shows a run: as one object, as a line where there are several, or for people.
fn print(context: &Context, run: Run, is_one: bool) -> Result<(), Failure> {
    match (context.printer.is_json(), is_one) {
        (true, true) => context.printer.print_object(run.into_object()),
        (true, false) => context.printer.print_line(run.into_object()),
        (false, true) => context.printer.print(render::run::run(&run).trim_end()),
        (false, false) => context.printer.print(&render::run::run(&run)),
    }
}
