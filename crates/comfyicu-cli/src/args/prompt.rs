//! `comfyicu prompt …`: the arguments of what is done to files, without a service.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Subcommand};
use url::Url;

use super::{Conversion, Destination, Edit};

/// Reads, checks and changes prompts.
#[derive(Debug, Subcommand)]
pub(crate) enum Prompt {
    /// Shows a prompt: its nodes with their inputs; with --json, the prompt itself.
    Show(Document),
    /// Looks for what would be refused, or would not do what was meant. Ends with 7 when there is an error.
    Check {
        #[command(flatten)]
        document: Document,
        #[arg(long, value_name = "FILE|URL", help = OBJECT_INFO_HELP)]
        object_info: Option<Place>,
        /// A file that the run will have, as `run --file` sends it: then it is checked, too, whether all files are
        /// there and used. Can be repeated.
        #[arg(long, value_name = "DEST[=URL|PATH]", action = ArgAction::Append)]
        file: Vec<Destination>,
    },
    /// Converts a UI workflow, the editor's own file, and writes the prompt. What cannot be known is told on
    /// stderr. Ends with 7 when there is no prompt.
    Convert {
        /// A UI workflow, or a PNG, WebP or JPEG image that carries one; - is stdin.
        #[arg(value_name = "FILE")]
        path: PathBuf,
        #[command(flatten)]
        conversion: Conversion,
        /// Writes no prompt when there is something that cannot be known.
        #[arg(long)]
        strict: bool,
    },
    /// Writes the value of an input.
    Get {
        #[command(flatten)]
        document: Document,
        #[arg(value_name = "NODE.INPUT", help = INPUT_HELP)]
        input: String,
    },
    /// Sets inputs, and writes the prompt; all else stays as it is, spaces and line ends too.
    Set {
        #[command(flatten)]
        document: Document,
        /// The input and its value, which is JSON if it parses, else a text.
        #[arg(value_name = "NODE.INPUT=VALUE", required = true, action = ArgAction::Append)]
        edits: Vec<Edit>,
        /// Writes it back to the file, at once or not at all.
        #[arg(short = 'i', long)]
        in_place: bool,
    },
    /// Shows what differs between two prompts, by node and input.
    Diff {
        /// The one prompt.
        #[arg(value_name = "A")]
        before: PathBuf,
        /// The other.
        #[arg(value_name = "B")]
        after: PathBuf,
    },
    /// Writes the prompt that an image carries.
    Extract {
        /// The image: a PNG, WebP or JPEG file; - is stdin.
        #[arg(value_name = "IMAGE")]
        image: PathBuf,
        /// Writes the UI workflow, the editor's own file, in its place.
        #[arg(long)]
        workflow: bool,
    },
    /// Writes an image without the prompt and the UI workflow that it carries; its pixels stay as they are.
    Strip {
        /// The image: a PNG, WebP or JPEG file; - is stdin.
        #[arg(value_name = "IMAGE")]
        image: PathBuf,
        /// Where to write it. Without it, stdout.
        #[arg(short = 'o', long, value_name = "FILE", conflicts_with = "in_place")]
        output: Option<PathBuf>,
        /// Writes it back to the file, at once or not at all.
        #[arg(short = 'i', long)]
        in_place: bool,
    },
    /// Draws a prompt: its nodes with titles and values, and their links.
    Graph(GraphArguments),
    /// Lists the nodes: id, class, title.
    Nodes(Document),
    /// Writes a hash of what the prompt does: the same for the same prompt, however it is written.
    Hash(Document),
}

const OBJECT_INFO_HELP: &str = "Checks against the node definitions of a ComfyUI or of a server: a file, or a URL such as http://127.0.0.1:8188";

const INPUT_HELP: &str = "The input: a node by its id, by @ and its title, or by a class that is there once; a dot; the input's name";

/// What is drawn, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct GraphArguments {
    /// A prompt, a UI workflow, or a PNG, WebP or JPEG image that carries one; - is stdin.
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub(crate) format: GraphFormat,
    #[command(flatten)]
    pub(crate) conversion: Conversion,
}

/// The ways to draw a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GraphFormat {
    /// Text: below each node what it needs.
    Text,
    /// An SVG image, with coloured links.
    Svg,
    /// A flowchart for Mermaid.
    Mermaid,
    /// A graph for Graphviz.
    Dot,
}

/// What holds a prompt.
#[derive(Debug, clap::Args)]
pub(crate) struct Document {
    /// A prompt in ComfyUI's API format, or a PNG, WebP or JPEG image that carries one; - is stdin.
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
}

/// A file, or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    Url(Url),
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !super::file::is_url(text) {
            return Ok(Self::File(PathBuf::from(text)));
        }
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.map(Self::Url).ok_or("it is neither an http or https URL nor a path")
    }
}
