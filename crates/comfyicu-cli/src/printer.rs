//! What goes to stdout and stderr: data to the one, talk to the other.

use std::io::{self, IsTerminal as _, Write as _};

use clap::builder::styling::{AnsiColor, Style};
use comfyicu_model::json::{Object, Value};

use crate::args::{ColorWhen, Global};
use crate::failure::Failure;
use crate::jq::Filter;
use crate::progress::Progress;

const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// Where a command's words go.
#[derive(Debug)]
pub(crate) struct Printer {
    json: bool,
    filter: Option<Filter>,
    quiet: bool,
    progress: Progress,
}

impl Printer {
    /// One that keeps to what the command line says.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        match global.color {
            ColorWhen::Auto => {}
            ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
            ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
        }
        let has_progress =
            io::stderr().is_terminal() && !global.quiet && !global.no_progress && global.verbose == 0;
        let filter = global.jq.as_deref().map(Filter::parse).transpose()?;
        let json = global.json || filter.is_some();
        Ok(Self { json, filter, quiet: global.quiet, progress: Progress::new(has_progress) })
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
        self.progress.above(|| {
            let mut stdout = anstream::stdout().lock();
            unless_broken_pipe(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
        })
    }

    /// Writes bytes to stdout as they are.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.progress.above(|| {
            let mut stdout = io::stdout().lock();
            unless_broken_pipe(stdout.write_all(bytes).and_then(|()| stdout.flush()))
        })
    }

    /// Writes an object to stdout, or what `--jq` makes of it: for people on a terminal, on one line elsewhere.
    pub(crate) fn print_object(&self, object: Object) -> Result<(), Failure> {
        let value = Value::Object(object);
        if self.has_filter() {
            return self.print_filtered(&value);
        }
        let text = if is_for_people() { value.to_json_pretty() } else { value.to_json() };
        self.print(text.trim_end())
    }

    /// Whether something is to be made of the JSON.
    pub(crate) const fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Writes what `--jq` makes of a value.
    pub(crate) fn print_filtered(&self, value: &Value) -> Result<(), Failure> {
        let results = self.filter.as_ref().map(|filter| filter.run(value)).transpose()?.unwrap_or_default();
        if results.is_empty() { Ok(()) } else { self.print(&results.join("\n")) }
    }

    /// Writes one of several objects to stdout, on one line.
    pub(crate) fn print_line(&self, object: Object) -> Result<(), Failure> {
        if self.filter.is_some() {
            return self.print_object(object);
        }
        self.print(&Value::Object(object).to_json())
    }

    /// Writes a remark to stderr, unless nobody wants to hear any.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            // There is nowhere left to say that stderr cannot be written.
            self.progress
                .above(|| writeln!(anstream::stderr(), "{NOTE}note:{NOTE:#} {text}").unwrap_or_default());
        }
    }

    /// Writes what a check found to stderr, unless nobody wants to hear of it.
    pub(crate) fn remark(&self, finding: &str) {
        if !self.quiet {
            self.progress.above(|| writeln!(anstream::stderr(), "{finding}").unwrap_or_default());
        }
    }

    /// Writes what a check found to stderr, and what is wrong for certain.
    pub(crate) fn report(&self, finding: &str) {
        self.progress.above(|| writeln!(anstream::stderr(), "{finding}").unwrap_or_default());
    }

    /// Writes a failure to stderr.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.progress.above(|| write!(anstream::stderr(), "{failure}").unwrap_or_default());
    }
}

/// Whether stdout is a terminal, and not a pipe or a file.
pub(crate) fn is_for_people() -> bool {
    io::stdout().is_terminal()
}

fn unless_broken_pipe(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::unexpected("stdout cannot be written")
                .because(&error)
                .hint("send it elsewhere: > FILE on a disk with room"))
        }
        _ => Ok(()),
    }
}
