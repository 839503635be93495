//! `comfyicu runs list`.

use comfyicu_model::json::{Object, Value};

use super::{listed, not_listed};
use crate::args::{Filter, Workflow};
use crate::command::Context;
use crate::failure::Failure;
use crate::render::table::{Reader, table};
use crate::{connect, render};

/// How many runs are listed unless it is told otherwise.
const LIMIT: usize = 20;

pub(super) async fn list(context: &Context, workflow: &Workflow, filter: &Filter) -> Result<(), Failure> {
    let client = connect::client(context)?;
    let workflow = connect::workflow(context, &client, workflow)?;
    let limit = filter.limit.unwrap_or(LIMIT);
    // And one more, which says that there are more.
    let more = limit.saturating_add(1);
    let runs = listed(&client, &workflow, filter, more).stream().collect(more).await;
    let mut runs = runs.map_err(|error| not_listed(error, filter))?;
    if runs.len() > limit {
        runs.truncate(limit);
        context
            .printer
            .note(&format!("there are more: --limit {} has twice as many", limit.saturating_mul(2)));
    }
    if context.printer.is_json() {
        let runs: Vec<Value> = runs.into_iter().map(|run| run.into_object().into()).collect();
        return context.printer.print_object(Object::from_iter([("runs", Value::Array(runs))]));
    }
    if runs.is_empty() {
        context.printer.note(&format!("the workflow {workflow} has no such runs"));
        if let Some(remark) = filter.unknown_status() {
            context.printer.note(&remark);
        }
        return Ok(());
    }
    let rows: Vec<_> = runs.iter().map(render::run::row).collect();
    let colour = |column, cell: &str| {
        if column == 1 { render::run::colour(cell) } else { clap::builder::styling::Style::new() }
    };
    context.printer.print(&table(&render::run::COLUMNS, &rows, colour, Reader::of_stdout()))
}
