//! `comfyicu run`.

use std::path::PathBuf;

use clap::ArgAction;
use url::Url;

use super::{Conversion, Edit, FileArgument, FileEdit, Folder, Workflow};
use crate::help;

const ACCELERATOR_HELP: &str = "What to run on: T4, L4, L40S, A10, A100_40GB, A100_80GB, H100, or what the server offers [env: COMFYICU_ACCELERATOR]";

/// Runs a prompt, waits for it, and saves its outputs.
#[derive(Debug, clap::Args)]
#[command(after_help = help::RUN)]
pub(crate) struct Run {
    /// The prompt, a file in ComfyUI's API format, or an image that ComfyUI saved; - is stdin. A UI workflow is
    /// converted first.
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: PathBuf,
    #[command(flatten)]
    pub(crate) request: Request,
    #[command(flatten)]
    pub(crate) folder: Folder,
    /// Does not wait: writes the run's id and ends.
    #[arg(long)]
    pub(crate) detach: bool,
}

/// What is sent, beside the prompt itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Request {
    #[command(flatten)]
    pub(crate) conversion: Conversion,
    #[command(flatten)]
    pub(crate) workflow: Workflow,
    /// Sets an input of a node: the value is JSON if it parses, else a text. Can be repeated.
    #[arg(long, value_name = "NODE.INPUT=VALUE", action = ArgAction::Append)]
    pub(crate) set: Vec<Edit>,
    /// Sets an input to the text of a file. Can be repeated.
    #[arg(long, value_name = "NODE.INPUT=@PATH", action = ArgAction::Append)]
    pub(crate) set_file: Vec<FileEdit>,
    /// Sets all seeds: to a number, or to one that is drawn and told.
    #[arg(long, value_name = "N|random")]
    pub(crate) seed: Option<Seed>,
    /// Puts a file where nodes find it, such as /input/photo.jpg: from a URL, or a local file (which only a
    /// self-hosted server takes). Can be repeated.
    #[arg(long, value_name = "DEST=URL|PATH", action = ArgAction::Append)]
    pub(crate) file: Vec<FileArgument>,
    #[arg(long, value_name = "NAME", help = ACCELERATOR_HELP)]
    pub(crate) accelerator: Option<String>,
    /// A URL to notify when the run starts and ends.
    #[arg(long, value_name = "URL", value_parser = parse_webhook)]
    pub(crate) webhook: Option<Url>,
    /// Sends the prompt without checking it first.
    #[arg(long)]
    pub(crate) no_check: bool,
}

/// What seeds are set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seed {
    Random,
    Number(u64),
}

impl std::str::FromStr for Seed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "random" {
            return Ok(Self::Random);
        }
        text.parse().map(Self::Number).map_err(|_| "it is neither a number from 0 to 2^64-1 nor `random`")
    }
}

pub(super) fn parse_webhook(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or("it is not an http or https URL")
}
