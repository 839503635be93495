//! From the command line to a client and a workflow.

use comfyicu_client::Client;
use comfyicu_model::WorkflowId;

use crate::args::{Global, Workflow};
use crate::failure::Failure;

/// The workflow of runs on a server of one's own, where none is named.
const DEFAULT_WORKFLOW: &str = "default";

/// Makes the client that the command line and the environment ask for.
pub(crate) fn client(global: &Global) -> Result<Client, Failure> {
    let mut builder = Client::builder();
    if let Some(url) = filled(global.base_url.as_deref()) {
        builder = builder.base_url(url);
    }
    if let Some(key) = filled(global.api_key.as_deref()) {
        builder = builder.api_key(key);
    }
    Ok(builder.build()?)
}

/// The workflow that is named, or the one that a server of one's own has in any case.
pub(crate) fn workflow(client: &Client, workflow: &Workflow) -> Result<WorkflowId, Failure> {
    let named = filled(workflow.id.as_deref());
    if named.is_none() && client.is_hosted() {
        return Err(Failure::usage("the hosted service needs to know the workflow that runs belong to").hint(
            "name it with -w ID or COMFYICU_WORKFLOW; the id stands on the workflow's page on https://comfy.icu: open one of its runs, then “View API code”",
        ));
    }
    let id = named.unwrap_or(DEFAULT_WORKFLOW);
    WorkflowId::parse(id).map_err(|error| {
        Failure::usage("the workflow cannot be used").because(&error).hint("correct -w or COMFYICU_WORKFLOW")
    })
}

/// A value that says something: a variable that is set to nothing is not set.
fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
