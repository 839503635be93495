//! `comfyicu auth …` and `comfyicu config …`: the arguments.

use clap::Subcommand;

use crate::settings::SettingKey;

/// Keeps the API key.
#[derive(Debug, Subcommand)]
pub(crate) enum Auth {
    /// Asks for the API key, checks it, and keeps it in the config file. From a pipe, the key is read from stdin.
    Login,
    /// Says which key is used, and whether the service takes it. Ends with 4 when it does not.
    Status,
    /// Forgets the API key of the profile.
    Logout,
}

/// Keeps settings in profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Writes the value of a setting, wherever it comes from.
    Get {
        #[arg(value_name = "KEY")]
        key: SettingKey,
    },
    /// Keeps a setting in the profile.
    Set {
        #[arg(value_name = "KEY")]
        key: SettingKey,
        /// Its value.
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
    /// Takes a setting out of the profile.
    Unset {
        #[arg(value_name = "KEY")]
        key: SettingKey,
    },
    /// Lists the settings, and where each comes from.
    List,
    /// Writes where the config file is.
    Path,
}
