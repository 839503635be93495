//! What a command that failed says, and the code with which it ends.

use std::error::Error as StdError;
use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use comfyicu_client::{Error, ErrorKind};

use crate::exit::ExitStatus;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Why a command failed: `error: …`, what is underneath, what was found, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    status: ExitStatus,
    message: String,
    causes: Vec<String>,
    findings: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(status: ExitStatus, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message, causes: Vec::new(), findings: Vec::new(), hints: Vec::new() }
    }

    /// The command line cannot be used, or a file cannot be read.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::USAGE, message)
    }

    /// All was said before; what is left is the code.
    pub(crate) fn told(status: ExitStatus) -> Self {
        Self::new(status, "")
    }

    pub(crate) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::UNEXPECTED, message)
    }

    /// Adds an error, and all that is underneath it, as the causes.
    #[must_use]
    pub(crate) fn because(mut self, error: &(dyn StdError + 'static)) -> Self {
        let chain = std::iter::successors(Some(error), |&error| error.source());
        self.causes.extend(chain.map(ToString::to_string));
        self
    }

    /// Adds a thing that was found.
    #[must_use]
    pub(crate) fn finding(mut self, finding: impl Into<String>) -> Self {
        self.findings.push(finding.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says what to do next in place of what was said before.
    #[must_use]
    pub(crate) fn instead(mut self, hint: impl Into<String>) -> Self {
        self.hints.clear();
        self.hint(hint)
    }

    /// Says it on stderr, and gives the code with which the process ends.
    pub(crate) fn end(&self) -> ExitCode {
        // There is nowhere left to say that stderr cannot be written.
        write!(anstream::stderr(), "{self}").unwrap_or_default();
        self.status.into()
    }

    /// What happened, and why, on one line.
    pub(crate) fn in_short(&self) -> String {
        let parts = std::iter::once(&self.message).chain(&self.causes).map(String::as_str);
        parts.collect::<Vec<_>>().join(": ")
    }

    /// What to do next.
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    pub(crate) const fn status(&self) -> ExitStatus {
        self.status
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = if is_open(&error) { ExitStatus::OUTCOME_UNKNOWN } else { status_of(error.kind()) };
        let mut failure = Self::new(status, error.to_string());
        if let Some(source) = error.source() {
            failure = failure.because(source);
        }
        failure.findings.extend(error.findings().iter().map(ToString::to_string));
        failure.hints.extend(hint_of(&error));
        failure
    }
}

/// Whether it is not known what came of a submit. A web page in place of an answer is nothing of the kind.
pub(crate) fn is_open(error: &Error) -> bool {
    error.kind() == ErrorKind::OutcomeUnknown || error.may_have_been_applied() && error.is_unreachable()
}

const fn status_of(kind: ErrorKind) -> ExitStatus {
    match kind {
        ErrorKind::KeyMissing | ErrorKind::Unauthorized | ErrorKind::InsufficientCredit => ExitStatus::KEY,
        ErrorKind::NotFound => ExitStatus::NOT_FOUND,
        ErrorKind::Rejected => ExitStatus::REJECTED,
        ErrorKind::RateLimited | ErrorKind::Server | ErrorKind::Transport => ExitStatus::UNREACHABLE,
        ErrorKind::OutcomeUnknown => ExitStatus::OUTCOME_UNKNOWN,
        ErrorKind::Setup | ErrorKind::Unsupported | ErrorKind::ReadFile => ExitStatus::USAGE,
        ErrorKind::NoOutput => ExitStatus::GAVE_UP,
        _ => ExitStatus::UNEXPECTED,
    }
}

/// What to do about an error of the client.
fn hint_of(error: &Error) -> Option<String> {
    if is_open(error) {
        return Some("look for the run before you run it again: it may be there, and cost".to_owned());
    }
    Some(match error.kind() {
        ErrorKind::Setup => "correct --base-url (COMFYICU_BASE_URL) or --api-key (COMFYICU_API_KEY)".to_owned(),
        ErrorKind::KeyMissing => "make a key in the account settings of https://comfy.icu and keep it: comfyicu auth login, or set COMFYICU_API_KEY to it; a server of your own is named with --base-url".to_owned(),
        ErrorKind::Unauthorized => "give a key of this service: comfyicu auth login, or COMFYICU_API_KEY; a server of your own writes its first key to the terminal, or to `first-key` in its data folder".to_owned(),
        ErrorKind::InsufficientCredit => "add credit to the account on https://comfy.icu, then run it again".to_owned(),
        ErrorKind::NotFound => "check the id of the run, the workflow (-w) and the service (--base-url); `comfyicu runs list` and `comfyicu workflows list` have what there is".to_owned(),
        ErrorKind::Rejected => "change what is named above and run it again; an input is set with --set NODE.INPUT=VALUE".to_owned(),
        ErrorKind::RateLimited => match error.retry_after() {
            Some(wait) => format!("do it again in {} s", wait.as_secs()),
            None => "try again in a minute".to_owned(),
        },
        ErrorKind::Transport => "check that the service is running and that --base-url (COMFYICU_BASE_URL) leads to it; `comfyicu-server serve` starts one of your own".to_owned(),
        ErrorKind::Server => "try again in a minute".to_owned(),
        ErrorKind::Protocol => "check that --base-url (COMFYICU_BASE_URL) leads to the service".to_owned(),
        ErrorKind::ReadFile => "check the path: it is taken as it stands, and the shell does not expand ~ behind `=`".to_owned(),
        ErrorKind::Unsupported => "it is an extension of the self-hosted server; `comfyicu doctor` says what this service offers".to_owned(),
        ErrorKind::Conflict => "see what there is already: comfyicu runs list".to_owned(),
        ErrorKind::Moved => "give the address that it moved to: --base-url (COMFYICU_BASE_URL)".to_owned(),
        ErrorKind::WriteFile | ErrorKind::FileExists => "choose another folder: -o DIR".to_owned(),
        _ => return None,
    })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.message.is_empty() {
            writeln!(f, "{ERROR}error:{ERROR:#} {}", self.message)?;
        }
        for cause in &self.causes {
            writeln!(f, "  caused by: {}", cause.trim_end())?;
        }
        for finding in &self.findings {
            writeln!(f, "  - {finding}")?;
        }
        for hint in &self.hints {
            writeln!(f, "{HINT}hint:{HINT:#} {hint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        let broken = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let failure = Failure::usage("`x.json` cannot be run")
            .because(&broken)
            .finding("node 3 (KSampler): no such class")
            .hint("do this");
        let text = anstream::adapter::strip_str(&failure.to_string()).to_string();
        insta::assert_snapshot!(text, @"
        error: `x.json` cannot be run
          caused by: broken pipe
          - node 3 (KSampler): no such class
        hint: do this
        ");
        assert_eq!(failure.status().code(), 2);
    }
}
