//! `cargo xtask soak`: everything asked of a server for half an hour, and what of it grows.

use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::options;
use crate::process::{self, Interrupt};

/// How long it takes unless something else is said.
const MINUTES: &str = "30";

/// Runs the soak of the crate `tests`, with a release build of the server.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let mut minutes = MINUTES.to_owned();
    options::read("soak", args, &mut [("--minutes", &mut minutes)])?;
    if !minutes.parse().is_ok_and(|minutes: u32| minutes > 0) {
        return Err(Failure::usage(format!("`{minutes}` is no number of minutes")));
    }
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let programs = workspace.build_test_programs(&["e2e-soak", "e2e-comfyicu-server"], true, &interrupt)?;
    let [soak, server] = programs.as_slice() else { return Err(Failure::new("cargo built no programs")) };
    process::run(Command::new(soak).arg(server).arg(minutes), &interrupt)
}
