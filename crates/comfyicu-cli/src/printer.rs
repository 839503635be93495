//! stdout: what the command was asked for, and nothing else.

use std::io::{self, Write as _};

use comfyicu_model::json::Value;

use crate::failure::Failure;

/// Writes results, as text or as JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    json: bool,
}

impl Printer {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether `--json` was given.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Writes `json()` with `--json`, else `text()`.
    pub(crate) fn print(
        self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> Value,
    ) -> Result<(), Failure> {
        let written = if self.json { json().to_json_pretty() + "\n" } else { text() };
        match anstream::stdout().lock().write_all(written.as_bytes()) {
            // Whoever reads has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(|error| Failure::unexpected("stdout cannot be written", &error)),
        }
    }
}

/// Writes a remark to stderr.
pub(crate) fn remark(text: &str) {
    // A remark that cannot be written is not worth failing for.
    let _unwritten = writeln!(anstream::stderr(), "{text}");
}
