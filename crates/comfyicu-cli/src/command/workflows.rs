//! `comfyicu workflows`: list, get.

use clap::builder::styling::Style;
use comfyicu_model::json::{Object, Value};

use super::Context;
use crate::args::{Workflow, Workflows};
use crate::failure::Failure;
use crate::render::table::{Reader, table};
use crate::{connect, render};

pub(super) async fn workflows(context: &Context, arguments: Workflows) -> Result<(), Failure> {
    match arguments {
        Workflows::List => list(context).await,
        Workflows::Get { id, workflow } => get(context, &Workflow { id: id.or(workflow.id) }).await,
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let workflows = connect::client(context)?.workflows().await?;
    if context.printer.is_json() {
        let all = workflows.into_iter().map(|workflow| workflow.into_object().into()).collect();
        return context.printer.print_object(Object::from_iter([("workflows", Value::Array(all))]));
    }
    if workflows.is_empty() {
        context.printer.note("there are no workflows yet: on a server of your own, the first run makes one");
        return Ok(());
    }
    let rows: Vec<_> = workflows.iter().map(render::workflow::row).collect();
    let text = table(&render::workflow::COLUMNS, &rows, |_, _| Style::new(), Reader::of_stdout());
    context.printer.print(&text)
}

async fn get(context: &Context, workflow: &Workflow) -> Result<(), Failure> {
    let client = connect::client(context)?;
    let workflow = client.workflow(connect::workflow(context, &client, workflow)?).get().await?;
    if context.printer.is_json() {
        return context.printer.print_object(workflow.into_object());
    }
    context.printer.print(render::workflow::workflow(&workflow).trim_end())
}
