//! `cargo xtask test`: all tests, with the best runner that is installed.

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::process::{self, Interrupt};

/// Runs the tests; `args` go to the runner.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let with_nextest = workspace.has_subcommand("nextest");
    if args.is_empty() {
        // A test runs quickstart, which builds them: here, where nothing else waits for the processor.
        workspace.build_programs(&interrupt)?;
    }
    // Nextest does not run doctests. They come first, so that the end is the summary of all the others.
    let doctests = if args.is_empty() {
        process::run(workspace.cargo().args(["test", "--workspace", "--doc"]), &interrupt)
    } else {
        Ok(())
    };
    interrupt.check()?;
    process::run(workspace.cargo().args(runner(with_nextest, args)), &interrupt)?;
    doctests
}

/// What cargo is asked to do.
fn runner(with_nextest: bool, args: &[String]) -> Vec<String> {
    let verb: &[&str] = if with_nextest { &["nextest", "run"] } else { &["test"] };
    let mut command: Vec<String> = verb.iter().map(|&word| word.to_owned()).collect();
    let chooses = |arg: &String| arg.starts_with("-p") || arg.starts_with("--package");
    if !args.iter().any(chooses) {
        command.push("--workspace".to_owned());
    }
    if !with_nextest && args.is_empty() {
        command.extend(["--lib", "--bins", "--tests"].map(str::to_owned));
    }
    command.extend_from_slice(args);
    command
}

#[cfg(test)]
mod tests {
    use super::runner;

    fn line(with_nextest: bool, args: &[&str]) -> String {
        runner(with_nextest, &args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn everything_runs_unless_something_is_chosen() {
        assert_eq!(line(true, &[]), "nextest run --workspace");
        assert_eq!(line(false, &[]), "test --workspace --lib --bins --tests");
        assert_eq!(line(true, &["-p", "comfyicu-model"]), "nextest run -p comfyicu-model");
        assert_eq!(line(false, &["--package=xtask"]), "test --package=xtask");
        assert_eq!(line(true, &["crash"]), "nextest run --workspace crash");
    }
}
