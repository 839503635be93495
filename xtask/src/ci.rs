//! `cargo xtask ci`: what has to pass before a change goes in.

mod deploy;
mod package;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::process::{self, Interrupt};
use crate::test;

/// One part: its name, and what it runs.
type Part = (&'static str, fn(&Workspace, &Interrupt) -> Result<(), Failure>);

/// The parts, the quick ones first.
const PARTS: [Part; 7] = [
    ("fmt", fmt),
    ("clippy", clippy),
    ("doc", doc),
    ("deny", deny),
    ("deploy", deploy::run),
    ("package", package::run),
    ("test", tests),
];

/// Runs the named parts, or all, in the order of [`PARTS`].
pub(crate) fn run(names: &[String]) -> Result<(), Failure> {
    let known = PARTS.map(|(name, _)| name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::usage(format!("no part `{unknown}`; the parts are {}", known.join(", "))));
    }
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    for (name, part) in PARTS {
        if names.is_empty() || names.iter().any(|chosen| chosen == name) {
            eprintln!("── {name}");
            part(&workspace, &interrupt).map_err(|failure| failure.context(name))?;
        }
    }
    Ok(())
}

fn fmt(workspace: &Workspace, interrupt: &Interrupt) -> Result<(), Failure> {
    process::run(workspace.cargo().args(["fmt", "--all", "--check"]), interrupt)
}

fn clippy(workspace: &Workspace, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut command = workspace.cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]);
    process::run(&mut command, interrupt)
}

fn doc(workspace: &Workspace, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut command = workspace.cargo();
    command.args(["doc", "--workspace", "--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "-D warnings");
    process::run(&mut command, interrupt)
}

fn deny(workspace: &Workspace, interrupt: &Interrupt) -> Result<(), Failure> {
    if !workspace.has_subcommand("deny") {
        eprintln!("skipped: cargo-deny is not installed");
        return Ok(());
    }
    // The check works offline, over the crates of every platform: those have to be there.
    process::run(workspace.cargo().args(["fetch", "--locked"]), interrupt)?;
    let check = [
        "deny",
        "--offline",
        "--workspace",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ];
    process::run(workspace.cargo().args(check), interrupt)
}

fn tests(_: &Workspace, _: &Interrupt) -> Result<(), Failure> {
    test::run(&[])
}
