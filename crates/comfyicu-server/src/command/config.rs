//! `comfyicu-server config check|default`.

use std::io::Write as _;

use super::CommandError;
use super::table::table;
use crate::args::ConfigCommand;
use crate::config::{Resolved, default_file};
use crate::serve::check;

/// Shows the default file, or what the settings are and where they come from.
pub(crate) fn run(command: ConfigCommand, resolved: &Resolved) -> Result<(), CommandError> {
    let text = match command {
        ConfigCommand::Default => default_file(),
        ConfigCommand::Check(serve) => {
            check(&serve)?;
            let rows: Vec<_> =
                resolved.origins.iter().map(|(name, origin)| [name.clone(), origin.to_string()]).collect();
            table(["SETTING", "FROM"], &rows)
        }
    };
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}
