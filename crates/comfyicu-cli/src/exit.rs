//! The exit codes: a contract with scripts.

use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus(u8);

impl ExitStatus {
    /// It is done.
    pub const DONE: Self = Self(0);
    /// Something that the other codes do not name.
    pub const UNEXPECTED: Self = Self(1);
    /// The command line cannot be used, or a file that it names cannot be read.
    pub const USAGE: Self = Self(2);
    /// The run ended in `ERROR` or `CANCELLED`.
    pub const RUN_FAILED: Self = Self(3);
    /// The key is missing or refused, or the account has no credit.
    pub const KEY: Self = Self(4);
    /// The run had not ended in time. It goes on.
    pub const GAVE_UP: Self = Self(5);
    /// The service cannot be reached, or is having problems.
    pub const UNREACHABLE: Self = Self(6);
    /// The prompt or its files were rejected.
    pub const REJECTED: Self = Self(7);
    /// The run or the workflow does not exist.
    pub const NOT_FOUND: Self = Self(8);
    /// It is not known whether a submit made a run: the run may exist, and cost.
    pub const OUTCOME_UNKNOWN: Self = Self(75);
    /// Ctrl-C. A run that was submitted goes on.
    pub const INTERRUPTED: Self = Self(130);
    /// SIGTERM. A run that was submitted goes on.
    pub const TERMINATED: Self = Self(143);

    /// Every code with what it means, as `--help` shows it.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::DONE, "done"),
        (Self::UNEXPECTED, "unexpected"),
        (Self::USAGE, "the command line cannot be used, or a file cannot be read"),
        (Self::RUN_FAILED, "the run ended in ERROR or CANCELLED"),
        (Self::KEY, "the API key is missing or refused, or the account has no credit"),
        (Self::GAVE_UP, "the run had not ended in time; it goes on"),
        (Self::UNREACHABLE, "the service cannot be reached, or is having problems"),
        (Self::REJECTED, "the prompt or its files were rejected"),
        (Self::NOT_FOUND, "the run or the workflow does not exist"),
        (Self::OUTCOME_UNKNOWN, "it is not known whether a submit made a run; its marker is printed"),
        (Self::INTERRUPTED, "Ctrl-C; a run that was submitted goes on"),
        (Self::TERMINATED, "SIGTERM; a run that was submitted goes on"),
    ];

    /// The code as a number.
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.0)
    }
}
