//! `comfyicu api` and `comfyicu completions`.

use http::Method;

/// Sends any request to the service, with the key, and writes what it answers.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::help::API)]
pub(crate) struct Api {
    /// GET, POST, …
    #[arg(value_name = "METHOD", value_parser = parse_method)]
    pub(crate) method: Method,
    /// Below /api/v1, such as workflows or workflows/ID/runs?limit=3.
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// The body, JSON: a text, or @FILE; @- is stdin.
    #[arg(short = 'd', long, value_name = "DATA|@FILE")]
    pub(crate) data: Option<String>,
}

fn parse_method(text: &str) -> Result<Method, String> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes()).map_err(|error| error.to_string())
}

/// Writes what a shell needs to complete command lines.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::help::COMPLETIONS)]
pub(crate) struct Completions {
    /// Which shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}
