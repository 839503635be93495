//! `comfyicu doctor`: what is set up, whether it works, and what to do where it does not.

use std::time::{Duration, Instant, SystemTime};

use clap::builder::styling::{AnsiColor, Style};
use comfyicu_client::{Client, Error, ErrorKind};
use comfyicu_model::json::{Object, Value};

use super::Context;
use crate::connect;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::settings::SettingKey;

/// How much clocks may differ: signatures of webhooks are good for five minutes.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// One thing that was looked at.
#[derive(Debug)]
struct Check {
    name: &'static str,
    message: String,
    /// What is wrong: the code with which the command ends, and what to do. A warning has the code of success.
    problem: Option<(ExitStatus, String)>,
}

impl Check {
    fn good(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into(), problem: None }
    }

    fn bad(
        name: &'static str,
        message: impl Into<String>,
        status: ExitStatus,
        hint: impl Into<String>,
    ) -> Self {
        Self { name, message: message.into(), problem: Some((status, hint.into())) }
    }

    fn state(&self) -> &'static str {
        match &self.problem {
            None => "ok",
            Some((ExitStatus::DONE, _)) => "warning",
            Some(_) => "error",
        }
    }

    fn of_failure(name: &'static str, failure: &Failure) -> Self {
        let hint = failure.hints().join("; ");
        Self::bad(name, failure.in_short(), failure.status(), hint)
    }
}

pub(super) async fn doctor(context: &Context) -> Result<(), Failure> {
    let mut checks = vec![config(context), proxy(context), folder()];
    match connect::client(context) {
        Ok(client) => checks.extend(service(context, &client).await),
        Err(failure) => checks.push(Check::of_failure("service", &failure)),
    }
    print(context, &checks)?;
    let worst = checks.iter().find_map(|check| {
        check.problem.as_ref().map(|(status, _)| *status).filter(|status| *status != ExitStatus::DONE)
    });
    worst.map_or(Ok(()), |status| Err(Failure::told(status)))
}

fn config(context: &Context) -> Check {
    let looked = || {
        let (file, profile) = (context.settings.file()?, context.settings.profile());
        context.settings.get(SettingKey::BaseUrl, None)?;
        let place = file.path().map_or_else(|_| "nowhere".to_owned(), |path| path.display().to_string());
        Ok::<_, Failure>((format!("profile {} of {place}", profile.value), file.is_open_to_others()))
    };
    match looked() {
        Ok((text, true)) => {
            let hint = "others can read it: chmod 600 $(comfyicu config path)";
            Check::bad("config", text, ExitStatus::DONE, hint)
        }
        Ok((text, false)) => Check::good("config", text),
        Err(failure) => Check::of_failure("config", &failure),
    }
}

fn proxy(context: &Context) -> Check {
    let proxies = context.settings.proxies();
    if proxies.is_empty() { Check::good("proxy", "none") } else { Check::good("proxy", proxies.join(", ")) }
}

/// Whether outputs can be saved here.
fn folder() -> Check {
    match tempfile::tempfile_in(".") {
        Ok(_) => Check::good("folder", "outputs can be saved here"),
        Err(error) => {
            let text = format!("outputs cannot be saved in this folder: {error}");
            Check::bad("folder", text, ExitStatus::DONE, "save them elsewhere: -o DIR")
        }
    }
}

async fn service(context: &Context, client: &Client) -> Vec<Check> {
    let url = client.base_url().clone();
    let began = Instant::now();
    let answer = match client.request(http::Method::GET, "workflows", None).await {
        Ok(answer) => answer,
        Err(error) => return vec![not_reached(error)],
    };
    let took = began.elapsed();
    let mut checks = vec![Check::good("service", format!("{url} answered in {} ms", took.as_millis()))];
    let tls = if url.scheme() == "https" {
        "the certificate is trusted"
    } else {
        "not used: the address begins with http"
    };
    checks.push(Check::good("tls", tls));
    checks.extend(clock(answer.headers()));
    checks.push(key(context, client).await);
    checks.push(match client.capabilities().await {
        Ok(offered) => Check::good("extensions", extensions(offered)),
        Err(error) => Check::of_failure("extensions", &error.into()),
    });
    checks
}

fn not_reached(error: Error) -> Check {
    let is_key = error.kind() == ErrorKind::KeyMissing;
    Check::of_failure(if is_key { "key" } else { "service" }, &error.into())
}

/// Compares this clock with the service's.
fn clock(headers: &http::HeaderMap) -> Option<Check> {
    let theirs = httpdate::parse_http_date(headers.get(http::header::DATE)?.to_str().ok()?).ok()?;
    let now = SystemTime::now();
    let away = now.duration_since(theirs).or_else(|_| theirs.duration_since(now)).unwrap_or_default();
    Some(if away <= CLOCK_TOLERANCE {
        Check::good("clock", "it agrees with the service's")
    } else {
        let text = format!("it differs from the service's by {} s", away.as_secs());
        Check::bad(
            "clock",
            text,
            ExitStatus::DONE,
            "set the clock: signatures of webhooks are good for five minutes",
        )
    })
}

async fn key(context: &Context, client: &Client) -> Check {
    let from = match context.settings.api_key() {
        Ok(key) => key.map(|key| key.origin.to_string()),
        Err(failure) => return Check::of_failure("key", &failure),
    };
    match (client.workflows().await, from) {
        (Ok(_), Some(from)) => Check::good("key", format!("the service takes the key ({from})")),
        (Ok(_), None) => Check::good("key", "the service asks for none"),
        (Err(error), _) => Check::of_failure("key", &error.into()),
    }
}

fn extensions(offered: &comfyicu_client::Capabilities) -> String {
    let names: Vec<&str> = offered.extensions().map(comfyicu_client::Extension::as_str).collect();
    match (offered.server(), names.is_empty()) {
        (Some(server), _) => {
            format!("{server} {}: {}", offered.version().unwrap_or_default(), names.join(", "))
        }
        (None, true) => "none, as on the hosted service".to_owned(),
        (None, false) => names.join(", "),
    }
}

fn print(context: &Context, checks: &[Check]) -> Result<(), Failure> {
    if context.printer.is_json() {
        let checks = checks.iter().map(|check| {
            let hint = check.problem.as_ref().map_or(Value::Null, |(_, hint)| hint.as_str().into());
            let texts = [
                ("name", check.name.into()),
                ("state", check.state().into()),
                ("message", check.message.as_str().into()),
            ];
            Value::from(texts.into_iter().chain([("hint", hint)]).collect::<Object>())
        });
        return context.printer.print_object(Object::from_iter([("checks", checks.collect::<Vec<_>>())]));
    }
    let lines = checks.iter().map(|check| {
        let (mark, style) = match check.state() {
            "ok" => ("✓", AnsiColor::Green.on_default()),
            "warning" => ("!", AnsiColor::Yellow.on_default()),
            _ => ("✗", AnsiColor::Red.on_default()),
        };
        let hint = check.problem.as_ref().filter(|(_, hint)| !hint.is_empty());
        let hint = hint.map(|(_, hint)| format!("\n{:13}{hint}", "")).unwrap_or_default();
        line(mark, style, check, &hint)
    });
    context.printer.print(&lines.collect::<Vec<_>>().join("\n"))
}

fn line(mark: &str, style: Style, check: &Check, hint: &str) -> String {
    format!("{style}{mark}{style:#} {:<10} {}{hint}", check.name, check.message)
}
