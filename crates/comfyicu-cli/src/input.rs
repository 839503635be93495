//! Reading the prompt.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use comfyicu_model::Prompt;
use comfyicu_model::json::Limits;

use crate::failure::Failure;
use crate::printer::Printer;

/// Reads the prompt from a file, or from stdin for `-`.
pub(crate) async fn prompt(path: &Path, printer: &Printer) -> Result<Prompt, Failure> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "stdin".to_owned() } else { format!("`{}`", path.display()) };
    if is_stdin && io::stdin().is_terminal() {
        printer.note("reading the prompt from the terminal; Ctrl-D ends it");
    }
    let path = path.to_owned();
    // A pipe may say nothing for ever: meanwhile Ctrl-C is listened to.
    let read = tokio::task::spawn_blocking(move || {
        if is_stdin { bounded(io::stdin().lock()) } else { File::open(path).and_then(bounded) }
    });
    let json = read.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
        let failure = Failure::usage(format!("{name} cannot be read")).because(&error);
        failure.hint("give the path of a prompt: in ComfyUI, Workflow → Export (API) writes one")
    })?;
    Prompt::parse(&json).map_err(|error| Failure::usage(format!("{name} cannot be run")).because(&error))
}

/// Reads no more than a prompt may have, and one byte that says that it has more.
fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let most = u64::try_from(Limits::default().max_bytes).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
