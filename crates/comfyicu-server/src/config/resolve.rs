//! Where each setting comes from: the arguments, the environment, the file, in this order.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory as _};

use super::{CONFIG, Kind, Setting, file, settings};
use crate::args::Cli;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ConfigError {
    /// The file is not there, or not for this user.
    #[error("the settings cannot be read from {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} has more than {limit} bytes, and is no file of settings", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        limit: u64,
    },
    /// The file is no TOML.
    #[error("{origin}: {message}")]
    Syntax {
        /// The place.
        origin: Origin,
        /// What is wrong there.
        message: String,
    },
    /// The file has a key that is no setting.
    #[error("{origin}: there is no setting `{name}`{}", did_you_mean(nearest.as_deref()))]
    Unknown {
        /// The place.
        origin: Origin,
        /// The key.
        name: String,
        /// The setting that is most like it.
        nearest: Option<String>,
    },
    /// A setting has a value of another kind.
    #[error("{origin}: `{name}` is {expected}")]
    Kind {
        /// The place.
        origin: Origin,
        /// The setting.
        name: String,
        /// What it takes.
        expected: Kind,
    },
    /// A setting has a value that it cannot have.
    #[error("{origin}: `{name}` cannot be `{value}`: {reason}")]
    Value {
        /// The place.
        origin: Origin,
        /// The setting.
        name: String,
        /// The value.
        value: String,
        /// Why not.
        reason: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Switch => "true or false",
            Self::One => "one text or number",
            Self::Many => "a list of texts",
        })
    }
}

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Arguments,
    Variable(String),
    File { path: PathBuf, line: usize },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments => f.write_str("arguments"),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The arguments with all that was said elsewhere, and where each setting comes from.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) arguments: Vec<OsString>,
    pub(crate) origins: Vec<(String, Origin)>,
}

/// Adds to the arguments what the environment and the file say of the settings that they leave out.
pub(crate) fn resolve(
    arguments: Vec<OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Resolved, Vec<ConfigError>> {
    let root = Cli::command();
    // What is wrong with the arguments is said when they are parsed for good.
    let Ok(matches) = root.clone().ignore_errors(true).try_get_matches_from(&arguments) else {
        return Ok(Resolved { arguments, origins: Vec::new() });
    };
    let mut leaf = Leaf { path: Vec::new(), command: &root, matches: &matches };
    leaf.descend();
    let variable = |setting: &Setting| {
        let name = setting.variable();
        let value = variable(&name).filter(|value| !value.is_empty())?;
        Some((value.to_string_lossy().into_owned(), Origin::Variable(name)))
    };
    let all = settings();
    let from_file = match leaf.file(&all, variable) {
        Some(path) => file::read(&path, &all)?,
        None => Vec::new(),
    };
    let (mut added, mut origins, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for setting in all.iter().filter(|setting| leaf.takes(&setting.name)) {
        let found = if leaf.is_given(&setting.name) {
            None
        } else {
            let of_file = from_file.iter().find(|entry| entry.name == setting.name);
            let of_file = of_file.map(|entry| (entry.values.clone(), entry.origin.clone()));
            let of_variable = variable(setting).map(|(text, origin)| (split(setting.kind, &text), origin));
            of_variable.or(of_file)
        };
        let origin = match &found {
            Some((_, origin)) => origin.clone(),
            None if leaf.is_given(&setting.name) => Origin::Arguments,
            None => Origin::Default,
        };
        for value in found.map(|(values, _)| values).unwrap_or_default() {
            match leaf.flag(setting, &value, &origin) {
                Ok(flag) => added.extend(flag),
                Err(problem) => problems.push(problem),
            }
        }
        origins.push((setting.name.clone(), origin));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut arguments = arguments;
    let at = (1 + leaf.path.len()).min(arguments.len());
    arguments.splice(at..at, added.into_iter().map(OsString::from));
    Ok(Resolved { arguments, origins })
}

/// The values in a variable: those of a list have white space between them.
fn split(kind: Kind, text: &str) -> Vec<String> {
    match kind {
        Kind::Many => text.split_whitespace().map(str::to_owned).collect(),
        Kind::One | Kind::Switch => vec![text.to_owned()],
    }
}

/// The command that was called, at the end of its path.
struct Leaf<'a> {
    path: Vec<&'a str>,
    command: &'a Command,
    matches: &'a ArgMatches,
}

impl<'a> Leaf<'a> {
    fn descend(&mut self) {
        while let Some((name, matches)) = self.matches.subcommand()
            && let Some(command) = self.command.find_subcommand(name)
        {
            self.path.push(command.get_name());
            (self.command, self.matches) = (command, matches);
        }
    }

    fn id(&self, name: &str) -> Option<&'a str> {
        let arg = self.command.get_arguments().find(|arg| arg.get_long() == Some(name))?;
        Some(arg.get_id().as_str())
    }

    fn takes(&self, name: &str) -> bool {
        self.id(name).is_some()
    }

    fn is_given(&self, name: &str) -> bool {
        let source = self.id(name).and_then(|id| self.matches.value_source(id));
        source == Some(ValueSource::CommandLine)
    }

    /// Where the file is, if there is one.
    fn file(
        &self,
        all: &[Setting],
        variable: impl Fn(&Setting) -> Option<(String, Origin)>,
    ) -> Option<PathBuf> {
        let id = self.id(CONFIG)?;
        let given = self.matches.get_raw(id).and_then(|mut values| values.next()).map(Path::new);
        let named = || all.iter().find(|setting| setting.name == CONFIG).and_then(variable);
        given.map(Path::to_owned).or_else(|| named().map(|(path, _)| PathBuf::from(path)))
    }

    /// A value as a flag, when the setting can have it; a switch that is off is no flag.
    fn flag(&self, setting: &Setting, value: &str, origin: &Origin) -> Result<Option<String>, ConfigError> {
        let name = &setting.name;
        if setting.kind == Kind::Switch {
            return match value {
                "true" | "1" | "yes" => Ok(Some(format!("--{name}"))),
                "false" | "0" | "no" => Ok(None),
                _ => Err(refused(setting, value, origin, "it is true or false".to_owned())),
            };
        }
        let flag = format!("--{name}={value}");
        let alone = self.path.iter().map(OsStr::new).chain([OsStr::new(&flag)]);
        let parsed = Cli::command().no_binary_name(true).try_get_matches_from(alone);
        match parsed.err().filter(|error| is_about_the_value(error.kind())) {
            Some(error) => Err(refused(setting, value, origin, reason(&error))),
            None => Ok(Some(flag)),
        }
    }
}

fn refused(setting: &Setting, value: &str, origin: &Origin, reason: String) -> ConfigError {
    ConfigError::Value { origin: origin.clone(), name: setting.name.clone(), value: value.to_owned(), reason }
}

const fn is_about_the_value(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ValueValidation | ErrorKind::InvalidValue)
}

fn reason(error: &clap::Error) -> String {
    let possible = || match error.get(ContextKind::ValidValue) {
        Some(values) => format!("it is one of {values}"),
        None => "it needs a value".to_owned(),
    };
    error.source().map_or_else(possible, ToString::to_string)
}
