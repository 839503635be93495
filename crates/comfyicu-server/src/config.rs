//! Settings: each flag of `serve` can also stand in a file and in the environment.
//!
//! A flag is declared once, in `args`. What is here reads the declarations: it finds what the file and the environment
//! say of the flags that were not given, and puts that before the arguments as flags. So every setting is read,
//! checked and explained by the same code, wherever it comes from.

mod file;
mod page;
mod resolve;
#[cfg(test)]
mod tests;

pub(crate) use page::default_file;
pub(crate) use resolve::{Resolved, resolve};

use clap::{Arg, ArgAction, Args as _, Command};

use crate::args::Serve;

/// How the names of variables begin.
const PREFIX: &str = "COMFYICU_SERVER_";
/// The setting that says where the file is, and cannot stand in it.
const CONFIG: &str = "config";

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// A value.
    One,
    /// Several values.
    Many,
}

/// A setting: the name of a flag, without its dashes.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// What a value is called.
    value_name: String,
    /// What it is when nothing is said.
    default: String,
    help: String,
}

impl Setting {
    fn of(arg: &Arg) -> Option<Self> {
        let name = arg.get_long().filter(|name| *name != "help")?.to_owned();
        let kind = match arg.get_action() {
            ArgAction::SetTrue => Kind::Switch,
            ArgAction::Append => Kind::Many,
            _ => Kind::One,
        };
        let help =
            arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let (help, said) = split_default(&help);
        let given: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let default = match kind {
            Kind::Switch => "false".to_owned(),
            _ if given.is_empty() => said,
            _ => given.join(" "),
        };
        let value_name =
            arg.get_value_names().and_then(<[_]>::first).map(ToString::to_string).unwrap_or_default();
        Some(Self { name, kind, value_name, default, help })
    }

    /// The variable that says it.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_uppercase().replace('-', "_"))
    }

    /// Whether it can stand in the file.
    fn is_in_file(&self) -> bool {
        self.name != CONFIG
    }
}

/// All settings, in the order of the help.
pub(crate) fn settings() -> Vec<Setting> {
    let command = Serve::augment_args(Command::new("serve"));
    command.get_arguments().filter_map(Setting::of).collect()
}

/// Takes what a help text says of the default out of it.
fn split_default(help: &str) -> (String, String) {
    let one_line = help.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.strip_suffix(']').and_then(|text| text.rsplit_once(" [default: ")) {
        Some((help, default)) => (help.to_owned(), default.to_owned()),
        None => (one_line, String::new()),
    }
}
