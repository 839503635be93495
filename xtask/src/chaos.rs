//! `cargo xtask chaos`: a server that is killed again and again, and everything it promised checked in the end.

use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::process::{self, Interrupt};

/// How long it takes unless something else is said; the checks come on top.
const SECONDS: u64 = 240;

/// Runs the crash test of the crate `tests` in its long form.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let options = Options::parse(args)?;
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let programs = workspace.build_test_programs(&["e2e-chaos", "e2e-comfyicu-server"], false, &interrupt)?;
    let [chaos, server] = programs.as_slice() else { return Err(Failure::new("cargo built no programs")) };
    let numbers = [options.seconds, options.seed].map(|number| number.to_string());
    process::run(Command::new(chaos).arg(server).args(numbers), &interrupt)
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    seconds: u64,
    seed: u64,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, Failure> {
        let mut options = Self { seconds: SECONDS, seed: u64::from(std::process::id()) };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            let value = args.next().and_then(|text| text.parse().ok());
            let value = value.ok_or_else(|| Failure::usage(format!("`{flag}` needs a number")))?;
            match flag.as_str() {
                "--seconds" => options.seconds = value,
                "--seed" => options.seed = value,
                other => {
                    return Err(Failure::usage(format!("no flag `{other}`; there are --seconds and --seed")));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options, String> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        Options::parse(&args).map_err(|failure| failure.to_string())
    }

    #[test]
    fn time_and_seed_can_be_chosen() {
        assert_eq!(parse(&["--seed", "7", "--seconds", "30"]), Ok(Options { seconds: 30, seed: 7 }));
        assert_eq!(parse(&[]).map(|options| options.seconds), Ok(SECONDS));
        assert!(parse(&["--seconds"]).is_err() && parse(&["--speed", "1"]).is_err());
    }
}
