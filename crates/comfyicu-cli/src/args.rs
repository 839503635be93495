//! The command line. The texts here are the help.

mod conversion;
mod duration;
mod file;
mod prompt;

pub(crate) use conversion::Conversion;
pub(crate) use file::{Destination, FileArgument, FileSource};
pub(crate) use prompt::{Place, Prompt};

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};
use comfyicu_model::RunId;
use url::Url;

use crate::help;

/// Runs ComfyUI prompts on ComfyICU, or on a server of your own.
#[derive(Debug, Parser)]
#[command(name = "comfyicu", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = help::program(), arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const ACCELERATOR_HELP: &str =
    "What to run on: T4, L4, L40S, A10, A100_40GB, A100_80GB, H100, or what the server offers";

/// What all commands take.
#[derive(Clone, clap::Args)]
pub(crate) struct Global {
    /// Where the service is [default: the hosted service].
    #[arg(long, global = true, value_name = "URL", env = "COMFYICU_BASE_URL", hide_env_values = true)]
    #[arg(help_heading = "Connection")]
    pub(crate) base_url: Option<String>,
    /// The API key. In the environment it is seen by fewer than on the command line.
    #[arg(long, global = true, value_name = "KEY", env = "COMFYICU_API_KEY", hide_env_values = true)]
    #[arg(help_heading = "Connection")]
    pub(crate) api_key: Option<String>,
    /// Writes JSON to stdout, one object.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
}

impl std::fmt::Debug for Global {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Global").field("json", &self.json).finish_non_exhaustive()
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a prompt, waits for it, and saves its outputs.
    Run(Box<Run>),
    /// Works with existing runs: get, wait, download.
    #[command(subcommand, after_help = help::RUNS, arg_required_else_help = true)]
    Runs(Runs),
    /// Reads, checks and changes prompts: show, check, get, set, diff, extract, strip, nodes, hash.
    #[command(subcommand, after_help = help::PROMPT, arg_required_else_help = true)]
    Prompt(Prompt),
}

/// Runs a prompt, waits for it, and saves its outputs.
#[derive(Debug, clap::Args)]
#[command(after_help = help::RUN)]
pub(crate) struct Run {
    /// The prompt, a file in ComfyUI's API format, or an image that ComfyUI saved; - is stdin. A UI workflow is
    /// converted first.
    #[arg(value_name = "PROMPT.json")]
    pub(crate) prompt: PathBuf,
    #[command(flatten)]
    pub(crate) conversion: Conversion,
    #[command(flatten)]
    pub(crate) workflow: Workflow,
    /// Sets an input of a node: the value is JSON if it parses, else a text. Can be repeated.
    #[arg(long, value_name = "NODE.INPUT=VALUE", action = ArgAction::Append)]
    #[arg(value_parser = parse_edit)]
    pub(crate) set: Vec<Edit>,
    /// Puts a file where nodes find it, such as /input/photo.jpg: from a URL, or a local file (which only a
    /// self-hosted server takes). Can be repeated.
    #[arg(long, value_name = "DEST=URL|PATH", action = ArgAction::Append)]
    pub(crate) file: Vec<FileArgument>,
    #[arg(long, value_name = "NAME", help = ACCELERATOR_HELP)]
    pub(crate) accelerator: Option<String>,
    /// A URL to notify when the run starts and ends.
    #[arg(long, value_name = "URL", value_parser = parse_webhook)]
    pub(crate) webhook: Option<Url>,
    #[command(flatten)]
    pub(crate) folder: Folder,
    /// Does not wait: writes the run's id and ends.
    #[arg(long)]
    pub(crate) detach: bool,
    #[command(flatten)]
    pub(crate) timeout: Timeout,
}

/// Works with existing runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// Shows a run as it is now.
    Get(Existing),
    /// Waits until a run has ended, then shows it.
    Wait {
        #[command(flatten)]
        run: Existing,
        #[command(flatten)]
        timeout: Timeout,
    },
    /// Saves the outputs of a run that has ended; writes their paths, one a line.
    Download {
        #[command(flatten)]
        run: Existing,
        #[command(flatten)]
        folder: Folder,
    },
}

/// A run that exists.
#[derive(Debug, clap::Args)]
pub(crate) struct Existing {
    /// The run's id.
    #[arg(value_name = "RUN", allow_hyphen_values = true)]
    pub(crate) id: RunId,
    #[command(flatten)]
    pub(crate) workflow: Workflow,
}

/// The workflow that a run belongs to.
#[derive(Debug, clap::Args)]
pub(crate) struct Workflow {
    /// The workflow that the run belongs to [default: "default", on a server of your own].
    #[arg(
        short = 'w',
        long = "workflow",
        value_name = "ID",
        env = "COMFYICU_WORKFLOW",
        hide_env_values = true
    )]
    #[arg(id = "workflow", allow_hyphen_values = true)]
    pub(crate) id: Option<String>,
}

/// Where outputs go.
#[derive(Debug, clap::Args)]
pub(crate) struct Folder {
    /// The folder for the outputs, which keep their sub-folders below it.
    #[arg(short = 'o', long = "output-dir", value_name = "DIR", default_value = ".", id = "folder")]
    pub(crate) path: PathBuf,
}

/// How long to wait.
#[derive(Debug, clap::Args)]
pub(crate) struct Timeout {
    /// How long to wait at most, such as 90s, 10m, 1h30m. The run goes on after it.
    #[arg(long = "timeout", value_name = "DURATION", default_value = "1h", id = "timeout")]
    #[arg(value_parser = duration::parse)]
    pub(crate) limit: Duration,
}

/// An input, and what it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) path: String,
    pub(crate) value: String,
}

fn parse_edit(text: &str) -> Result<Edit, &'static str> {
    let (path, value) = text.split_once('=').ok_or("it is not NODE.INPUT=VALUE, such as 3.seed=42")?;
    Ok(Edit { path: path.to_owned(), value: value.to_owned() })
}

fn parse_webhook(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or("it is not an http or https URL")
}
