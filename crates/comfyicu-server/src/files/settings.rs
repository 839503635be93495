//! What the operator sets about files.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use comfyicu_model::Timestamp;

use crate::args::parse_span;
use crate::limits::ByteCount;

/// How files of runs are fetched and kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct FileSettings {
    /// How much is kept of what was fetched for runs, such as 500GiB. What was not used for longest goes first; what
    /// a run uses stays
    #[arg(long, value_name = "SIZE", default_value = "100GiB")]
    pub(crate) cache_size: ByteCount,

    /// When to ask the source of a file that is kept whether it has changed: `always`, `never`, or once that was asked
    /// so long ago, such as 10m, 12h or 7d
    #[arg(long, value_name = "WHEN", default_value = "always")]
    pub(crate) revalidate: Revalidate,

    /// The tokens that hosts want before they give files, as TOML; see the page “Files and models”
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,

    /// A folder below /models that runs may bring files for, beside those of ComfyUI. Repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) model_folder: Vec<String>,
}

/// When the source of a file is asked whether it has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Revalidate {
    /// For each run.
    #[default]
    Always,
    /// When it was last asked so long ago.
    After(Duration),
    /// Not as long as the file is here.
    Never,
}

impl Revalidate {
    /// Whether what was known at a moment is believed now.
    pub(crate) fn trusts(self, checked_at: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Always => false,
            Self::After(duration) => now.since(checked_at) < duration,
            Self::Never => true,
        }
    }
}

/// Why a text says no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`always`, `never`, or a time such as 10m, 12h or 7d is needed")]
pub(crate) struct InvalidRevalidate;

impl FromStr for Revalidate {
    type Err = InvalidRevalidate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "always" => return Ok(Self::Always),
            "never" => return Ok(Self::Never),
            _ => {}
        }
        parse_span(text).map(Self::After).map_err(|_| InvalidRevalidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_how_long_an_answer_is_believed() {
        let trusts = |text: &str, age: i64| {
            let policy: Revalidate = text.parse().unwrap();
            policy.trusts(Timestamp::from_unix_millis(0), Timestamp::from_unix_millis(age))
        };
        assert!(!trusts("always", 0));
        assert!(trusts("never", i64::MAX / 2));
        assert!(trusts("10m", 599_999) && !trusts("10m", 600_000));
        assert!(trusts("7d", 1) && !trusts("0s", 0));
        for bad in ["", "10", "m", "soon", "-1s", "é"] {
            assert_eq!(bad.parse::<Revalidate>(), Err(InvalidRevalidate), "{bad}");
        }
    }
}
