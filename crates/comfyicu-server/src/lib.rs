//! The command `comfyicu-server`: the ComfyICU API on a machine of your own.
//!
//! It takes in runs, keeps them on disk before it answers, executes them with an executor of
//! `comfyicu-engine`, and tells webhooks of their start and their end. Everything about it is behind
//! [`main`]; its interface is the command line and the API.
//!
//! Where to look: `args` and `config` say what can be asked for, `serve` puts the parts together, `command` has what
//! is done beside a server, such as `backup`. `api` has a file for each endpoint, `run` the record of a run and the
//! rules by which it changes, `store` what is kept, `queue` who is next, `worker` how runs are executed, `files` and
//! `guard` how inputs get here, `outputs` where results lie, `retention` what goes in time, `live` how changes are
//! watched, `webhook` how they are told, `keys` and `usage` whose it all is, `metrics` how it goes, `faults` what goes
//! wrong on purpose.
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
mod descriptors;
mod executors;
mod faults;
mod files;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod hash;
mod keys;
mod limits;
mod live;
mod metrics;
mod outputs;
mod owner;
mod positions;
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

use std::error::Error;
use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command, LogFormat, Serve};
use crate::command::CommandError;
use crate::report::with_causes;
use crate::serve::ServeError;

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
        Command::Backup(args) => exit_code(command::backup::backup(&args), CommandError::is_usage),
        Command::Restore(args) => run_command(command::backup::restore(args)),
        Command::Config(command) => run_command(async { command::config::run(command, &resolved) }),
        Command::Serve(args) => serve(*args),
        Command::Gc(args) => {
            log("warn", LogFormat::Text);
            run_command(command::gc::run(args))
        }
        Command::Keys(command) => run_command(command::keys::run(command)),
        Command::Logs(args) => run_command(command::logs::run(args)),
        Command::Cache(command) => exit_code(command.run(&mut std::io::stdout().lock()), |_| false),
        Command::Usage(args) => run_command(command::usage::run(args)),
    }
}

/// Runs a command that does one thing and ends.
fn run_command(command: impl Future<Output = Result<(), CommandError>>) -> ExitCode {
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => exit_code(runtime.block_on(command), CommandError::is_usage),
        Err(error) => fail(FAILED, &error),
    }
}

fn exit_code<E: Error + 'static>(ended: Result<(), E>, is_usage: impl FnOnce(&E) -> bool) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(if is_usage(&error) { USAGE } else { FAILED }, &error),
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
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &error),
    };
    let served = runtime.block_on(serve::serve(args));
    // A node that is still being computed must not keep the process; its run is taken up again.
    runtime.shutdown_background();
    exit_code(served, ServeError::is_usage)
}

/// The threads that answer requests and follow runs: half as many as there are processors. There is little to do and
/// much to wait for, and a thread that is woken only to find that another one did it costs more than it helps. What takes
/// long is done by others: nodes, files and the store have threads of their own.
#[expect(clippy::disallowed_methods, reason = "whoever gave tokio a number of threads gets it")]
fn runtime() -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        builder.worker_threads((processors / 2).max(1));
    }
    builder.enable_all().build()
}

#[expect(clippy::print_stderr, reason = "the one place where the program says why it ends")]
fn fail(code: u8, error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("error: {}", with_causes(error));
    ExitCode::from(code)
}
