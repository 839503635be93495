//! `comfyicu workflows …`: the arguments.

use clap::Subcommand;

use super::Workflow;

/// Shows workflows.
#[derive(Debug, Subcommand)]
pub(crate) enum Workflows {
    /// Lists the workflows of the account, or of the server.
    List,
    /// Shows a workflow.
    Get {
        /// Its id. Without it, the workflow that is set up.
        #[arg(value_name = "ID", id = "given", allow_hyphen_values = true, conflicts_with = "workflow")]
        id: Option<String>,
        #[command(flatten)]
        workflow: Workflow,
    },
}
