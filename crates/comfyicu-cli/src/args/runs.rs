//! `comfyicu runs …`: the arguments.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use comfyicu_client::SubmitKey;
use comfyicu_model::{RunId, RunStatus, Timestamp};

use super::{Folder, Workflow, duration};

/// Works with existing runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// Lists the runs of a workflow, newest first.
    List {
        #[command(flatten)]
        workflow: Workflow,
        #[command(flatten)]
        filter: Filter,
    },
    /// Shows runs as they are now.
    Get(Selection),
    /// Waits until runs have ended, then shows them.
    Wait(Selection),
    /// Tells what happens to runs, as it happens, until they have ended.
    Watch(Selection),
    /// Saves the outputs of runs that have ended; writes their paths, one a line.
    Download {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        folder: Folder,
    },
    /// Cancels runs, where the service can (an extension of the self-hosted server).
    Cancel(Selection),
    /// Submits again what runs were made of, files included, and writes the ids of the new runs.
    Retry(Selection),
    /// Looks for the run of a submit whose outcome is not known, by the marker that was printed then.
    Find {
        /// The marker.
        #[arg(value_name = "MARKER", allow_hyphen_values = true, value_parser = parse_marker)]
        marker: SubmitKey,
        #[command(flatten)]
        workflow: Workflow,
    },
}

/// Which runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Selection {
    /// The ids of the runs. Without one, those that --status and --since name; without these, the newest run.
    #[arg(value_name = "RUN", allow_hyphen_values = true, value_parser = parse_run)]
    first: Option<RunId>,
    #[arg(value_name = "RUN", hide = true)]
    others: Vec<RunId>,
    #[command(flatten)]
    pub(crate) workflow: Workflow,
    #[command(flatten)]
    pub(crate) filter: Filter,
}

impl Selection {
    /// The ids that are given.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &RunId> {
        self.first.iter().chain(&self.others)
    }
}

/// Which of the runs of a workflow.
#[derive(Debug, clap::Args)]
pub(crate) struct Filter {
    /// Only runs with this status: QUEUED, STARTED, COMPLETED, ERROR, CANCELLED.
    #[arg(long, value_name = "STATUS", value_parser = parse_status)]
    pub(crate) status: Option<RunStatus>,
    /// Only runs created since then: a time such as 2026-01-31T12:00:00Z, or how long ago, such as 2h or 3d.
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Since>,
    /// At most so many, the newest.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

impl Filter {
    /// Whether it says anything about which runs are meant.
    pub(crate) const fn names_runs(&self) -> bool {
        self.status.is_some() || self.since.is_some() || self.limit.is_some()
    }

    /// What to say of a status that may be a slip of the pen: services may have statuses that are not known here.
    pub(crate) fn unknown_status(&self) -> Option<String> {
        let status = self.status.as_ref().filter(|status| matches!(status, RunStatus::Other(_)))?;
        Some(format!("{status} is none of QUEUED, STARTED, COMPLETED, ERROR, CANCELLED"))
    }
}

/// A moment that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    Moment(Timestamp),
    Ago(Duration),
}

impl Since {
    pub(crate) fn moment(self) -> Timestamp {
        match self {
            Self::Moment(moment) => moment,
            Self::Ago(ago) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let then = now.saturating_sub(ago).as_millis();
                Timestamp::from_unix_millis(i64::try_from(then).unwrap_or(i64::MAX))
            }
        }
    }
}

impl FromStr for Since {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(moment) = text.parse() {
            return Ok(Self::Moment(moment));
        }
        duration::parse(text).map(Self::Ago).map_err(
            |_| "it is neither a time, such as 2026-01-31T12:00:00Z, nor a duration, such as 2h or 3d",
        )
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what clap calls")]
fn parse_status(text: &str) -> Result<RunStatus, std::convert::Infallible> {
    Ok(RunStatus::from(text.to_ascii_uppercase().as_str()))
}

/// Ids may begin with a dash, which flags do too: what does so without being as long as an id is meant for a flag.
fn parse_run(text: &str) -> Result<RunId, String> {
    const LENGTH: usize = 21;
    if text.starts_with('-') && text.len() != LENGTH {
        return Err(NO_FLAG.to_owned());
    }
    RunId::parse(text).map_err(|error| error.to_string())
}

/// What is said of a word with a dash that is nothing that is known.
pub(super) const NO_FLAG: &str = "it is neither a flag of this command nor an id; --help has the flags";

fn parse_marker(text: &str) -> Result<SubmitKey, String> {
    if text.starts_with("--") {
        return Err(NO_FLAG.to_owned());
    }
    SubmitKey::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_moment_or_a_while() {
        let moment: Since = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(moment.moment().to_string(), "2026-01-31T12:00:00.000Z");
        assert_eq!("2h".parse(), Ok(Since::Ago(Duration::from_secs(7200))));
        assert!("yesterday".parse::<Since>().is_err());
    }
}
