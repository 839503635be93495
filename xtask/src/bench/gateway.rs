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
    let (mut url, mut folder, mut runs) = (String::new(), String::new(), RUNS.to_owned());
    let targets = &mut [("--url", &mut url), ("--folder", &mut folder), ("--runs", &mut runs)];
    options::read("bench gateway", args, targets)?;
    if url.is_empty() && !folder.is_empty() {
        return Err(Failure::new("--folder is that of the ComfyUI at --url"));
    }
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let names = ["e2e-bench-gateway", "e2e-comfyicu-server"];
    let programs = workspace.build_test_programs(&names, true, &interrupt)?;
    let [bench, server] = programs.as_slice() else { return Err(Failure::new("cargo built no programs")) };
    let comfyui = [url, folder].into_iter().filter(|argument| !argument.is_empty());
    process::run(Command::new(bench).arg(server).arg(runs).args(comfyui), &interrupt)
}
