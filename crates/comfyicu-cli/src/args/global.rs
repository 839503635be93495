//! What all commands take.

use std::time::Duration;

use clap::ValueEnum;

use super::duration;

/// What all commands take.
#[derive(Clone, clap::Args)]
pub(crate) struct Global {
    /// Where the service is [env: COMFYICU_BASE_URL] [default: the hosted service].
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection")]
    pub(crate) base_url: Option<String>,
    /// The API key; others may see it here, so keep it with `comfyicu auth login` [env: COMFYICU_API_KEY].
    #[arg(long, global = true, value_name = "KEY", help_heading = "Connection")]
    pub(crate) api_key: Option<String>,
    /// The profile of the config file to use [env: COMFYICU_PROFILE] [default: default].
    #[arg(long, global = true, value_name = "NAME", help_heading = "Connection")]
    pub(crate) profile: Option<String>,
    /// How long to wait, such as 90s, 10m, 1h30m: for the end of runs, which go on after it [default: 1h]; in
    /// other commands for an answer of the service [default: 2m].
    #[arg(long, global = true, value_name = "DURATION", help_heading = "Connection")]
    #[arg(value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
    /// Writes JSON to stdout: one object, or a line for each of several.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// Writes what a jq expression makes of the JSON; texts without their quotes.
    #[arg(long, global = true, value_name = "EXPR", help_heading = "Output")]
    pub(crate) jq: Option<String>,
    /// Says nothing but what was asked for, and errors.
    #[arg(short = 'q', long, global = true, help_heading = "Output", conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Tells of each request on stderr; twice, of much more.
    #[arg(short = 'v', long, global = true, help_heading = "Output", action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Whether to use colours.
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Output", default_value = "auto")]
    pub(crate) color: ColorWhen,
    /// Shows no progress.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) no_progress: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl std::fmt::Debug for Global {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Global").field("json", &self.json).finish_non_exhaustive()
    }
}
