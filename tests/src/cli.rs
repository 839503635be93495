//! The real command line in a process of its own.

use std::ffi::OsStr;
use std::process::Command;

use crate::child::{Background, Finished};
use crate::server::Programs;
use crate::wait::PATIENCE;

/// The command `comfyicu` with an environment of its own.
#[derive(Debug)]
pub struct Cli {
    program: &'static str,
    variables: Vec<(String, String)>,
}

impl Cli {
    /// The command, with an empty environment.
    pub const fn new(programs: Programs) -> Self {
        Self { program: programs.cli, variables: Vec::new() }
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Finished {
        self.start(args).finish(PATIENCE)
    }

    /// Starts it.
    #[track_caller]
    pub fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Background {
        let mut command = Command::new(self.program);
        command.args(args).env_clear();
        // No settings of whoever runs the tests.
        command.env("COMFYICU_CONFIG", "/nonexistent/comfyicu/config.toml");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Background::start(&mut command)
    }
}
