//! The command `comfyicu`, as a library so that another binary can be it too: run ComfyUI prompts from the
//! shell, on ComfyICU or on a server of your own.
//!
//! Thin: a command parses its arguments, calls the client, and prints. Whatever is cleverer is in
//! `comfyicu-client` or `comfyicu-model`, where programs have it too.
//!
//! ```no_run
//! // All of a binary that is the command.
//! fn main() -> std::process::ExitCode {
//!     comfyicu_cli::main()
//! }
//! ```

mod args;
mod command;
mod complete;
mod connect;
mod exit;
mod failure;
mod help;
mod input;
mod jq;
mod printer;
mod progress;
mod render;
mod replace;
mod runtime;
mod settings;
mod shell_word;
mod signal;
mod stage;
mod verbose;

pub use exit::ExitStatus;

use std::process::ExitCode;

use args::Arguments;
use command::Context;
use failure::Failure;
use printer::Printer;
use settings::{Environment, Settings};
use stage::Stage;

/// Runs the command with the arguments and the environment of the process.
pub fn main() -> ExitCode {
    if let Some(shell) = Environment::completing_shell() {
        return completed(&shell);
    }
    let line: Vec<_> = std::env::args_os().collect();
    match Arguments::read(&line) {
        Ok(arguments) => execute(arguments),
        Err(error) => {
            // Help and version are such errors too; that nobody reads them is none.
            error.print().unwrap_or_default();
            u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
    }
}

/// Answers a shell that completes a line. Its user sees nothing of what goes wrong.
fn completed(shell: &str) -> ExitCode {
    match complete::answer(shell, std::env::args_os()) {
        Ok(()) => ExitStatus::DONE.into(),
        Err(error) => Failure::unexpected("nothing can be completed").because(&error).end(),
    }
}

fn execute(arguments: Arguments) -> ExitCode {
    let Arguments { global, command } = arguments;
    let settings = Settings::new(&global, Environment::of_process());
    let printer = match Printer::new(&global) {
        Ok(printer) => printer,
        Err(failure) => return failure.end(),
    };
    verbose::begin(global.verbose);
    let interrupt = signal::second_quits();
    let stage = Stage::new(settings.flags());
    let context = Context { settings, printer, stage, timeout: global.timeout, waits: command.waits() };
    let interrupted = async { context.stage.interrupted(interrupt.received().await) };
    let outcome = runtime::drive(command::execute(&context, command), interrupted);
    context.printer.progress().clear();
    outcome.map_or_else(|failure| failure.end(), |()| ExitStatus::DONE.into())
}
