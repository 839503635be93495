//! `comfyicu runs cancel` and `retry`.

use comfyicu_client::{Error, RunHandle, SubmitKey};
use comfyicu_model::json::Object;

use super::print;
use crate::command::{Context, outcome};
use crate::failure::Failure;

pub(super) async fn cancel(context: &Context, handles: &[RunHandle]) -> Result<(), Failure> {
    if let [handle] = handles {
        return print(context, handle.cancel().await?, true);
    }
    let mut first = None;
    for handle in handles {
        match handle.cancel().await {
            Ok(run) => print(context, run, false)?,
            Err(error) => context.tell(&error.into(), &mut first),
        }
    }
    outcome::of_several(first)
}

pub(super) async fn retry(context: &Context, handles: &[RunHandle]) -> Result<(), Failure> {
    if let [handle] = handles {
        return again(context, handle).await;
    }
    let mut first = None;
    for handle in handles {
        if let Err(failure) = again(context, handle).await {
            context.tell(&failure, &mut first);
        }
    }
    outcome::of_several(first)
}

/// What to say where the service does not tell what a run was made of.
fn not_told(error: &Error) -> Failure {
    let failure = Failure::usage(error.to_string()).hint("submit its prompt again: comfyicu run PROMPT");
    match std::error::Error::source(error) {
        Some(source) => failure.because(source),
        None => failure,
    }
}

/// Submits a run again, and prints the new one's id.
async fn again(context: &Context, handle: &RunHandle) -> Result<(), Failure> {
    let (run, key) = (handle.get().await?, SubmitKey::random()?);
    let workflow = handle.client().workflow(handle.workflow_id().clone());
    let submit = workflow.run_again(&run).map_err(|error| not_told(&error))?.key(key.clone());
    context.stage.submitting(workflow.id(), &key);
    let new = submit.await.map_err(|error| context.not_submitted(error))?;
    if context.printer.is_json() {
        let of = handle.id().as_str();
        let ids = [("id", new.id().as_str()), ("workflow_id", new.workflow_id().as_str()), ("retry_of", of)];
        return context.printer.print_line(Object::from_iter(ids));
    }
    context.printer.print(new.id().as_str())
}
