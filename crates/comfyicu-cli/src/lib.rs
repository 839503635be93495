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
mod connect;
mod exit;
mod failure;
mod help;
mod input;
mod printer;
mod progress;
mod render;
mod replace;
mod stage;

pub use exit::ExitStatus;

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _};

use args::Arguments;
use command::Context;
use failure::Failure;
use printer::Printer;
use stage::Stage;

/// Runs the command with the arguments and the environment of the process.
pub fn main() -> ExitCode {
    let parsed = Arguments::command().try_get_matches().and_then(|matches| {
        let is_flag = matches.value_source("base_url") == Some(ValueSource::CommandLine);
        Arguments::from_arg_matches(&matches).map(|arguments| (arguments, is_flag))
    });
    match parsed {
        Ok((arguments, is_flag)) => execute(arguments, is_flag),
        Err(error) => {
            // Help and version are such errors too; that nobody reads them is none.
            error.print().unwrap_or_default();
            u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
    }
}

fn execute(arguments: Arguments, base_url_is_flag: bool) -> ExitCode {
    let Arguments { global, command } = arguments;
    let stage = Stage::new(global.base_url.clone().filter(|_| base_url_is_flag));
    let context = Context { printer: Printer::new(global.json), global, stage };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(&context, Err(Failure::unexpected("no runtime").because(&error))),
    };
    let outcome = runtime.block_on(command::execute(&context, command));
    // A read from a pipe or a name that is being resolved is not waited for.
    runtime.shutdown_background();
    end(&context, outcome)
}

fn end(context: &Context, outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => {
            context.printer.progress().clear();
            ExitStatus::DONE.into()
        }
        Err(failure) => {
            context.printer.fail(&failure);
            failure.status().into()
        }
    }
}
