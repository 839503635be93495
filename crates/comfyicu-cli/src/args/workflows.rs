//! `comfyicu workflows …`: the arguments.

use clap::Subcommand;

use super::Workflow;
use super::runs::NO_FLAG;

/// Shows workflows.
#[derive(Debug, Subcommand)]
pub(crate) enum Workflows {
    /// Lists the workflows of the account, or of the server.
    List,
    /// Shows a workflow.
    Get {
        /// Its id. Without it, the workflow that is set up.
        #[arg(value_name = "ID", id = "given", allow_hyphen_values = true, conflicts_with = "workflow")]
        #[arg(value_parser = parse_id)]
        id: Option<String>,
        #[command(flatten)]
        workflow: Workflow,
    },
}

/// Ids may begin with a dash, but with two it is a flag that is not known.
fn parse_id(text: &str) -> Result<String, &'static str> {
    if text.starts_with("--") { Err(NO_FLAG) } else { Ok(text.to_owned()) }
}
