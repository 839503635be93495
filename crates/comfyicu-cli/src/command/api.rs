//! `comfyicu api`: any call of the service.

use bytes::Bytes;
use comfyicu_client::ErrorKind;
use comfyicu_model::json::{self, Limits, Value};

use super::Context;
use crate::args::Api;
use crate::connect;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::input;
use crate::printer::is_for_people;

/// Which paths there are.
const PATH_HINT: &str = "PATH is below /api/v1, such as workflows or workflows/ID/runs?limit=3";

pub(super) async fn api(context: &Context, arguments: Api) -> Result<(), Failure> {
    let body = match arguments.data.as_deref() {
        Some(data) => Some(match data.strip_prefix('@') {
            Some(file) => Bytes::from(input::text(file.as_ref(), &context.printer).await?),
            None => Bytes::copy_from_slice(data.as_bytes()),
        }),
        None => None,
    };
    let client = connect::client(context)?;
    let answer = client.request(arguments.method, &arguments.path, body).await;
    let answer = answer.map_err(|error| match error.kind() {
        ErrorKind::Setup => Failure::from(error).instead(PATH_HINT),
        _ => error.into(),
    })?;
    let status = answer.status();
    print(context, answer.body())?;
    if status.is_success() || status.is_redirection() {
        return Ok(());
    }
    let status_code = of_status(status.as_u16());
    Err(Failure::new(status_code, format!("the service answered {status}")).hint(hint(status_code)))
}

fn print(context: &Context, body: &Bytes) -> Result<(), Failure> {
    if body.is_empty() {
        return Ok(());
    }
    let document = json::read(body, Limits::default()).ok();
    match document {
        Some(value) if context.printer.has_filter() => context.printer.print_filtered(&value),
        Some(value @ (Value::Object(_) | Value::Array(_))) if is_for_people() => {
            context.printer.print(value.to_json_pretty().trim_end())
        }
        _ => context.printer.write(body),
    }
}

/// What leads on from an answer that is no success.
const fn hint(status: ExitStatus) -> &'static str {
    match status {
        ExitStatus::KEY => "give a key of this service: comfyicu auth login",
        ExitStatus::NOT_FOUND => PATH_HINT,
        ExitStatus::UNREACHABLE => "try again in a minute",
        _ => "the answer says what is wrong; -v tells what was sent",
    }
}

const fn of_status(status: u16) -> ExitStatus {
    match status {
        401..=403 => ExitStatus::KEY,
        404 | 410 => ExitStatus::NOT_FOUND,
        400 | 409 | 413 | 415 | 422 => ExitStatus::REJECTED,
        408 | 425 | 429 | 500..=599 => ExitStatus::UNREACHABLE,
        _ => ExitStatus::UNEXPECTED,
    }
}
