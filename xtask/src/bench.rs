//! `cargo xtask bench`: what the programs do in a second, each beside a baseline of the same run.

mod cli;
mod client;
mod files;
mod gateway;
mod native;

use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::process::{self, Interrupt};

const BENCHMARKS: &str = "There are `server`, `native`, `client`, `cli`, `files` and `gateway`";

/// How many runs are stored unless something else is said.
const STORED: &str = "1000000";
/// How many read events at once.
const READERS: &str = "1000";

/// Measures what is named first.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    match args.split_first() {
        Some((what, rest)) if what == "server" => server(rest),
        Some((what, rest)) if what == "native" => native::run(rest),
        Some((what, rest)) if what == "client" => client::run(rest),
        Some((what, rest)) if what == "cli" => cli::run(rest),
        Some((what, rest)) if what == "files" => files::run(rest),
        Some((what, rest)) if what == "gateway" => gateway::run(rest),
        Some((other, _)) => Err(Failure::usage(format!("no benchmark `{other}`; {BENCHMARKS}"))),
        None => Err(Failure::usage(format!("which benchmark? {BENCHMARKS}"))),
    }
}

/// Measures the server, built for release, on loopback and with its store on disk.
fn server(args: &[String]) -> Result<(), Failure> {
    let stored = match args {
        [] => STORED,
        [flag, number] if flag == "--stored" => number,
        _ => return Err(Failure::usage("the only flag is --stored N: how many runs the full store has")),
    };
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let names = ["e2e-bench-server", "e2e-comfyicu-server"];
    let programs = workspace.build_test_programs(&names, true, &interrupt)?;
    let [bench, server] = programs.as_slice() else { return Err(Failure::new("cargo built no programs")) };
    process::run(Command::new(bench).arg(server).args([stored, READERS]), &interrupt)
}
