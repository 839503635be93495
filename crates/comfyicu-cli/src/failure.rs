//! How a command ends that does not end well: what happened, why, and what to type next.

use std::error::Error as StdError;
use std::fmt;

use comfyicu_client::{Error, ErrorKind, RunHandle, WaitError};
use comfyicu_model::Run;

use crate::exit::ExitStatus;
use crate::printer::remark;
use crate::session::pick_up;

/// Why a command did not do what it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    status: ExitStatus,
    text: String,
    causes: Vec<String>,
    notes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(status: ExitStatus, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), causes: Vec::new(), notes: Vec::new(), hints: Vec::new() }
    }

    /// A failure that is an error, with what caused it.
    pub(crate) fn of(status: ExitStatus, error: &dyn StdError) -> Self {
        let causes = std::iter::successors(error.source(), |&error| error.source());
        Self { causes: causes.map(ToString::to_string).collect(), ..Self::new(status, error.to_string()) }
    }

    /// Something that should not happen.
    pub(crate) fn unexpected(text: &str, error: &dyn StdError) -> Self {
        Self { causes: vec![error.to_string()], ..Self::new(ExitStatus::UNEXPECTED, text) }
    }

    /// A run that has ended without success.
    pub(crate) fn of_run(run: &Run) -> Self {
        let status = run.status().map(|status| status.to_string()).unwrap_or_default();
        let failure = Self::new(ExitStatus::RUN_FAILED, format!("the run {} ended in {status}", run.id()));
        let Some(reason) = run.failure() else { return failure };
        let node = match (reason.node_id(), reason.node_type()) {
            (Some(id), Some(class)) => format!("node {id} ({class}): "),
            (Some(id), None) => format!("node {id}: "),
            _ => String::new(),
        };
        failure.note(format!("{node}{}", reason.message()))
    }

    /// A wait that did not end with a completed run.
    pub(crate) fn of_wait(error: WaitError, run: &RunHandle) -> Self {
        match error {
            WaitError::Failed(failed) => Self::of_run(&failed.run),
            WaitError::GaveUp(gave_up) => {
                Self::new(ExitStatus::GAVE_UP, gave_up.to_string()).note("the run goes on").hint(pick_up(run))
            }
            WaitError::Request(error) => {
                let is_there = !error.is_not_found();
                let failure = Self::from(error);
                if is_there { failure.hint(pick_up(run)) } else { failure }
            }
            other => Self::of(ExitStatus::UNEXPECTED, &other),
        }
    }

    /// Says what it was that failed, with the error as its cause.
    #[must_use]
    pub(crate) fn within(mut self, text: &str) -> Self {
        self.causes.insert(0, std::mem::replace(&mut self.text, text.to_owned()));
        self
    }

    /// Adds a line that belongs to what happened.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit code.
    pub(crate) const fn status(&self) -> ExitStatus {
        self.status
    }

    /// Writes the failure to stderr.
    pub(crate) fn report(&self) {
        remark(&self.to_string());
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.text)?;
        self.notes.iter().try_for_each(|note| write!(f, "\n  {note}"))?;
        self.causes.iter().try_for_each(|cause| write!(f, "\n  caused by: {cause}"))?;
        self.hints.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::of(status_of(error.kind()), &error);
        let details = error.api().map(|api| api.details.as_slice()).unwrap_or_default();
        if !details.is_empty() {
            // The list says all that the message says, one thing a line.
            failure.causes.clear();
            failure.notes = details.iter().map(ToString::to_string).collect();
        }
        match hint_for(error.kind()) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

const fn status_of(kind: ErrorKind) -> ExitStatus {
    match kind {
        ErrorKind::Setup | ErrorKind::Unsupported | ErrorKind::ReadFile => ExitStatus::USAGE,
        ErrorKind::KeyMissing | ErrorKind::Unauthorized | ErrorKind::InsufficientCredit => ExitStatus::KEY,
        ErrorKind::NotFound => ExitStatus::NOT_FOUND,
        ErrorKind::Rejected => ExitStatus::REJECTED,
        ErrorKind::RateLimited | ErrorKind::Server | ErrorKind::Transport => ExitStatus::UNREACHABLE,
        _ => ExitStatus::UNEXPECTED,
    }
}

const fn hint_for(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::KeyMissing => {
            Some("make a key in the account settings of https://comfy.icu, then: export COMFYICU_API_KEY=…")
        }
        ErrorKind::Unauthorized => Some(
            "set the key with: export COMFYICU_API_KEY=… (the first key of a server of your own is in its data directory, in `first-key`)",
        ),
        ErrorKind::InsufficientCredit => Some("add credit to the account on https://comfy.icu"),
        ErrorKind::Transport => {
            Some("look at the address (--base-url, or COMFYICU_BASE_URL) and whether the server runs")
        }
        ErrorKind::Server | ErrorKind::RateLimited => Some("try again in a while"),
        ErrorKind::NotFound => Some("look at the id and at -w: a run is known by both"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(json: &str) -> String {
        Failure::of_run(&Run::parse(json.as_bytes()).unwrap()).to_string()
    }

    #[test]
    fn a_failed_run_says_where_and_why() {
        insta::assert_snapshot!(failed(r#"{"id": "r1", "status": "ERROR", "output": {"error": {"node_id": "7", "node_type": "LoadImage", "exception_message": "no such file"}}}"#), @"
        error: the run r1 ended in ERROR
          node 7 (LoadImage): no such file
        ");
        insta::assert_snapshot!(failed(r#"{"id": "r1", "status": "CANCELLED"}"#), @"error: the run r1 ended in CANCELLED");
    }

    #[test]
    fn causes_come_before_hints() {
        let failure = Failure::unexpected("stdout cannot be written", &std::io::Error::other("no space"));
        insta::assert_snapshot!(failure.hint("make room").note("a note"), @"
        error: stdout cannot be written
          a note
          caused by: no space
        hint: make room
        ");
    }
}
