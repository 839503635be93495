//! What goes to stdout and stderr: data to the one, talk to the other.

use std::io::{self, IsTerminal as _, Write as _};

use comfyicu_model::json::{Object, Value};

use crate::failure::Failure;
use crate::progress::Progress;

/// Where a command's words go.
#[derive(Debug)]
pub(crate) struct Printer {
    json: bool,
    progress: Progress,
}

impl Printer {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, progress: Progress::new(io::stderr().is_terminal()) }
    }

    /// Whether the answer is to be JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// The progress on stderr, on a terminal.
    pub(crate) const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Writes text to stdout. That nobody reads it any more is no failure.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        self.progress.clear();
        let mut stdout = anstream::stdout().lock();
        unless_broken_pipe(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
    }

    /// Writes bytes to stdout as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.progress.clear();
        let mut stdout = io::stdout().lock();
        unless_broken_pipe(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    /// Writes an object to stdout: for people on a terminal, on one line elsewhere.
    pub(crate) fn print_object(&self, object: Object) -> Result<(), Failure> {
        let value = Value::Object(object);
        let text = if is_for_people() { value.to_json_pretty() } else { value.to_json() };
        self.print(text.trim_end())
    }

    /// Writes a remark to stderr.
    pub(crate) fn note(&self, text: &str) {
        self.progress.above(|| {
            // There is nowhere left to say that stderr cannot be written.
            writeln!(anstream::stderr(), "note: {text}").unwrap_or_default();
        });
    }

    /// Writes what a check found to stderr.
    pub(crate) fn remark(&self, finding: &str) {
        self.progress.above(|| writeln!(anstream::stderr(), "{finding}").unwrap_or_default());
    }

    /// Writes a failure to stderr.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.progress.clear();
        write!(anstream::stderr(), "{failure}").unwrap_or_default();
    }
}

/// Whether stdout is a terminal, and not a pipe or a file.
pub(crate) fn is_for_people() -> bool {
    io::stdout().is_terminal()
}

fn unless_broken_pipe(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::unexpected("stdout cannot be written").because(&error))
        }
        _ => Ok(()),
    }
}
