//! `cargo xtask bench gateway`: what the server adds to the ComfyUI behind it.

use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::options;
use crate::process::{self, Interrupt};

/// How many runs each way has, one after the other and again at once.
const RUNS: &str = "200";

/// Measures a release build of the server in front of a ComfyUI, beside that ComfyUI alone.
pub(super) fn run(args: &[String]) -> Result<(), Failure> {
    let (mut url, mut runs) = (String::new(), RUNS.to_owned());
    options::read("bench gateway", args, &mut [("--url", &mut url), ("--runs", &mut runs)])?;
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let names = ["e2e-bench-gateway", "e2e-comfyicu-server"];
    let programs = workspace.build_test_programs(&names, true, &interrupt)?;
    let [bench, server] = programs.as_slice() else { return Err(Failure::new("cargo built no programs")) };
    let url = (!url.is_empty()).then_some(url);
    process::run(Command::new(bench).arg(server).arg(runs).args(url), &interrupt)
}
