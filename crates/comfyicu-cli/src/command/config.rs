//! `comfyicu config`: get, set, unset, list, path.

use clap::builder::styling::Style;
use comfyicu_model::json::{Object, Value};

use super::Context;
use crate::args::Config;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::render::table::{Reader, table};
use crate::settings::{Origin, Setting, SettingKey};

pub(super) fn config(context: &Context, arguments: Config) -> Result<(), Failure> {
    match arguments {
        Config::Get { key } => get(context, key),
        Config::Set { key, value } => {
            key.check(&value)?;
            if key == SettingKey::ApiKey {
                context.printer.note(
                    "the shell may keep this line, and the key in it: `comfyicu auth login` asks for it",
                );
            }
            keep(context, key, Some(value.trim()))
        }
        Config::Unset { key } => keep(context, key, None),
        Config::List => list(context),
        Config::Path => path(context),
    }
}

/// Changes the profile, and writes the file.
fn keep(context: &Context, key: SettingKey, value: Option<&str>) -> Result<(), Failure> {
    let profile = context.settings.profile().value;
    let mut file = context.settings.file()?.clone();
    file.set(&profile, key, value)?;
    file.write()?;
    if !context.printer.is_json() {
        return Ok(());
    }
    let kept = value.map(|value| Setting { value: value.to_owned(), origin: Origin::Profile(profile) });
    context.printer.print_object(to_object(key, kept.as_ref()))
}

fn get(context: &Context, key: SettingKey) -> Result<(), Failure> {
    let setting = context.settings.get(key, None)?;
    if context.printer.is_json() {
        return context.printer.print_object(to_object(key, setting.as_ref()));
    }
    match setting {
        Some(setting) => context.printer.print(&key.shown(&setting.value)),
        None => Err(Failure::new(ExitStatus::NOT_FOUND, format!("`{}` is not set", key.as_str()))
            .hint(format!("set it: comfyicu config set {} VALUE", key.as_str()))),
    }
}

fn list(context: &Context) -> Result<(), Failure> {
    let settings = &context.settings;
    let mut found = Vec::new();
    for key in SettingKey::ALL {
        found.push((key, settings.get(key, None)?));
    }
    let profile = settings.profile();
    if context.printer.is_json() {
        let all: Vec<Value> =
            found.iter().map(|(key, setting)| to_object(*key, setting.as_ref()).into()).collect();
        let object = [("profile", Value::from(profile.value)), ("settings", Value::Array(all))];
        return context.printer.print_object(object.into_iter().collect());
    }
    let mut rows = vec![vec!["profile".to_owned(), profile.value, profile.origin.to_string()]];
    for (key, setting) in found {
        let (value, origin) = match setting {
            Some(setting) => (key.shown(&setting.value), setting.origin.to_string()),
            None => (String::new(), "not set".to_owned()),
        };
        rows.push(vec![key.as_str().to_owned(), value, origin]);
    }
    if !settings.is_own_service()?
        && settings.get(SettingKey::ApiKey, None)?.is_some()
        && settings.api_key()?.is_none()
    {
        context
            .printer
            .note("the API key of the profile is for the profile's own service, and is not sent to this one");
    }
    if settings.file()?.is_open_to_others() {
        context.printer.note("others can read the config file: chmod 600 $(comfyicu config path)");
    }
    context.printer.print(&table(
        &["SETTING", "VALUE", "FROM"],
        &rows,
        |_, _| Style::new(),
        Reader::of_stdout(),
    ))
}

fn to_object(key: SettingKey, setting: Option<&Setting>) -> Object {
    let value = setting.map(|setting| Value::from(key.shown(&setting.value)));
    let origin = setting.map(|setting| Value::from(setting.origin.to_string()));
    let mut object = Object::from_iter([("key", Value::from(key.as_str()))]);
    object.insert("value", value.unwrap_or(Value::Null));
    object.insert("from", origin.unwrap_or(Value::Null));
    object
}

fn path(context: &Context) -> Result<(), Failure> {
    let path = context.settings.file()?.path()?.display().to_string();
    if context.printer.is_json() {
        return context.printer.print_object(Object::from_iter([("path", path)]));
    }
    context.printer.print(&path)
}
