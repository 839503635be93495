//! `comfyicu-server keys …` and `comfyicu-server usage`: the arguments.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use comfyicu_model::RunId;

use super::{When, parse_span};
use crate::keys::KeyScopes;
use crate::owner::Owner;

/// Where the data of a server is.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The data directory of the server, which may be running
    #[arg(long, value_name = "DIR", default_value = "comfyicu-data")]
    pub(crate) data_dir: PathBuf,

    /// Take the data directory from this file of settings
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key; it is shown only now
    Create(CreateKey),
    /// List the keys, without their texts: those are not kept
    List(ListKeys),
    /// End a key for good; a running server refuses it from this moment on
    Revoke(RevokeKey),
    /// Give a key a new text; its id, owner, limits and usage stay
    Rotate(RotateKey),
}

/// A key to be made.
#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Whose runs, files and workflows it opens. Owners come into being with their first key
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub(crate) owner: Owner,

    /// What it is for, for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) name: String,

    /// What it may do, with commas: `run` submits, uploads and cancels, `read` looks, `admin` sees the server as a
    /// whole
    #[arg(long, value_name = "LIST", default_value = "run,read")]
    pub(crate) scopes: KeyScopes,

    /// When it ends: in a while (90d, 12h) or at a moment (2027-01-01T00:00:00Z) [default: never]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<When>,

    /// The most requests in a minute; more are answered with 429 [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_minute: Option<NonZeroU32>,

    /// The most runs that wait or are executed at once; more are answered with 429 [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) active_runs: Option<NonZeroU32>,

    /// The seconds that runs may be executed for in a calendar month (UTC); beyond them runs are answered with 402
    /// [default: no limit]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) gpu_seconds: Option<u64>,

    /// Print the key and what is known of it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which keys are listed, and how.
#[derive(Debug, Args)]
pub(crate) struct ListKeys {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Only the keys of this owner
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<Owner>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A key to be ended.
#[derive(Debug, Args)]
pub(crate) struct RevokeKey {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Its id, as `keys list` shows it
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    pub(crate) id: String,
}

/// A key to be renewed.
#[derive(Debug, Args)]
pub(crate) struct RotateKey {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Its id, as `keys list` shows it
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    pub(crate) id: String,

    /// For how long the earlier text stays good, such as 24h [default: it ends at once]
    #[arg(long, value_name = "TIME", value_parser = parse_span, default_value = "0s", hide_default_value = true)]
    pub(crate) grace: Duration,

    /// Print the key and its id as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose log is shown, and how.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) place: Place,

    /// The run's id
    #[arg(value_name = "RUN", allow_hyphen_values = true)]
    pub(crate) run: RunId,

    /// Print a JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which usage is shown, and how.
#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    #[command(flatten)]
    pub(crate) place: Place,

    /// From when on: a while ago (30d) or a moment; the whole day counts [default: the first of this month]
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<When>,

    /// Until when: a while ago or a moment; the whole day counts [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<When>,

    /// Only what this owner used
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<Owner>,

    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// How usage is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Csv,
    Json,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn an_id_may_begin_with_a_dash() {
        let parsed =
            Cli::try_parse_from(["comfyicu-server", "keys", "rotate", "-Kab", "--grace", "1h"]).unwrap();
        let Command::Keys(KeysCommand::Rotate(rotate)) = parsed.command else { panic!("{parsed:?}") };
        assert_eq!((rotate.id.as_str(), rotate.grace), ("-Kab", Duration::from_hours(1)));
    }
}
