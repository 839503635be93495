//! `comfyicu prompt convert`: a UI workflow becomes a prompt.

use std::path::Path;

use comfyicu_client::ErrorKind;
use comfyicu_model::{Conversion, ObjectInfo, Prompt, UiWorkflow};

use crate::args::Conversion as Arguments;
use crate::command::Context;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::input::Runnable;
use crate::{connect, input, runtime};

pub(super) async fn convert(
    context: &Context,
    path: &Path,
    arguments: &Arguments,
    strict: bool,
) -> Result<(), Failure> {
    let printer = &context.printer;
    let prompt = match input::runnable(path, printer).await? {
        Runnable::Prompt(file) => {
            printer.note(&format!("{} is a prompt already", input::name_of(path)));
            file.read.prompt
        }
        Runnable::UiWorkflow(workflow) => {
            let conversion = conversion(context, path, &workflow, arguments).await?;
            if strict && !conversion.findings.is_empty() {
                let message = format!("{} leaves open what its prompt is", input::name_of(path));
                let failure = Failure::new(ExitStatus::REJECTED, message);
                let failure = conversion
                    .findings
                    .iter()
                    .fold(failure, |failure, open| failure.finding(open.to_string()));
                return Err(failure.hint("leave out --strict to write the prompt without what is open"));
            }
            told(context, conversion)
        }
    };
    printer.print(prompt.to_json_pretty().trim_end())
}

/// Converts a UI workflow that is to be run, and tells what could not be known.
pub(in crate::command) async fn converted(
    context: &Context,
    path: &Path,
    workflow: &UiWorkflow,
    arguments: &Arguments,
) -> Result<Prompt, Failure> {
    let conversion = conversion(context, path, workflow, arguments).await?;
    context.printer.note(&format!("{} is a UI workflow: it was converted to a prompt", input::name_of(path)));
    Ok(told(context, conversion))
}

async fn conversion(
    context: &Context,
    path: &Path,
    workflow: &UiWorkflow,
    arguments: &Arguments,
) -> Result<Conversion, Failure> {
    let object_info = match &arguments.object_info {
        Some(place) => input::object_info(place, context).await?,
        None => of_service(context).await?,
    };
    workflow.to_prompt(&object_info, &arguments.options()).map_err(|error| {
        let message = format!("{} has no prompt", input::name_of(path));
        Failure::new(ExitStatus::REJECTED, message)
            .because(&error)
            .hint("open it in ComfyUI, and export its prompt there: Workflow → Export (API)")
    })
}

/// The node definitions of the service that is set up.
async fn of_service(context: &Context) -> Result<ObjectInfo, Failure> {
    runtime::needed().await;
    let client = connect::client(context)?;
    client.object_info().await.map_err(|error| match error.kind() {
        ErrorKind::Unsupported => Failure::usage(
            "a UI workflow is converted with node definitions, and this service does not tell them",
        )
        .hint("name those of a ComfyUI: --object-info FILE|URL"),
        _ => Failure::from(error),
    })
}

/// Tells what could not be known.
fn told(context: &Context, conversion: Conversion) -> Prompt {
    for finding in &conversion.findings {
        context.printer.remark(&format!("{}: {finding}", finding.severity));
    }
    conversion.prompt
}
