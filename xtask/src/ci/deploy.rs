//! The files that people deploy with, each read by the tool that is usual for its kind.

use std::fs;
use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::process::{self, Interrupt};

/// Where those files are.
const FOLDER: &str = "docs/examples";
/// What the unit starts on a machine where the server is installed, and what stands for it here.
const INSTALLED: (&str, &str) = ("/usr/local/bin/comfyicu-server", "/bin/true");
/// How exposed the unit may be at most, of 100, by the account of systemd.
const EXPOSURE: u8 = 20;

/// Checks the unit, the Dockerfile and the compose file; a tool that is not installed is named and left out.
pub(super) fn run(workspace: &Workspace, interrupt: &Interrupt) -> Result<(), Failure> {
    let folder = workspace.root().join(FOLDER);
    if is_installed("systemd-analyze") {
        check_unit(workspace, interrupt)?;
    }
    if is_installed("hadolint") {
        process::run(Command::new("hadolint").arg(folder.join("Dockerfile")), interrupt)?;
    }
    if is_installed("check-jsonschema") {
        let mut check = Command::new("check-jsonschema");
        check.args(["--builtin-schema", "vendor.compose-spec"]).arg(folder.join("compose.yaml"));
        process::run(&mut check, interrupt)?;
    }
    Ok(())
}

/// systemd wants the program of a unit to be there, so it is given one that is.
fn check_unit(workspace: &Workspace, interrupt: &Interrupt) -> Result<(), Failure> {
    const NAME: &str = "comfyicu-server.service";
    let fail = |error| Failure::new(format!("{NAME} cannot be prepared for the check: {error}"));
    let text = fs::read_to_string(workspace.root().join(FOLDER).join(NAME)).map_err(fail)?;
    let folder = workspace.target_dir(interrupt)?.join("deploy-check");
    fs::create_dir_all(&folder).map_err(fail)?;
    let unit = folder.join(NAME);
    fs::write(&unit, text.replace(INSTALLED.0, INSTALLED.1)).map_err(fail)?;

    process::run(Command::new("systemd-analyze").arg("verify").arg(&unit), interrupt)?;
    let mut exposure = Command::new("systemd-analyze");
    exposure.args(["security", "--no-pager", "--offline=true", &format!("--threshold={EXPOSURE}")]);
    // It prints a table of all settings, of which only the verdict matters.
    process::capture(exposure.arg(&unit), interrupt).map(drop)
}

fn is_installed(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: {tool} is not installed");
    }
    found
}
