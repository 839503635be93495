//! Reading a command line, without defining the commands that are not on it.
//!
//! To define all commands, with their help, takes longer than most of what is done to a file. So a line is first
//! read with those alone whose names stand on it. Where that gives no command, all of them are defined, and the line
//! is read again: help, and what is wrong with a line, always come from the whole.

use std::convert::identity;
use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args as _, FromArgMatches as _, Parser as _, Subcommand as _};

use super::{
    Api, Arguments, Auth, Batch, Completions, Config, Global, Prompt, Run, Runs, Webhooks, Workflows,
};

/// Adds to a command what it takes.
type Define = fn(clap::Command) -> clap::Command;

/// What each command takes. One that is missing here is read with the whole.
const COMMANDS: [(&str, Define); 11] = [
    ("run", Run::augment_args),
    ("batch", Batch::augment_args),
    ("runs", Runs::augment_subcommands),
    ("workflows", Workflows::augment_subcommands),
    ("prompt", Prompt::augment_subcommands),
    ("webhooks", Webhooks::augment_subcommands),
    ("auth", Auth::augment_subcommands),
    ("config", Config::augment_subcommands),
    ("doctor", identity),
    ("api", Api::augment_args),
    ("completions", Completions::augment_args),
];

impl Arguments {
    /// Reads a command line, which begins with the program's name.
    pub(crate) fn read(line: &[OsString]) -> Result<Self, clap::Error> {
        let matches = named_on(line).try_get_matches_from(line);
        match matches.and_then(|matches| Self::from_arg_matches(&matches)) {
            Ok(arguments) => Ok(arguments),
            Err(error) if error.kind() == ErrorKind::DisplayVersion => Err(error),
            Err(_) => Self::try_parse_from(line),
        }
    }
}

/// The program with those of its commands alone whose names stand on a line.
fn named_on(line: &[OsString]) -> clap::Command {
    let is_named = |name: &str| line.iter().any(|word| word == name);
    let commands = COMMANDS.iter().filter(|(name, _)| is_named(name)).map(|(name, define)| {
        let mut command = define(clap::Command::new(*name));
        if !command.has_subcommands() {
            return command;
        }
        let below = command.get_subcommands_mut().filter(|below| is_named(below.get_name()));
        clap::Command::new(*name).subcommands(below.map(std::mem::take))
    });
    let program = clap::Command::new("comfyicu").version(env!("CARGO_PKG_VERSION")).propagate_version(true);
    Global::augment_args(program).subcommands(commands)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn line(text: &str) -> Vec<OsString> {
        std::iter::once("comfyicu").chain(text.split_whitespace()).map(OsString::from).collect()
    }

    /// What is made of a line with the named commands, and with all.
    fn both(text: &str) -> (String, String) {
        let shown = |read: Result<Arguments, clap::Error>| match read {
            Ok(arguments) => format!("{:?} {:?}", arguments, arguments.global.timeout),
            Err(error) => format!("{:?} {} {error}", error.kind(), error.exit_code()),
        };
        (shown(Arguments::read(&line(text))), shown(Arguments::try_parse_from(line(text))))
    }

    #[test]
    fn every_command_is_here() {
        let whole = Arguments::command();
        let names: Vec<_> = whole.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(COMMANDS.map(|(name, _)| name).as_slice(), names);
    }

    #[test]
    fn a_command_alone_takes_what_it_takes_among_all() {
        let ids = |command: &clap::Command| {
            command.get_arguments().map(|argument| argument.get_id().to_string()).collect::<Vec<_>>()
        };
        let mut whole = Arguments::command();
        whole.build();
        for command in whole.get_subcommands().filter(|command| command.get_name() != "help") {
            for below in command.get_subcommands().map(clap::Command::get_name).chain([""]) {
                let mut alone = named_on(&line(&format!("{} {below}", command.get_name())));
                alone.build();
                let mut ours = alone.find_subcommand(command.get_name()).unwrap();
                let mut theirs = command;
                if !matches!(below, "" | "help") {
                    (ours, theirs) =
                        (ours.find_subcommand(below).unwrap(), theirs.find_subcommand(below).unwrap());
                }
                assert_eq!(ids(ours), ids(theirs), "{} {below}", command.get_name());
            }
        }
    }

    #[test]
    fn a_line_is_read_as_with_all_commands() {
        for text in [
            "prompt check a.json --object-info b.json --json",
            "--profile prompt prompt set -i a.json 3.seed=1",
            "run check -o runs --timeout 3s -vv",
            "runs list --profile run --limit 3",
            "doctor -q",
            "completions bash",
            "config list",
        ] {
            let (named, all) = both(text);
            assert!(!named.contains("error: "), "{named}");
            assert_eq!(named, all, "{text}");
        }
    }

    #[test]
    fn help_and_errors_come_from_the_whole() {
        for text in [
            "",
            "--help",
            "-h",
            "help prompt check",
            "prompt",
            "prompt check",
            "prompt --help",
            "prompt chek a.json",
            "promt check a.json",
            "run --help",
            "run a.json --sed 3",
            "doctor doctor",
            "--quiet --verbose doctor",
            "--color red doctor",
            "--version",
            "-V",
            "prompt --version",
            "prompt check -V",
            "run --version",
            "check --version",
        ] {
            let (named, all) = both(text);
            assert_eq!(named, all, "{text}");
        }
    }
}
