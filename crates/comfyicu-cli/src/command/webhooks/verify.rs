//! `comfyicu webhooks verify`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use comfyicu_client::{WebhookSecret, WebhookVerifier};
use comfyicu_model::json::{Object, Value};

use crate::args::Header;
use crate::command::Context;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::input;

pub(super) async fn verify(
    context: &Context,
    secret: Option<WebhookSecret>,
    headers: Vec<Header>,
    any_time: bool,
    body: &Path,
) -> Result<(), Failure> {
    let secret = secret.ok_or_else(|| {
        Failure::usage("a signature is checked with its secret")
            .hint("give it: --secret whsec_…, or --secret @FILE")
    })?;
    let headers = headers.into_iter().map(|header| (header.name, header.value)).collect();
    let body = input::text(body, &context.printer).await?;
    let mut verifier = WebhookVerifier::new([secret]);
    if any_time {
        verifier = verifier.tolerance(Duration::MAX);
    }
    let verified = verifier.verify(&headers, body.as_bytes(), SystemTime::now());
    let id = verified.map_err(|error| {
        Failure::new(ExitStatus::REJECTED, error.to_string())
            .hint("give the three headers with -H NAME:VALUE, and the body to the letter; --any-time takes old ones")
    })?;
    if context.printer.is_json() {
        let object = [("webhook_id", Value::from(id)), ("verified", true.into())];
        return context.printer.print_object(Object::from_iter(object));
    }
    context.printer.print(&format!("the signature of {id} fits"))
}
