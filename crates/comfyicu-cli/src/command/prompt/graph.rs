//! `comfyicu prompt graph`: a picture of a prompt.

use super::converted;
use crate::args::{GraphArguments, GraphFormat};
use crate::command::Context;
use crate::failure::Failure;
use crate::input;
use crate::input::Runnable;

pub(super) async fn graph(context: &Context, arguments: &GraphArguments) -> Result<(), Failure> {
    let GraphArguments { path, format, conversion } = arguments;
    let printer = &context.printer;
    let prompt = match input::runnable(path, printer).await? {
        Runnable::Prompt(file) => file.read.prompt,
        Runnable::UiWorkflow(workflow) => converted(context, path, &workflow, conversion).await?,
    };
    // Without them the types of links are told from names: a picture needs no service.
    let object_info = match &conversion.object_info {
        Some(place) => Some(input::object_info(place, context).await?),
        None => None,
    };
    let drawing = prompt.drawing(object_info.as_ref());
    if printer.is_json() {
        return printer.print_object(drawing.to_object());
    }
    let text = match format {
        GraphFormat::Text => drawing.to_text(),
        GraphFormat::Svg => drawing.to_svg(),
        GraphFormat::Mermaid => drawing.to_mermaid(),
        GraphFormat::Dot => drawing.to_dot(),
    };
    printer.print(text.trim_end())
}
