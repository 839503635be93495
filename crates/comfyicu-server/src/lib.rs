//! The command `comfyicu-server`: the ComfyICU API on a machine of your own.
//!
//! It takes in runs, keeps them on disk before it answers, executes them with an executor of
//! `comfyicu-engine`, and tells webhooks of their start and their end. Everything about it is behind
//! [`main`]; its interface is the command line and the API.
//!
//! Where to look: `api` has a file for each endpoint, `run` the record of a run and the rules by which it
//! changes, `store` what is kept, `queue` who is next, `worker` how runs are executed, `files` and `guard` how
//! inputs get here, `outputs` where results lie, `retention` what goes in time, `live` how changes are watched, `webhook` how they are told.
//!
//! ```no_run
//! // What the binary does; it reads the process's arguments.
//! let exit_code = comfyicu_server::main();
//! ```

mod accelerators;
mod api;
mod app;
mod args;
mod backup;
mod bus;
mod clock;
mod command;
mod config;
mod connections;
mod data_dir;
mod executors;
mod faults;
mod files;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gc;
mod guard;
mod hash;
mod keys;
mod limits;
mod live;
mod metrics;
mod outputs;
mod owner;
mod queue;
mod random;
mod reload;
mod report;
mod request_id;
mod retention;
mod run;
mod serve;
mod shutdown;
mod store;
mod urls;
mod usage;
mod vault;
mod webhook;
mod worker;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command, Gc, LogFormat, Serve};
use crate::command::CommandError;
use crate::report::with_causes;

/// Exit code of a server that could not go on.
const FAILED: u8 = 1;
/// Exit code of a server that was asked for what cannot be: flags that do not go together, or a data
/// directory that another one has.
const USAGE: u8 = 2;

/// Runs the command, with the arguments of the process.
pub fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
    let variable = |name: &str| std::env::var_os(name);
    let resolved = match config::resolve(std::env::args_os().collect(), variable) {
        Ok(resolved) => resolved,
        Err(problems) => {
            for problem in &problems {
                fail(USAGE, problem);
            }
            return ExitCode::from(USAGE);
        }
    };
    match Cli::parse_from(&resolved.arguments).command {
        Command::Backup(args) => run_command(command::backup::backup(args)),
        Command::Restore(args) => run_command(command::backup::restore(args)),
        Command::Config(command) => run_command(async { command::config::run(command, &resolved) }),
        Command::Serve(args) => serve(*args),
        Command::Gc(args) => gc(&args),
        Command::Keys(command) => run_command(command::keys::run(command)),
        Command::Logs(args) => run_command(command::logs::run(args)),
        Command::Cache(command) => match command.run(&mut std::io::stdout().lock()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(FAILED, &error),
        },
        Command::Usage(args) => run_command(command::usage::run(args)),
    }
}

/// Runs a command that does one thing and ends.
fn run_command(command: impl Future<Output = Result<(), CommandError>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error),
    };
    match runtime.block_on(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_usage() => fail(USAGE, &error),
        Err(error) => fail(FAILED, &error),
    }
}

fn gc(args: &Gc) -> ExitCode {
    log("warn", LogFormat::Text);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error),
    };
    match runtime.block_on(gc::gc(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_usage() => fail(USAGE, &error),
        Err(error) => fail(FAILED, &error),
    }
}

/// Writes the log to stderr, as `RUST_LOG` says.
fn log(otherwise: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(otherwise));
    let ansi = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).with_ansi(false).init(),
    }
}

fn serve(args: Serve) -> ExitCode {
    log("info", args.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error),
    };
    let served = runtime.block_on(serve::serve(args));
    // A node that is still being computed must not keep the process; its run is taken up again.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_usage() => fail(USAGE, &error),
        Err(error) => fail(FAILED, &error),
    }
}

#[expect(clippy::print_stderr, reason = "the one place where the program says why it ends")]
fn fail(code: u8, error: &(dyn std::error::Error + 'static)) -> ExitCode {
    eprintln!("error: {}", with_causes(error));
    ExitCode::from(code)
}
