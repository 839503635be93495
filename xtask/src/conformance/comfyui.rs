//! `cargo xtask conformance comfyui`: whether the server in front of a real ComfyUI does what it promises.

use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::process::{self, Interrupt};

/// Runs the checks of the crate `tests` against a ComfyUI that listens somewhere.
pub(super) fn run(args: &[String]) -> Result<(), Failure> {
    let [flag, url] = args else { return Err(usage()) };
    if flag != "--url" {
        return Err(usage());
    }
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let names = ["e2e-conformance", "e2e-comfyicu-server"];
    let programs = workspace.build_test_programs(&names, false, &interrupt)?;
    let [check, server] = programs.as_slice() else { return Err(Failure::new("cargo built no programs")) };
    process::run(Command::new(check).arg(server).arg(url), &interrupt)
}

fn usage() -> Failure {
    Failure::usage(
        "it is `conformance comfyui --url URL`: where a real ComfyUI listens, such as http://127.0.0.1:8188",
    )
}
