//! `comfyicu runs find`: the run of a submit whose outcome was not known.

use comfyicu_client::SubmitKey;

use super::print;
use crate::args::Workflow;
use crate::command::Context;
use crate::connect;
use crate::exit::ExitStatus;
use crate::failure::Failure;

pub(super) async fn find(context: &Context, marker: &SubmitKey, workflow: &Workflow) -> Result<(), Failure> {
    let client = connect::client(context)?;
    let workflow = client.workflow(connect::workflow(context, &client, workflow)?);
    if let Some(handle) = workflow.find_submitted(marker).await? {
        return print(context, handle.get().await?, true);
    }
    let text = format!("none of the newest runs of the workflow {} has this marker", workflow.id());
    Err(Failure::new(ExitStatus::NOT_FOUND, text)
        .hint("a run has taken 45 s to appear: look again then, before you submit it anew"))
}
