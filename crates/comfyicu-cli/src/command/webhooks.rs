//! `comfyicu webhooks`: listen, trigger, verify.

mod body;
mod listen;
mod trigger;
mod verify;

use comfyicu_client::{WebhookAttempt, WebhookSecret};
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{RunStatus, WebhookEvent};

use super::Context;
use crate::args::{Signing, Webhooks};
use crate::failure::Failure;
use crate::input;
use crate::render::prompt::printable;

pub(super) async fn webhooks(context: &Context, arguments: Webhooks) -> Result<(), Failure> {
    match arguments {
        Webhooks::Listen { forward_to, signing, once, events, workflow } => {
            let secret = secret(context, &signing).await?;
            let to = forward_to.map(|url| (url, secret));
            listen::listen(context, &workflow, to, &events, once).await
        }
        Webhooks::Trigger { event, to, run, signing, set, workflow } => {
            let (secret, body) =
                (secret(context, &signing).await?, body::of(context, event, run, &workflow, &set).await?);
            trigger::trigger(context, to, secret, &body).await
        }
        Webhooks::Verify { signing, header, any_time, body } => {
            let secret = secret(context, &signing).await?;
            verify::verify(context, secret, header, any_time, &body).await
        }
    }
}

/// The secret that is given, in a file, or in the environment.
async fn secret(context: &Context, signing: &Signing) -> Result<Option<WebhookSecret>, Failure> {
    let text = match (&signing.secret, context.settings.webhook_secret()) {
        (Some(given), _) => match given.strip_prefix('@') {
            Some(file) => input::text(file.as_ref(), &context.printer).await?,
            None => given.clone(),
        },
        (None, Some(kept)) => kept.to_owned(),
        (None, None) => return Ok(None),
    };
    WebhookSecret::parse(&text).map(Some).map_err(|error| {
        let hint = "give it as the server shows it, whsec_…, or the file that holds it: --secret @FILE";
        Failure::usage("the secret cannot be used").because(&error).hint(hint)
    })
}

/// The id of a message: the same however often it is sent.
fn message_id(event: &WebhookEvent) -> String {
    format!("msg_{}", event.key().to_string().replace('/', "_"))
}

/// Tells of one attempt to deliver: a line, or an object.
fn told(context: &Context, event: &WebhookEvent, attempt: &WebhookAttempt) -> Result<(), Failure> {
    let status = event.status().map_or_else(String::new, |status| status.to_string());
    let took = u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX);
    if context.printer.is_json() {
        let (answer, error) = match &attempt.answer {
            Ok(status) => (Value::from(u64::from(status.as_u16())), Value::Null),
            Err(error) => (Value::Null, error.as_str().into()),
        };
        let object = [
            ("run_id", Value::from(event.run_id().as_str())),
            ("status", status.into()),
            ("webhook_id", message_id(event).into()),
            ("attempt", u64::try_from(attempt.number).unwrap_or(u64::MAX).into()),
            ("answer", answer),
            ("error", error),
            ("took_ms", took.into()),
            ("taken", attempt.was_taken().into()),
        ];
        return context.printer.print_line(Object::from_iter(object));
    }
    let answer = match &attempt.answer {
        Ok(status) => status.to_string(),
        Err(error) => printable(error).into_owned(),
    };
    let more = match (attempt.was_taken(), attempt.is_last) {
        (true, _) => "",
        (false, true) => "; given up",
        (false, false) => "; sent again soon",
    };
    context.printer.print(&format!("{} {status} → {answer} in {took} ms{more}", event.run_id()))
}

/// Whether a status is one of those that are wanted.
fn is_wanted(events: &[crate::args::WebhookKind], status: Option<&RunStatus>) -> bool {
    events.is_empty() || status.is_some_and(|status| events.contains(&crate::args::WebhookKind::of(status)))
}
