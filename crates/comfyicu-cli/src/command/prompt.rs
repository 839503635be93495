//! `comfyicu prompt …`: what is done to files.

mod check;
mod compare;
mod convert;
mod graph;
mod image;
mod inputs;
mod show;

pub(super) use check::report;
pub(super) use convert::converted;
pub(super) use inputs::set_input;

use super::Context;
use crate::args::Prompt;
use crate::failure::Failure;

pub(super) async fn prompt(context: &Context, command: Prompt) -> Result<(), Failure> {
    match command {
        Prompt::Show(document) => show::show(context, &document.path).await,
        Prompt::Graph(arguments) => graph::graph(context, &arguments).await,
        Prompt::Nodes(document) => show::nodes(context, &document.path).await,
        Prompt::Check { document, object_info, file } => {
            check::check(context, &document.path, object_info.as_ref(), file).await
        }
        Prompt::Convert { path, conversion, strict } => {
            convert::convert(context, &path, &conversion, strict).await
        }
        Prompt::Get { document, input } => inputs::get(context, &document.path, &input).await,
        Prompt::Set { document, edits, in_place } => {
            inputs::set(context, &document.path, &edits, in_place).await
        }
        Prompt::Diff { before, after } => compare::diff(context, &before, &after).await,
        Prompt::Hash(document) => compare::hash(context, &document.path).await,
        Prompt::Extract { image, workflow } => image::extract(context, &image, workflow).await,
        Prompt::Strip { image, output, in_place } => {
            image::strip(context, &image, output.as_deref(), in_place).await
        }
    }
}
