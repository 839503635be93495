//! The settings: flag, then environment, then the profile in the config file, then default.

mod config_file;
mod environment;
mod key;

pub(crate) use config_file::ConfigFile;
pub(crate) use environment::Environment;
pub(crate) use key::SettingKey;

use std::cell::OnceCell;
use std::fmt;

use comfyicu_client::HOSTED_BASE_URL;
use url::Url;

use crate::args::Global;
use crate::failure::Failure;

/// The profile that is used where none is named.
const DEFAULT_PROFILE: &str = "default";

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    Variable(&'static str),
    Profile(String),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("command line"),
            Self::Variable(name) => f.write_str(name),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// All that settings come from. The config file is read when it is first needed.
pub(crate) struct Settings {
    base_url: Option<String>,
    api_key: Option<String>,
    profile: Option<String>,
    environment: Environment,
    file: OnceCell<ConfigFile>,
}

impl Settings {
    pub(crate) fn new(global: &Global, environment: Environment) -> Self {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        Self {
            base_url: filled(&global.base_url),
            api_key: filled(&global.api_key),
            profile: filled(&global.profile),
            environment,
            file: OnceCell::new(),
        }
    }

    /// The config file; an empty one, where there is none.
    pub(crate) fn file(&self) -> Result<&ConfigFile, Failure> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = ConfigFile::read(self.environment.config_path())?;
        Ok(self.file.get_or_init(|| file))
    }

    /// The name of the profile, and where that comes from.
    pub(crate) fn profile(&self) -> Setting {
        if let Some(name) = &self.profile {
            return Setting { value: name.clone(), origin: Origin::Flag };
        }
        match self.environment.get(environment::PROFILE) {
            Some(name) => Setting { value: name.to_owned(), origin: Origin::Variable(environment::PROFILE) },
            None => Setting { value: DEFAULT_PROFILE.to_owned(), origin: Origin::Default },
        }
    }

    /// A setting, as `flag` or something else says; `None` when nothing does.
    pub(crate) fn get(&self, key: SettingKey, flag: Option<&str>) -> Result<Option<Setting>, Failure> {
        let flag = match key {
            SettingKey::BaseUrl => flag.or(self.base_url.as_deref()),
            SettingKey::ApiKey => flag.or(self.api_key.as_deref()),
            SettingKey::Workflow | SettingKey::Accelerator => flag,
        };
        if let Some(value) = flag.map(str::trim).filter(|value| !value.is_empty()) {
            return Ok(Some(Setting { value: value.to_owned(), origin: Origin::Flag }));
        }
        if let Some(value) = self.environment.get(key.variable()) {
            let origin = Origin::Variable(key.variable());
            return Ok(Some(Setting { value: value.to_owned(), origin }));
        }
        if let Some(value) = self.kept(key)? {
            let origin = Origin::Profile(self.profile().value);
            return Ok(Some(Setting { value, origin }));
        }
        let default = (key == SettingKey::BaseUrl).then(|| HOSTED_BASE_URL.to_owned());
        Ok(default.map(|value| Setting { value, origin: Origin::Default }))
    }

    /// What the profile says. A profile that was named has to be there.
    fn kept(&self, key: SettingKey) -> Result<Option<String>, Failure> {
        let (file, profile) = (self.file()?, self.profile());
        if profile.origin != Origin::Default && !file.has_profile(&profile.value) {
            return Err(self.no_such_profile(&profile)?);
        }
        file.get(&profile.value, key)
    }

    fn no_such_profile(&self, profile: &Setting) -> Result<Failure, Failure> {
        let name = &profile.value;
        let failure = Failure::usage(format!("there is no profile `{name}`"));
        let known = self.file()?.profiles();
        let failure = if known.is_empty() {
            failure
        } else {
            failure.hint(format!("there are the profiles: {}", known.join(", ")))
        };
        Ok(failure.hint(format!("make it: comfyicu config set base_url URL --profile {name}")))
    }

    /// The key, where it may be sent to the service that is set up: the one of a profile goes to the profile's own
    /// service only.
    pub(crate) fn api_key(&self) -> Result<Option<Setting>, Failure> {
        let Some(key) = self.get(SettingKey::ApiKey, None)? else { return Ok(None) };
        let is_kept = matches!(key.origin, Origin::Profile(_));
        Ok(if is_kept && !self.is_own_service()? { None } else { Some(key) })
    }

    /// Whether the service that is set up is the one that the profile is for.
    pub(crate) fn is_own_service(&self) -> Result<bool, Failure> {
        let own = self.kept(SettingKey::BaseUrl)?.unwrap_or_else(|| HOSTED_BASE_URL.to_owned());
        let used = self.get(SettingKey::BaseUrl, None)?.map_or_else(String::new, |setting| setting.value);
        let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
        Ok(origin(&own).is_some() && origin(&own) == origin(&used))
    }

    /// The secret of webhooks that the environment holds.
    pub(crate) fn webhook_secret(&self) -> Option<&str> {
        self.environment.get(environment::WEBHOOK_SECRET)
    }

    /// The proxies that the environment names, without what belongs to them alone.
    pub(crate) fn proxies(&self) -> Vec<String> {
        self.environment.proxies()
    }

    /// What a command line has to repeat to mean the same service.
    pub(crate) fn flags(&self) -> String {
        let flag = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(" {name} {value}")).unwrap_or_default()
        };
        format!("{}{}", flag("--base-url", &self.base_url), flag("--profile", &self.profile))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("profile", &self.profile).finish_non_exhaustive()
    }
}
