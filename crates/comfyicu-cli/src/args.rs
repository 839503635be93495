//! The command line. The texts here are the help.

mod batch;
mod conversion;
mod duration;
mod edit;
mod file;
mod global;
mod other;
mod prompt;
mod read;
mod run;
mod runs;
mod settings;
mod vary;
mod webhooks;
mod workflows;

pub(crate) use batch::Batch;
pub(crate) use conversion::Conversion;
pub(crate) use edit::{Edit, FileEdit};
pub(crate) use file::{Destination, FileArgument, FileSource};
pub(crate) use global::{ColorWhen, Global};
pub(crate) use other::{Api, Completions};
pub(crate) use prompt::{GraphArguments, GraphFormat, Place, Prompt};
pub(crate) use run::{Request, Run, Seed};
pub(crate) use runs::{Filter, Runs, Selection};
pub(crate) use settings::{Auth, Config};
pub(crate) use vary::{Values, Vary};
pub(crate) use webhooks::{Header, Signing, WebhookKind, Webhooks};
pub(crate) use workflows::Workflows;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

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

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a prompt, waits for it, and saves its outputs.
    Run(Box<Run>),
    /// Runs a prompt many times, with other values each time.
    Batch(Box<Batch>),
    /// Works with existing runs: list, get, wait, watch, download, cancel, retry, find.
    #[command(subcommand, after_help = help::RUNS, arg_required_else_help = true)]
    Runs(Runs),
    /// Shows workflows: list, get.
    #[command(subcommand, arg_required_else_help = true)]
    Workflows(Workflows),
    /// Reads, checks and changes prompts: show, check, get, set, diff, extract, strip, nodes, hash.
    #[command(subcommand, after_help = help::PROMPT, arg_required_else_help = true)]
    Prompt(Prompt),
    /// Delivers and checks webhooks: listen, trigger, verify.
    #[command(subcommand, after_help = help::WEBHOOKS, arg_required_else_help = true)]
    Webhooks(Webhooks),
    /// Keeps the API key: login, status, logout.
    #[command(subcommand, after_help = help::AUTH, arg_required_else_help = true)]
    Auth(Auth),
    /// Keeps settings in profiles: get, set, unset, list, path.
    #[command(subcommand, after_help = help::CONFIG, arg_required_else_help = true)]
    Config(Config),
    /// Looks at what is set up, and says what to do where it does not work.
    Doctor,
    /// Sends any request to the service, with the key, and writes what it answers.
    Api(Api),
    /// Writes what a shell needs to complete command lines.
    Completions(Completions),
}

/// The workflow that a run belongs to.
#[derive(Debug, clap::Args)]
pub(crate) struct Workflow {
    /// The workflow that runs belong to [env: COMFYICU_WORKFLOW] [default: "default", on a server of your own].
    #[arg(short = 'w', long = "workflow", value_name = "ID", id = "workflow", allow_hyphen_values = true)]
    pub(crate) id: Option<String>,
}

/// Where outputs go.
#[derive(Debug, clap::Args)]
pub(crate) struct Folder {
    /// The folder for the outputs, which keep their sub-folders below it.
    #[arg(short = 'o', long = "output-dir", value_name = "DIR", default_value = ".", id = "folder")]
    pub(crate) path: PathBuf,
}
