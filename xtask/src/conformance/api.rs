//! `cargo xtask conformance api`: whether a running server does what its OpenAPI document says, asked by
//! schemathesis.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::options;
use crate::process::{self, Interrupt};
use crate::server::Server;

/// The tool, as its package index names it.
const TOOL: &str = "schemathesis==4.32.5";
/// How the server is started: streams end at once, since the tool waits for the end of each answer.
const FLAGS: [&str; 2] = ["--max-stream-events", "0"];

/// Asks a server that is started for it, on data of its own.
pub(super) fn run(args: &[String]) -> Result<(), Failure> {
    let (mut examples, mut seed) = ("50".to_owned(), "1".to_owned());
    options::read("conformance api", args, &mut [("--max-examples", &mut examples), ("--seed", &mut seed)])?;
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let folder = workspace.target_dir(&interrupt)?.join("conformance-api");
    let data = folder.join("data");
    let cannot = |error| Failure::new(format!("{}: {error}", data.display()));
    if data.exists() {
        fs::remove_dir_all(&data).map_err(cannot)?;
    }
    fs::create_dir_all(&data).map_err(cannot)?;
    let tool = install(&folder, &interrupt)?;
    let programs = workspace.build_programs(&interrupt)?;
    let mut server = Server::start(&programs.server, &data, &FLAGS, &folder.join("server.log"), &interrupt)?;
    let asked = ask(&tool, &workspace, &server, &data, (&examples, &seed), &interrupt);
    server.stop();
    asked.map_err(|failure| failure.with_lines("the end of the server's log", &server.log_tail()))
}

/// Installs the tool in an environment of its own, unless that was done before.
fn install(folder: &Path, interrupt: &Interrupt) -> Result<PathBuf, Failure> {
    let environment = folder.join("venv");
    let (tool, stamp) = (environment.join("bin/schemathesis"), environment.join("installed"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == TOOL) {
        return Ok(tool);
    }
    eprintln!("installing {TOOL}");
    process::run(Command::new("python3").args(["-m", "venv"]).arg(&environment), interrupt)?;
    let mut install = Command::new(environment.join("bin/pip"));
    process::run(install.args(["install", "--quiet", "--disable-pip-version-check", TOOL]), interrupt)?;
    fs::write(&stamp, TOOL).map_err(|error| Failure::new(format!("{}: {error}", stamp.display())))?;
    Ok(tool)
}

fn ask(
    tool: &Path,
    workspace: &Workspace,
    server: &Server,
    data: &Path,
    (examples, seed): (&str, &str),
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let key = data.join("first-key");
    let key =
        fs::read_to_string(&key).map_err(|error| Failure::new(format!("{}: {error}", key.display())))?;
    let mut command = Command::new(tool);
    command.arg("--config-file").arg(workspace.root().join("xtask/schemathesis.toml"));
    command.arg("run").arg(format!("{}/openapi.json", server.base_url()));
    command.env("API_KEY", key.trim());
    command.args(["--max-examples", examples, "--seed", seed]);
    process::run(command.current_dir(data), interrupt)
}
