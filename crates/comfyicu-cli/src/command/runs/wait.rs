//! `comfyicu runs wait`.

use comfyicu_client::{RunHandle, WaitError};
use comfyicu_model::Run;
use futures_util::{StreamExt as _, stream};

use super::print;
use crate::command::{Context, outcome};
use crate::failure::Failure;

/// How many runs are waited for at once.
const AT_ONCE: usize = 64;

pub(super) async fn wait(context: &Context, handles: &[RunHandle]) -> Result<(), Failure> {
    context.stage.waiting_for(handles.to_vec());
    if let [handle] = handles {
        // What is wrong with the id, the key or the address shows at once; from then on a while is tolerated.
        handle.get().await?;
        let ended = waited(context, handle, false).await;
        return told(context, handle, ended, true);
    }
    let mut first = None;
    let waits =
        stream::iter(handles).map(|handle| async move { (handle, waited(context, handle, true).await) });
    let mut ends = waits.buffer_unordered(AT_ONCE);
    while let Some((handle, ended)) = ends.next().await {
        if let Err(failure) = told(context, handle, ended, false) {
            context.tell(&failure, &mut first);
        }
    }
    outcome::of_several(first)
}

async fn waited(context: &Context, handle: &RunHandle, is_named: bool) -> Result<Run, WaitError> {
    let line = context.printer.progress().line("waiting");
    if is_named {
        line.name(handle.id().as_str());
    }
    context.wait(handle, &line).await
}

/// Shows a run that has ended, and says what is wrong with it.
fn told(
    context: &Context,
    handle: &RunHandle,
    ended: Result<Run, WaitError>,
    is_one: bool,
) -> Result<(), Failure> {
    let error = match ended {
        Ok(run) => return print(context, run, is_one),
        Err(error) => error,
    };
    let (failure, known) = context.not_completed(handle, error);
    let has_ended = |run: &Run| run.status().is_some_and(|status| status.is_terminal());
    if let Some(run) = known.filter(|run| context.printer.is_json() || has_ended(run)) {
        print(context, run, is_one)?;
    }
    Err(failure)
}
