//! The command line.

mod keys;
mod time;

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;

pub(crate) use keys::{
    CreateKey, Format, KeysCommand, ListKeys, LogsArgs, Place, RevokeKey, RotateKey, UsageArgs,
};
pub(crate) use time::{When, parse_age, parse_interval, parse_span};

use clap::{Args, Parser, Subcommand, ValueEnum};
use comfyicu_engine::comfyui::ComfyBackend;
use url::Url;

use crate::accelerators::Served;
use crate::executors::parse_comfyui;
use crate::faults::FaultSource;
use crate::files::{CacheCommand, FileSettings};
use crate::guard::AllowedHost;
use crate::limits::Limits;
use crate::outputs::{OutputSettings, OutputsLocation};
use crate::retention::{RetentionRules, RetentionSchedule};

/// Runs ComfyUI workflows through the ComfyICU API, on a machine of your own.
#[derive(Debug, Parser)]
#[command(name = "comfyicu-server", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Box<Serve>),
    /// Remove what the --keep rules do not keep, once; also beside a running server.
    #[command(after_help = GC_EXAMPLES)]
    Gc(Gc),
    /// Make, list, revoke and rotate keys.
    #[command(subcommand, after_help = KEYS_EXAMPLES)]
    Keys(KeysCommand),
    /// Show what happened to a run, as far as it was written down
    Logs(LogsArgs),
    /// Copy the data directory, while the server runs or not, to a folder that `restore` takes.
    #[command(after_help = BACKUP_EXAMPLES)]
    Backup(Backup),
    /// Make a data directory of a backup
    Restore(Restore),
    /// Check settings, or print a file of them.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show what was used: runs, seconds of executors, bytes that were fetched.
    #[command(after_help = USAGE_EXAMPLES)]
    Usage(UsageArgs),
    /// Look at the files that are kept of what runs brought, and pin some.
    #[command(subcommand)]
    Cache(CacheCommand),
}

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say what is wrong with the settings, or where each comes from; takes the flags of `serve`
    Check(Box<Serve>),
    /// Print a file with every setting explained and left out
    Default,
}

const KEYS_EXAMPLES: &str = "\
Examples:
  comfyicu-server keys create --owner team-a --name ci --expires 90d    the key goes to stdout
  comfyicu-server keys create --owner guests --requests-per-minute 60 \\
      --active-runs 2 --gpu-seconds 3600                                with limits
  comfyicu-server keys rotate ID --grace 24h                            a new text; the old one is good for a day
  comfyicu-server keys revoke ID                                        a running server refuses it at once";

const BACKUP_EXAMPLES: &str = "\
Examples:
  comfyicu-server backup /mnt/backup/comfyicu            copies what is new since the last time
  comfyicu-server restore /mnt/backup/comfyicu \\
      --data-dir restored                                and makes a data directory of it again

A backup is whole: each run in it has its files. It takes the place of an earlier one in that folder once it is,
so one that breaks off loses nothing. It holds prompts, outputs, and secrets: keep it as private as the data.";

const USAGE_EXAMPLES: &str = "\
Examples:
  comfyicu-server usage                             this month, as a table
  comfyicu-server usage --since 90d --format csv    the last 90 days, for a spreadsheet";

const SERVE_EXAMPLES: &str = "\
Examples:
  comfyicu-server serve --no-auth                    try it on this machine, without a key
  comfyicu-server serve --listen 0.0.0.0:8288 \\
      --public-url https://comfy.example.com         serve a team, behind a reverse proxy
  comfyicu-server serve --allow-host 10.0.0.0/8      take input files from the private network
  comfyicu-server serve --comfyui http://gpu1:8188 \\
      --comfyui http://gpu2:8188                     run every node that these ComfyUIs have
  comfyicu-server serve --no-auth --dev \\
      --faults scenario:flaky                        see how a client program bears a bad network

The first line on stdout is `listening on http://ADDRESS` once requests are answered. Logs go to stderr;
the variable RUST_LOG chooses them (info, debug, comfyicu_server=debug).
Each flag is also a key in the file of --config, and a variable: --data-dir is COMFYICU_SERVER_DATA_DIR.";

const GC_EXAMPLES: &str = "\
Examples:
  comfyicu-server gc --keep-runs-for 30d --dry-run   say what would go
  comfyicu-server gc --keep-output-bytes 200GB       keep the newest outputs, as many as fit
  comfyicu-server gc --keep-runs 10000 --json        a line of JSON for each thing, and one for the sum

Runs that wait or are executed stay, and those with webhooks that were not sent yet. To have it done again and
again, give the same rules to serve.";

/// What to remove, and where.
#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// The data directory of the server
    #[arg(long, value_name = "DIR", default_value = "comfyicu-data")]
    pub(crate) data_dir: PathBuf,

    /// Take the data directory and the rules from this file of settings
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where the server keeps outputs, when that is an S3 bucket: `s3://BUCKET/PREFIX`
    #[arg(long, value_name = "URL")]
    pub(crate) outputs: Option<OutputsLocation>,

    #[command(flatten)]
    pub(crate) rules: RetentionRules,

    /// Only say what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Say it in JSON, a line for each thing
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line, for programs.
    Json,
}

/// Where to copy to.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder of the copy. Only what is new is copied into one that was made before
    #[arg(value_name = "FOLDER")]
    pub(crate) to: PathBuf,

    #[command(flatten)]
    pub(crate) place: Place,
}

/// What to restore.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder of the copy
    #[arg(value_name = "FOLDER")]
    pub(crate) from: PathBuf,

    /// The data directory to make. One that has runs is refused
    #[arg(long, value_name = "DIR", default_value = "comfyicu-data")]
    pub(crate) data_dir: PathBuf,
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Take settings from this file; `comfyicu-server config default` prints one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8288")]
    pub(crate) listen: SocketAddr,

    /// Where runs, files, outputs and keys are kept. One server at a time has it.
    #[arg(long, value_name = "DIR", default_value = "comfyicu-data")]
    pub(crate) data_dir: PathBuf,

    /// The URL by which others reach the server; addresses of outputs begin with it [default: the listen
    /// address]
    #[arg(long, value_name = "URL", value_parser = parse_public_url)]
    pub(crate) public_url: Option<Url>,

    /// Ask for no key. Only on a loopback address.
    #[arg(long)]
    pub(crate) no_auth: bool,

    /// Allow what is only for trying things out, and for nobody else's runs: --faults
    #[arg(long)]
    pub(crate) dev: bool,

    /// Let things go wrong on purpose, as this file says, so that client programs can be tried out. The scenarios
    /// that ship: bad-webhooks, busy, failing-runs, flaky, hosted, lost-answers, slow, stuck-runs
    #[arg(long, value_name = "FILE|scenario:NAME", requires = "dev", value_parser = FaultSource::parse)]
    pub(crate) faults: Option<FaultSource>,

    /// Take files from, and send webhooks to, this host or network though it is private. Repeatable.
    #[arg(long, value_name = "HOST|CIDR")]
    pub(crate) allow_host: Vec<AllowedHost>,

    #[command(flatten)]
    pub(crate) files: FileSettings,

    /// Sign webhooks with the secrets in this file: one line, or two while receivers change over, each
    /// `whsec_` and base64
    #[arg(long, value_name = "FILE")]
    pub(crate) webhook_secret_file: Option<PathBuf>,

    /// Have runs executed by the ComfyUI at this address. Repeatable: each run goes to the one that has least to do.
    /// `,accelerator=NAME` says what runs ask for to be executed there [default: what its device is], `,runs=N`
    /// how many it is given at once [default: 2], `,folder=PATH` where its folder is, so that runs can bring models,
    /// `,drain=FILE` that it gets nothing new for as long as there is such a file
    #[arg(long, value_name = "URL", value_parser = parse_comfyui)]
    pub(crate) comfyui: Vec<ComfyBackend>,

    /// Start the ComfyUI in this folder, watch it, and have runs executed by it
    #[arg(long, value_name = "DIR")]
    pub(crate) comfyui_dir: Option<PathBuf>,

    /// The Python that runs the ComfyUI of --comfyui-dir
    #[arg(long, value_name = "PATH", default_value = "python3", requires = "comfyui_dir")]
    pub(crate) python: PathBuf,

    /// An argument for the ComfyUI of --comfyui-dir, such as --comfyui-arg=--lowvram. Repeatable
    #[arg(long, value_name = "ARG", allow_hyphen_values = true, requires = "comfyui_dir")]
    pub(crate) comfyui_arg: Vec<String>,

    /// Have a ComfyUI unload its models, and give their memory back, once it had nothing to do for so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) comfyui_free: Option<NonZeroU64>,

    /// The accelerators that runs may ask for, with commas between them, or `any` [default: what the
    /// executor is]
    #[arg(long, value_name = "LIST|any")]
    pub(crate) accelerators: Option<Served>,

    /// How the log is written
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    #[command(flatten)]
    pub(crate) output: OutputSettings,

    #[command(flatten)]
    pub(crate) retention: RetentionSchedule,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

fn parse_public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_bare = url.query().is_none() && url.fragment().is_none();
    let is_open = url.username().is_empty() && url.password().is_none();
    let usable = matches!(url.scheme(), "http" | "https") && is_bare && is_open;
    if usable {
        Ok(url)
    } else {
        Err("an http or https URL without user, password, query and fragment is needed".to_owned())
    }
}
