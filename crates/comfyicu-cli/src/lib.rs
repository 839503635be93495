//! The command `comfyicu`: run ComfyUI prompts on ComfyICU, or on a server of your own, from the shell.
//!
//! It is a thin consumer of `comfyicu-client`: a command reads its arguments, calls the client and prints.
//! What it does for a script is a contract: stdout, `--json` and the exit codes, see [`ExitStatus`].
//!
//! ```no_run
//! // What the binary does; it reads the process's arguments.
//! let exit_code = comfyicu_cli::main();
//! ```

mod args;
mod command;
mod exit;
mod failure;
mod help;
mod printer;
mod progress;
mod render;
mod session;

pub use exit::ExitStatus;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Arguments;
use crate::failure::Failure;

/// Runs the command, with the arguments and the environment of the process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Where even the help cannot be written, nothing can be said.
            let _unwritten = error.print();
            return if error.use_stderr() { ExitStatus::USAGE } else { ExitStatus::DONE }.into();
        }
    };
    let status = run(arguments).err().map_or(ExitStatus::DONE, |failure| {
        failure.report();
        failure.status()
    });
    status.into()
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::unexpected("the program cannot start", &error))?;
    let result = runtime.block_on(command::run(arguments));
    // A read of stdin or a look-up of a name that is still going on must not keep the program.
    runtime.shutdown_background();
    result
}
