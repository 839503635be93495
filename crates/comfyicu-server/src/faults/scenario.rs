//! Where faults come from: a file, or one of the scenarios that ship.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use comfyicu_model::nearest;

use super::FaultsError;

/// The longest file that is read.
const MAX_BYTES: u64 = 1024 * 1024;
/// How the name of a scenario begins.
const PREFIX: &str = "scenario:";

/// The scenarios that ship.
pub(super) const SCENARIOS: &[(&str, &str)] = &[
    ("bad-webhooks", include_str!("scenarios/bad-webhooks.toml")),
    ("busy", include_str!("scenarios/busy.toml")),
    ("failing-runs", include_str!("scenarios/failing-runs.toml")),
    ("flaky", include_str!("scenarios/flaky.toml")),
    ("hosted", include_str!("scenarios/hosted.toml")),
    ("lost-answers", include_str!("scenarios/lost-answers.toml")),
    ("slow", include_str!("scenarios/slow.toml")),
    ("stuck-runs", include_str!("scenarios/stuck-runs.toml")),
];

/// Where faults come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultSource {
    /// A file.
    File(PathBuf),
    /// One that ships: its name and its text.
    Scenario(&'static str, &'static str),
}

impl FaultSource {
    /// Reads what the flag says: a path, or `scenario:NAME`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some(wanted) = text.strip_prefix(PREFIX) else { return Ok(Self::File(PathBuf::from(text))) };
        if let Some((name, faults)) = SCENARIOS.iter().find(|(name, _)| *name == wanted) {
            return Ok(Self::Scenario(name, faults));
        }
        let names = || SCENARIOS.iter().map(|(name, _)| *name);
        Err(match nearest(wanted, names()) {
            Some(name) => format!("there is no scenario `{wanted}`; did you mean `{name}`?"),
            None => format!("the scenarios are {}", names().collect::<Vec<_>>().join(", ")),
        })
    }

    /// What it says.
    pub(super) fn text(&self) -> Result<Cow<'static, str>, FaultsError> {
        match self {
            Self::Scenario(_, text) => Ok(Cow::Borrowed(text)),
            Self::File(path) => {
                let text = read_bounded(path);
                text.map(Cow::Owned).map_err(|source| FaultsError::File { path: path.clone(), source })
            }
        }
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

impl fmt::Display for FaultSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Scenario(name, _) => write!(f, "{PREFIX}{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_has_a_name_and_a_file_a_path() {
        assert_eq!(FaultSource::parse("scenario:busy").unwrap().to_string(), "scenario:busy");
        assert_eq!(FaultSource::parse("a/b.toml"), Ok(FaultSource::File("a/b.toml".into())));
        insta::assert_snapshot!(FaultSource::parse("scenario:buzy").unwrap_err(), @"there is no scenario `buzy`; did you mean `busy`?");
        insta::assert_snapshot!(FaultSource::parse("scenario:").unwrap_err(), @"the scenarios are bad-webhooks, busy, failing-runs, flaky, hosted, lost-answers, slow, stuck-runs");
    }
}
