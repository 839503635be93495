//! What can be set.

use clap::ValueEnum;
use comfyicu_client::{API_KEY_VARIABLE, ApiKey, BASE_URL_VARIABLE, Client};
use comfyicu_model::WorkflowId;

use crate::failure::Failure;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum SettingKey {
    /// Where the service is.
    BaseUrl,
    /// The API key.
    ApiKey,
    /// The workflow that runs belong to.
    Workflow,
    /// What to run on.
    Accelerator,
}

impl SettingKey {
    pub(crate) const ALL: [Self; 4] = [Self::BaseUrl, Self::ApiKey, Self::Workflow, Self::Accelerator];

    /// Its name in the config file.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BaseUrl => "base_url",
            Self::ApiKey => "api_key",
            Self::Workflow => "workflow",
            Self::Accelerator => "accelerator",
        }
    }

    /// The variable that wins over the config file.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::BaseUrl => BASE_URL_VARIABLE,
            Self::ApiKey => API_KEY_VARIABLE,
            Self::Workflow => "COMFYICU_WORKFLOW",
            Self::Accelerator => "COMFYICU_ACCELERATOR",
        }
    }

    /// Refuses what can never work, before it is kept.
    pub(crate) fn check(self, value: &str) -> Result<(), Failure> {
        let failure = |error: &(dyn std::error::Error + 'static)| {
            Failure::usage(format!("this cannot be the {}", self.as_str())).because(error).hint(self.hint())
        };
        match self {
            Self::BaseUrl => {
                let client = Client::builder().base_url(value).build();
                client.map(drop).map_err(|error| Failure::from(error).instead(self.hint()))
            }
            Self::ApiKey => ApiKey::new(value).map(drop).map_err(|error| failure(&error)),
            Self::Workflow => WorkflowId::parse(value).map(drop).map_err(|error| failure(&error)),
            Self::Accelerator if value.trim().is_empty() => {
                Err(Failure::usage("this cannot be the accelerator: it is empty").hint(self.hint()))
            }
            Self::Accelerator => Ok(()),
        }
    }

    /// Where a value that can be used comes from.
    const fn hint(self) -> &'static str {
        match self {
            Self::BaseUrl => "give an address such as http://127.0.0.1:8288",
            Self::ApiKey => "copy the key again, from the account settings or from the server's `first-key`",
            Self::Workflow => "`comfyicu workflows list` has the ids that there are",
            Self::Accelerator => "give a name such as L4; `comfyicu config unset accelerator` takes it out",
        }
    }

    /// A value as it may be shown: keys are secret.
    pub(crate) fn shown(self, value: &str) -> String {
        if self == Self::ApiKey { "(set, not shown)".to_owned() } else { value.to_owned() }
    }
}
