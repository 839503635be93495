//! Why a wait did not end with a completed run.

use std::fmt;
use std::time::Duration;

use comfyicu_model::{Run, RunId, RunStatus};

use crate::error::Error;

/// Why a wait did not end with a completed run.
#[derive(Debug)]
#[non_exhaustive]
pub enum WaitError {
    /// The run has ended without success. It is kept.
    Failed(Box<FailedRun>),
    /// The wait took longer than it was allowed to. The run goes on.
    GaveUp(Box<GaveUp>),
    /// The run could not be got: at once, or for longer than is tolerated. The run goes on.
    Request(Error),
}

/// A run that has ended without success.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedRun {
    /// The run as it ended; [`Run::failure`] says why.
    pub run: Run,
}

/// A wait that took longer than it was allowed to.
#[derive(Debug)]
#[non_exhaustive]
pub struct GaveUp {
    /// The run that was waited for. It goes on.
    pub id: RunId,
    /// How long was waited.
    pub elapsed: Duration,
    /// How often the run was asked for.
    pub polls: u32,
    /// Which bound it was.
    pub bound: WaitBound,
    /// The run as it was last seen.
    pub last: Option<Run>,
}

/// A bound of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitBound {
    /// The time of the whole wait.
    Total(Duration),
    /// The time that the run may stay in a status.
    InStatus(RunStatus, Duration),
    /// How often the run is asked for.
    Polls(u32),
}

impl WaitError {
    /// The run as it ended, when it has failed.
    pub fn failed_run(&self) -> Option<&Run> {
        match self {
            Self::Failed(failed) => Some(&failed.run),
            _ => None,
        }
    }
}

impl FailedRun {
    /// Says of a run that it has ended without success.
    pub const fn new(run: Run) -> Self {
        Self { run }
    }

    /// How it ended.
    pub fn status(&self) -> RunStatus {
        self.run.status().unwrap_or(RunStatus::Error)
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failed) => fmt::Display::fmt(failed, f),
            Self::GaveUp(gave_up) => fmt::Display::fmt(gave_up, f),
            Self::Request(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl fmt::Display for FailedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the run {} ended in {}", self.run.id(), self.status())?;
        match self.run.failure() {
            Some(failure) => write!(f, ": {}", failure.message()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bound {
            WaitBound::Total(limit) => {
                write!(f, "the run {} has not ended within {:.1} s", self.id, limit.as_secs_f64())?;
            }
            WaitBound::InStatus(status, limit) => {
                let seconds = limit.as_secs_f64();
                write!(f, "the run {} was {status} for more than {seconds:.1} s", self.id)?;
            }
            WaitBound::Polls(polls) => {
                let seconds = self.elapsed.as_secs_f64();
                write!(f, "the run {} has not ended after {polls} polls in {seconds:.1} s", self.id)?;
            }
        }
        match self.last.as_ref().and_then(Run::status) {
            Some(status) => write!(f, "; it was {status} when last seen"),
            None => f.write_str("; it was not seen"),
        }
    }
}

impl std::error::Error for WaitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request(error) => error.source(),
            Self::Failed(_) | Self::GaveUp(_) => None,
        }
    }
}

impl From<Error> for WaitError {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}
