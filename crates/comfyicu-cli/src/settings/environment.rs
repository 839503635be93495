//! The one place that reads the environment.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// The variable that names the profile.
pub(super) const PROFILE: &str = "COMFYICU_PROFILE";
/// The variable that holds the secret of webhooks.
pub(super) const WEBHOOK_SECRET: &str = "COMFYICU_WEBHOOK_SECRET";
/// The variable that says where the config file is.
const CONFIG: &str = "COMFYICU_CONFIG";

/// What the environment says; what is set to nothing is not set.
pub(crate) struct Environment {
    variables: Vec<(String, String)>,
    config: Option<PathBuf>,
}

impl Environment {
    /// That of the process.
    pub(crate) fn of_process() -> Self {
        let is_ours =
            |name: &str| name.starts_with("COMFYICU_") || name.to_ascii_lowercase().ends_with("_proxy");
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| is_ours(name))?;
            Some((name, value.to_string_lossy().trim().to_owned()))
        });
        let variables: Vec<_> = variables.filter(|(_, value)| !value.is_empty()).collect();
        let named = variables.iter().find(|(name, _)| name == CONFIG).map(|(_, value)| PathBuf::from(value));
        let usual =
            || etcetera::choose_base_strategy().ok().map(|places| places.config_dir().join("comfyicu"));
        let config = named.or_else(|| usual().map(|folder| folder.join("config.toml")));
        Self { variables, config }
    }

    /// The shell that completes a line of ours, and asks for what can stand there.
    pub(crate) fn completing_shell() -> Option<String> {
        let mut variables = std::env::vars_os();
        let (_, shell) = variables.find(|(name, _)| name == crate::complete::VARIABLE)?;
        shell.into_string().ok().filter(|shell| !shell.is_empty())
    }

    /// A variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The proxies, by their hosts alone: there may be a password in front of them.
    pub(super) fn proxies(&self) -> Vec<String> {
        let proxies = self.variables.iter().filter(|(name, _)| name.to_ascii_lowercase().ends_with("_proxy"));
        let host =
            |value: &str| url::Url::parse(value).ok().and_then(|url| url.host_str().map(str::to_owned));
        proxies
            .map(|(name, value)| format!("{name} {}", host(value).unwrap_or_else(|| "is set".to_owned())))
            .collect()
    }

    /// Where the config file is, or would be; nowhere, where there is no home.
    pub(crate) fn config_path(&self) -> Option<PathBuf> {
        self.config.clone()
    }
}
