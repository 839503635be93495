//! `cargo xtask hostile`: a server under attack, and how others are served.

use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::options;
use crate::process::{self, Interrupt};

/// How often others ask during each attack.
const REQUESTS: &str = "600";

/// Runs the attacks of the crate `tests` in full, on a release build of the server.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let mut requests = REQUESTS.to_owned();
    options::read("hostile", args, &mut [("--requests", &mut requests)])?;
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let programs =
        workspace.build_test_programs(&["e2e-hostile", "e2e-comfyicu-server"], true, &interrupt)?;
    let [hostile, server] = programs.as_slice() else { return Err(Failure::new("cargo built no programs")) };
    process::run(Command::new(hostile).arg(server).arg(requests), &interrupt)
}
