//! `cargo xtask quickstart`: from a fresh clone to an image, and to what can be done next.

mod next_steps;
mod place;
mod report;

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::cargo::{Programs, Workspace};
use crate::failure::Failure;
use crate::process::{self, Interrupt};
use crate::server::Server;
use next_steps::NextSteps;
use place::Place;
use report::Report;

/// The workflow that the run belongs to.
const WORKFLOW: &str = "default";

/// Builds, starts a server, runs a prompt, and says what came out. Nothing keeps running afterwards.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let chosen = parse(args)?;
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let folder = match chosen {
        Some(folder) => folder,
        None => workspace.target_dir(&interrupt)?.join("quickstart"),
    };
    let place = Place::prepare(&folder, workspace.root())?;

    say("Building `comfyicu` and `comfyicu-server` (minutes the first time, seconds after that)");
    let programs = workspace.build_programs(&interrupt).map_err(|failure| failure.context("build"))?;

    say("Starting a server of your own");
    let mut server =
        Server::start(&programs.server, &place.data(), &["--no-auth"], &place.log(), &interrupt)?;
    eprintln!("   it listens on {}", server.base_url());

    say("Running a prompt: a photo is cut to a square, and its negative made");
    let outcome =
        place.remove_earlier_images().and_then(|()| run_prompt(&programs, &place, &server, &interrupt));
    let base_url = server.base_url().to_owned();
    server.stop();
    let report = match outcome {
        Ok(report) => report,
        Err(failure) => return Err(failure.with_lines("the end of the server's log", &server.log_tail())),
    };

    println!("{report}");
    print!(
        "{}",
        NextSteps { programs: &programs, place: &place, base_url: &base_url, run_id: report.run_id() }
    );
    Ok(())
}

fn say(step: &str) {
    eprintln!("── {step}");
}

/// The folder chosen with `--dir`.
fn parse(args: &[String]) -> Result<Option<PathBuf>, Failure> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let folder = match words.as_slice() {
        [] => return Ok(None),
        ["--dir", folder] => folder,
        [word] => word.strip_prefix("--dir=").unwrap_or_default(),
        _ => "",
    };
    if folder.is_empty() {
        return Err(Failure::usage(format!("`quickstart` takes only `--dir DIR`, not `{}`", args.join(" "))));
    }
    let absolute = std::path::absolute(folder);
    absolute.map(Some).map_err(|error| Failure::usage(format!("`{folder}` is no folder: {error}")))
}

/// Runs the example through the command line, as a person would.
fn run_prompt(
    programs: &Programs,
    place: &Place,
    server: &Server,
    interrupt: &Interrupt,
) -> Result<Report, Failure> {
    let mut command = Command::new(&programs.cli);
    command.arg("run").arg(place.prompt()).args(["-w", WORKFLOW, "--json"]);
    command.arg("--file").arg(place.photo_entry()).arg("-o").arg(place.images());
    command.env("COMFYICU_BASE_URL", server.base_url());
    // A key for the hosted service has no business here.
    command.env_remove("COMFYICU_API_KEY");
    eprintln!("   {}", process::shown(&command));
    let begun = Instant::now();
    let json = process::capture(&mut command, interrupt)?;
    Report::new(&json, begun.elapsed(), place.found_images()?)
}
