//! `cargo xtask conformance comfyui`: whether the server in front of a real ComfyUI does what it promises.

use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::process::{self, Interrupt};

/// What can be said, each with a value behind it; `--comfyui-arg` more than once.
const OPTIONS: [&str; 7] =
    ["--url", "--comfyui-dir", "--python", "--comfyui-arg", "--checkpoint", "--lora", "--only"];

/// Runs the checks of the crate `tests` against a ComfyUI that listens somewhere, or that they start.
pub(super) fn run(args: &[String]) -> Result<(), Failure> {
    let is_known = |pair: &[String]| matches!(pair, [name, _] if OPTIONS.contains(&name.as_str()));
    let has = |option: &str| args.chunks(2).any(|pair| pair.first().is_some_and(|name| name == option));
    if !args.chunks(2).all(is_known) || !(has("--url") || has("--comfyui-dir")) {
        return Err(usage());
    }
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let names = ["e2e-conformance", "e2e-comfyicu-server"];
    let programs = workspace.build_test_programs(&names, false, &interrupt)?;
    let [check, server] = programs.as_slice() else { return Err(Failure::new("cargo built no programs")) };
    process::run(Command::new(check).arg(server).args(args), &interrupt)
}

fn usage() -> Failure {
    Failure::usage(
        "it is `conformance comfyui --url URL`, where a real ComfyUI listens, such as http://127.0.0.1:8188; or --comfyui-dir DIR, with --python PATH and --comfyui-arg ARG, to start some; with --checkpoint FILE and --lora FILE a sampler runs, too, and --only TEXT chooses checks",
    )
}
