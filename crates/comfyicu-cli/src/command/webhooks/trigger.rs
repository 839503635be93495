//! `comfyicu webhooks trigger`.

use comfyicu_client::WebhookSecret;
use comfyicu_model::WebhookEvent;
use url::Url;

use super::{message_id, told};
use crate::command::Context;
use crate::connect;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::render::prompt::printable;

/// Sends a message once, and shows what is answered.
pub(super) async fn trigger(
    context: &Context,
    to: Url,
    secret: Option<WebhookSecret>,
    event: &WebhookEvent,
) -> Result<(), Failure> {
    let sender = connect::keyless()?.webhook_sender(to).attempts(1);
    let sender = match secret {
        Some(secret) => sender.secret(secret),
        None => sender,
    };
    let attempt = sender.send(&message_id(event), event, |_| {}).await;
    told(context, event, &attempt)?;
    let answer = String::from_utf8_lossy(&attempt.body);
    if !answer.trim().is_empty() && !context.printer.is_json() {
        context.printer.print(&format!("  {}", printable(answer.trim())))?;
    }
    match &attempt.answer {
        Ok(_) if attempt.was_taken() => Ok(()),
        Ok(status) => Err(Failure::new(ExitStatus::UNREACHABLE, format!("the receiver answered {status}"))
            .hint("it has to answer with a status from 200 to 299")),
        Err(reason) => {
            Err(Failure::new(ExitStatus::UNREACHABLE, format!("the receiver did not answer: {reason}"))
                .hint("check that it is running, and that --to leads to it"))
        }
    }
}
