//! `cargo xtask conformance api`: whether the OpenAPI document is one, and a running server does what it says, asked
//! by schemathesis.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::options;
use crate::process::{self, Interrupt};
use crate::server::Server;

/// The tools, as their package index names them: one reads the document, the other asks the server.
const TOOLS: [&str; 2] = ["openapi-spec-validator==0.9.0", "schemathesis==4.32.5"];
/// The document, as it is in the book.
const DOCUMENT: &str = "docs/src/reference/openapi.json";
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
    let tools = install(&folder, &interrupt)?;
    let mut validate = Command::new(tools.join("openapi-spec-validator"));
    process::run(validate.arg(workspace.root().join(DOCUMENT)), &interrupt)?;
    let programs = workspace.build_programs(&interrupt)?;
    let mut server = Server::start(&programs.server, &data, &FLAGS, &folder.join("server.log"), &interrupt)?;
    let asked = ask(&tools.join("schemathesis"), &workspace, &server, &data, (&examples, &seed), &interrupt);
    server.stop();
    asked.map_err(|failure| failure.with_lines("the end of the server's log", &server.log_tail()))
}

/// Installs the tools in an environment of their own, unless that was done before, and says where they are.
fn install(folder: &Path, interrupt: &Interrupt) -> Result<PathBuf, Failure> {
    let environment = folder.join("venv");
    let (tools, stamp, wanted) = (environment.join("bin"), environment.join("installed"), TOOLS.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(tools);
    }
    eprintln!("installing {wanted}");
    process::run(Command::new("python3").args(["-m", "venv"]).arg(&environment), interrupt)?;
    let mut install = Command::new(tools.join("pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check"]).args(TOOLS);
    process::run(&mut install, interrupt)?;
    fs::write(&stamp, wanted).map_err(|error| Failure::new(format!("{}: {error}", stamp.display())))?;
    Ok(tools)
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
