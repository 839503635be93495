//! Why a command gave up, in words for the person at the shell.

use std::fmt;
use std::process::ExitCode;

/// What went wrong, and the exit code that says so.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// A step failed.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// The command line cannot be understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 2 }
    }

    /// Ctrl-C or a request to end arrived.
    pub(crate) fn interrupted() -> Self {
        Self { message: "interrupted; what was started is stopped".to_owned(), code: 130 }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// Says at which step it happened.
    pub(crate) fn context(self, step: &str) -> Self {
        Self { message: format!("{step}: {}", self.message), code: self.code }
    }

    /// Adds lines below the message, such as the end of a log.
    pub(crate) fn with_lines(self, title: &str, lines: &str) -> Self {
        if lines.trim().is_empty() {
            return self;
        }
        let shown = lines.trim_end().replace('\n', "\n    ");
        Self { message: format!("{}\n  {title}:\n    {shown}", self.message), code: self.code }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
