//! `comfyicu batch`.

use std::path::PathBuf;

use clap::ArgAction;

use super::vary::Vary;
use super::{Folder, Request};
use crate::help;

/// Runs a prompt many times, with other values each time, and saves all outputs.
#[derive(Debug, clap::Args)]
#[command(after_help = help::BATCH)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Batch {
    /// The prompt, a file in ComfyUI's API format, or an image that ComfyUI saved; - is stdin.
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: PathBuf,
    /// The values of an input: V1,V2, a range A..B with both ends or A..B:STEP, a list in JSON, or @FILE with a
    /// value on each line. Can be repeated.
    #[arg(long, value_name = "NODE.INPUT=VALUES", action = ArgAction::Append)]
    pub(crate) vary: Vec<Vary>,
    /// A table whose heading names inputs, and of which each line is a run; an empty cell leaves its input alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Takes the first values together, then the second ones, and so on.
    #[arg(long, conflicts_with = "product")]
    pub(crate) zip: bool,
    /// Combines each value with each; this is what is done unless --zip is there.
    #[arg(long)]
    pub(crate) product: bool,
    /// How many runs are on their way at once.
    #[arg(short = 'j', long = "jobs", value_name = "N", default_value_t = 4)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: u16,
    /// Writes down each step, so that --resume goes on after whatever ended the batch.
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Goes on with the manifest: what has run is not run again.
    #[arg(long, requires = "manifest")]
    pub(crate) resume: bool,
    /// Says what would be run, and ends.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) request: Request,
    #[command(flatten)]
    pub(crate) folder: Folder,
}
