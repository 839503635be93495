//! `comfyicu webhooks listen`.

use comfyicu_client::{WebhookSecret, WebhookSender};
use comfyicu_model::WebhookEvent;
use url::Url;

use super::{is_wanted, message_id, told};
use crate::args::{WebhookKind, Workflow};
use crate::command::Context;
use crate::connect;
use crate::exit::ExitStatus;
use crate::failure::Failure;

/// Delivers what happens until the process is ended, or one message was delivered.
pub(super) async fn listen(
    context: &Context,
    workflow: &Workflow,
    to: Option<(Url, Option<WebhookSecret>)>,
    events: &[WebhookKind],
    once: bool,
) -> Result<(), Failure> {
    let client = connect::client(context)?;
    let workflow = client.workflow(connect::workflow(context, &client, workflow)?);
    let place = to.as_ref().map_or_else(|| "stdout".to_owned(), |(url, _)| url.to_string());
    let sender = to.map(|(url, secret)| {
        let sender = client.webhook_sender(url);
        match secret {
            Some(secret) => sender.secret(secret),
            None => sender,
        }
    });
    context.printer.note(&format!(
        "following the runs of the workflow {} at {}; what happens goes to {place}; Ctrl-C ends it",
        workflow.id(),
        client.base_url()
    ));
    let mut changes = workflow.changes().stream();
    while let Some(event) = changes.try_next().await? {
        if !is_wanted(events, event.status().as_ref()) {
            continue;
        }
        let delivered = deliver(context, sender.as_ref(), &event).await;
        if once {
            return delivered;
        }
        if let Err(failure) = delivered {
            context.printer.fail(&failure);
        }
    }
    Ok(())
}

async fn deliver(
    context: &Context,
    sender: Option<&WebhookSender>,
    event: &WebhookEvent,
) -> Result<(), Failure> {
    let Some(sender) = sender else {
        return context.printer.print_line(event.run().as_object().clone());
    };
    let mut printed = Ok(());
    let last = sender
        .send(&message_id(event), event, |attempt| {
            if printed.is_ok() {
                printed = told(context, event, attempt);
            }
        })
        .await;
    printed?;
    if last.was_taken() {
        return Ok(());
    }
    Err(Failure::new(
        ExitStatus::UNREACHABLE,
        format!("the receiver did not take the webhook of {}", event.run_id()),
    )
    .hint("it has to answer with a status from 200 to 299 within 15 s"))
}
