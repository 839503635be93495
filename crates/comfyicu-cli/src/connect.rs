//! From the settings to a client and a workflow.

use comfyicu_client::Client;
use comfyicu_model::WorkflowId;

use crate::args::Workflow;
use crate::command::Context;
use crate::failure::Failure;
use crate::settings::SettingKey;

/// The workflow of runs on a server of one's own, where none is named.
const DEFAULT_WORKFLOW: &str = "default";

/// Makes the client that the settings ask for.
pub(crate) fn client(context: &Context) -> Result<Client, Failure> {
    client_with(context, None)
}

/// Makes the client that the settings ask for, but with another key.
pub(crate) fn client_with(context: &Context, key: Option<&str>) -> Result<Client, Failure> {
    let mut builder = Client::builder();
    if let Some(url) = context.settings.get(SettingKey::BaseUrl, None)? {
        builder = builder.base_url(url.value);
    }
    // A key that is being given may be the first thing that its profile has.
    let key = match key {
        Some(key) => Some(key.to_owned()),
        None => context.settings.api_key()?.map(|key| key.value),
    };
    if let Some(key) = key {
        builder = builder.api_key(key);
    }
    if let Some(timeout) = context.timeout.filter(|_| !context.waits) {
        builder = builder.timeout(timeout);
    }
    Ok(builder.build()?)
}

/// A client without a key, for what has nothing to do with the service.
pub(crate) fn keyless() -> Result<Client, Failure> {
    Ok(Client::builder().build()?)
}

/// The workflow that is named, or the one that a server of one's own has in any case.
pub(crate) fn workflow(context: &Context, client: &Client, flag: &Workflow) -> Result<WorkflowId, Failure> {
    let named = context.settings.get(SettingKey::Workflow, flag.id.as_deref())?.map(|setting| setting.value);
    if named.is_none() && client.is_hosted() {
        return Err(Failure::usage("the hosted service needs to know the workflow that runs belong to")
            .hint("name it with -w ID or COMFYICU_WORKFLOW, or keep it: comfyicu config set workflow ID")
            .hint("the id stands on the workflow's page on https://comfy.icu: open one of its runs, then “View API code”; `comfyicu workflows list` has it too")
            .hint("a server of your own needs none: name that with --base-url (COMFYICU_BASE_URL)"));
    }
    let id = named.unwrap_or_else(|| DEFAULT_WORKFLOW.to_owned());
    WorkflowId::parse(&id).map_err(|error| {
        Failure::usage("the workflow cannot be used").because(&error).hint("correct -w or COMFYICU_WORKFLOW")
    })
}
