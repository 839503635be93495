//! `comfyicu auth`: login, status, logout.

use std::io::{self, IsTerminal as _, Read as _};

use comfyicu_client::{ApiKey, Client};
use comfyicu_model::json::{Object, Value};

use super::Context;
use crate::args::Auth;
use crate::connect;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::settings::{Origin, Setting, SettingKey};

/// The longest key that is read.
const MAX_BYTES: u64 = 4096;

/// How a key is given.
const GIVE_HINT: &str = "type or paste it when you are asked, or pipe it in: comfyicu auth login < FILE";

pub(super) async fn auth(context: &Context, arguments: Auth) -> Result<(), Failure> {
    match arguments {
        Auth::Login => login(context).await,
        Auth::Status => status(context).await,
        Auth::Logout => logout(context),
    }
}

async fn login(context: &Context) -> Result<(), Failure> {
    let settings = &context.settings;
    let url = settings.get(SettingKey::BaseUrl, None)?;
    let url = url.ok_or_else(|| Failure::unexpected("no service is set up"))?;
    let key = asked(&url.value).await?;
    SettingKey::ApiKey.check(&key)?;
    let client = connect::client_with(context, Some(&key))?;
    check(&client).await?;
    let mut file = settings.file()?.clone();
    let profile = settings.profile().value;
    if matches!(url.origin, Origin::Flag | Origin::Variable(_)) {
        // The key is for this service, so the profile is too.
        file.set(&profile, SettingKey::BaseUrl, Some(&url.value))?;
    }
    file.set(&profile, SettingKey::ApiKey, Some(key.trim()))?;
    file.write()?;
    let path = file.path()?.display().to_string();
    if context.printer.is_json() {
        let object = [("base_url", url.value), ("profile", profile), ("path", path)];
        return context.printer.print_object(Object::from_iter(object));
    }
    context
        .printer
        .print(&format!("{} takes the key; it is kept in the profile {profile}, in {path}", url.value))
}

/// Asks for the key, without showing it; from a pipe, it is read.
async fn asked(url: &str) -> Result<String, Failure> {
    let question = format!("API key for {url}: ");
    let asked = tokio::task::spawn_blocking(move || {
        if io::stdin().is_terminal() {
            return rpassword::prompt_password(question);
        }
        let mut text = String::new();
        io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text).map(|_| text)
    });
    let asked = asked.await.unwrap_or_else(|error| Err(io::Error::other(error)));
    let key =
        asked.map_err(|error| Failure::usage("the key cannot be read").because(&error).hint(GIVE_HINT))?;
    ApiKey::new(key.as_str())
        .map_err(|error| Failure::usage("no key was given").because(&error).hint(GIVE_HINT))?;
    Ok(key)
}

/// Asks for something that wants a key.
async fn check(client: &Client) -> Result<(), Failure> {
    client.workflows().await.map(drop).map_err(Failure::from)
}

async fn status(context: &Context) -> Result<(), Failure> {
    let settings = &context.settings;
    let url = settings.get(SettingKey::BaseUrl, None)?.map(|setting| setting.value).unwrap_or_default();
    let key = settings.api_key()?;
    let client = connect::client(context)?;
    if key.is_none() && client.is_hosted() {
        return Err(Failure::new(ExitStatus::KEY, format!("there is no key for {url}"))
            .hint("give one: comfyicu auth login"));
    }
    let checked = check(&client).await;
    if context.printer.is_json() {
        let from = key.as_ref().map_or(Value::Null, |key| key.origin.to_string().into());
        let object =
            [("base_url", Value::from(url)), ("key_from", from), ("accepted", checked.is_ok().into())];
        context.printer.print_object(object.into_iter().collect())?;
    } else if checked.is_ok() {
        context.printer.print(&in_words(&url, key.as_ref()))?;
    }
    checked
}

fn in_words(url: &str, key: Option<&Setting>) -> String {
    match key {
        Some(key) => format!("{url} takes the key ({})", key.origin),
        None => format!("{url} asks for no key, and none is set up"),
    }
}

fn logout(context: &Context) -> Result<(), Failure> {
    let settings = &context.settings;
    let (mut file, profile) = (settings.file()?.clone(), settings.profile().value);
    let had_key = file.get(&profile, SettingKey::ApiKey)?.is_some();
    if had_key {
        file.set(&profile, SettingKey::ApiKey, None)?;
        file.write()?;
    }
    if let Some(Setting { origin: Origin::Variable(name), .. }) = settings.get(SettingKey::ApiKey, None)? {
        context.printer.note(&format!("{name} is still set"));
    }
    if context.printer.is_json() {
        let object = [("profile", Value::from(profile)), ("removed", had_key.into())];
        return context.printer.print_object(object.into_iter().collect());
    }
    let what = if had_key { "the key is gone from" } else { "there was no key in" };
    context.printer.print(&format!("{what} the profile {profile}"))
}
