//! What may stand at each argument, told by what its value is called.

use std::ffi::OsStr;
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};
use comfyicu_model::RunStatus;

use super::inputs::{self, Form};
use super::line::Line;
use super::service;
use crate::settings::SettingKey;

/// The names of values for which nothing is offered: nobody knows them but who types.
#[cfg(test)]
pub(super) const UNKNOWABLE: [&str; 9] =
    ["DURATION", "EXPR", "MARKER", "N", "SEED", "URL", "WHEN", "NAME:VALUE", "PATH=VALUE"];

/// Tells `clap_complete` what can stand at the arguments of a command, and of those below it.
pub(super) fn with_completers(command: Command, line: &Arc<Line>) -> Command {
    let command = command.mut_args(|arg| match completer(&arg, line) {
        Some(completer) => arg.add(completer),
        None => arg,
    });
    command.mut_subcommands(|below| with_completers(below, line))
}

/// Who knows what can stand at an argument; lists that clap has, and paths, it completes by itself.
pub(super) fn completer(arg: &Arg, line: &Arc<Line>) -> Option<ArgValueCompleter> {
    let (name, line) = (arg.get_value_names()?.first()?.as_str(), Arc::clone(line));
    let is_profile = arg.get_id() == "profile";
    Some(match name {
        "NODE.INPUT" => of(move |word| inputs::candidates(&line, word, Form::Name)),
        "NODE.INPUT=VALUE" => of(move |word| inputs::candidates(&line, word, Form::Value)),
        "NODE.INPUT=VALUES" => of(move |word| inputs::candidates(&line, word, Form::Values)),
        "NODE.INPUT=@PATH" => of(move |word| inputs::candidates(&line, word, Form::File)),
        "DEST=URL|PATH" | "DEST[=URL|PATH]" => of(move |word| destinations(&line, word)),
        "NAME" if is_profile => of(move |word| starting(word, service::profiles(&line))),
        "NAME" => of(move |word| starting(word, service::accelerators(&line))),
        "ID" => of(move |word| starting(word, service::workflows(&line))),
        "RUN" => of(move |word| starting(word, service::runs(&line))),
        "STATUS" => of(|word| starting(word, statuses())),
        "METHOD" => of(|word| starting(word, plain(&["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]))),
        "PATH" => of(|word| starting(word, plain(&["workflows", "capabilities", "object_info"]))),
        "FILE|URL" => of(|word| paths("", word)),
        "DATA|@FILE" | "SECRET" => {
            of(|word| word.strip_prefix('@').map_or_else(Vec::new, |path| paths("@", path)))
        }
        "N|random" => of(|word| starting(word, plain(&["random"]))),
        "TIME" => of(|word| starting(word, plain(&["now"]))),
        "VALUE" => of(move |word| starting(word, setting(&line))),
        _ => return None,
    })
}

/// A completer of texts: what is no Unicode is completed to nothing.
fn of(candidates: impl Fn(&str) -> Vec<CompletionCandidate> + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |word: &OsStr| word.to_str().map(&candidates).unwrap_or_default())
}

/// Those that begin so.
fn starting(word: &str, mut candidates: Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    candidates.retain(|candidate| candidate.get_value().to_string_lossy().starts_with(word));
    candidates
}

fn plain(words: &[&str]) -> Vec<CompletionCandidate> {
    words.iter().map(|word| CompletionCandidate::new(*word)).collect()
}

/// Paths, behind what stands before them in the word.
pub(super) fn paths(before: &str, path: &str) -> Vec<CompletionCandidate> {
    let found = PathCompleter::any().complete(OsStr::new(path));
    found.into_iter().map(|candidate| candidate.add_prefix(before)).collect()
}

fn statuses() -> Vec<CompletionCandidate> {
    use RunStatus::{Cancelled, Completed, Error, Queued, Started};
    [Queued, Started, Completed, Error, Cancelled]
        .iter()
        .map(|status| CompletionCandidate::new(status.as_str()))
        .collect()
}

/// `DEST=URL|PATH`: what the prompt loads, then a file.
fn destinations(line: &Line, word: &str) -> Vec<CompletionCandidate> {
    match word.split_once('=') {
        Some((destination, path)) => paths(&format!("{destination}="), path),
        None => starting(word, inputs::destinations(line)),
    }
}

/// What a setting can be, where that is known.
fn setting(line: &Line) -> Vec<CompletionCandidate> {
    match line.value("key") {
        Some(SettingKey::Accelerator) => service::accelerators(line),
        Some(SettingKey::Workflow) => service::workflows(line),
        _ => Vec::new(),
    }
}
