//! `cargo xtask bench client`: how soon clients see the end of a run, and what that costs: the documentation's
//! loop in Python and in JavaScript, and ours, against one local service in one run. Then how fast outputs come to
//! the disk, beside curl.

mod contender;
mod downloads;
mod service;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::process::{Interrupt, Running};
use contender::{Contender, Measured};
use service::Lengths;

/// How many runs each client has at once.
const RUNS: usize = 40;
/// How many are many.
const MANY: usize = 1000;

/// Runs all contenders one after the other, and prints a table.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let runs = match args {
        [] => RUNS,
        [runs] => runs.parse().map_err(|_| Failure::usage("`bench client [RUNS]` takes a number of runs"))?,
        _ => return Err(Failure::usage("`bench client [RUNS]` takes a number of runs")),
    };
    let interrupt = Interrupt::watch()?;
    let [ours, downloads] = build(&interrupt)?;
    println!("{runs} runs at once; lengths drawn evenly from 0.3 to 30 s, the same for each client");
    println!(
        "{:<28} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "client", "mean", "p95", "looks/s", "a run", "CPU", "peak RSS"
    );
    let drawn = Lengths::Drawn;
    let mut baseline: Option<Measured> = None;
    for contender in documented() {
        match contender.run(drawn, runs, &interrupt)? {
            Some(measured) => {
                print(&contender, &measured, None);
                baseline = Some(baseline.map_or(measured, |best| best.better(&measured)));
            }
            None => println!("{:<28} is skipped: {}", contender.name, contender.needs),
        }
    }
    let same = Lengths::Same(Duration::from_secs(12));
    for (name, mode, lengths, runs) in [
        ("ours, polling", &["poll"][..], drawn, runs),
        ("ours, lengths known", &["poll", "--learn"], same, runs),
        ("ours, told of changes", &["events"], drawn, runs),
        ("ours, polling, 1,000 runs", &["poll"], same, MANY),
        ("ours, told, 1,000 runs", &["events"], same, MANY),
    ] {
        let program = ours.clone();
        let contender = Contender::new(name, "", move || command(&program, mode));
        if let Some(measured) = contender.run(lengths, runs, &interrupt)? {
            // What the others took was for fewer runs.
            print(&contender, &measured, baseline.as_ref().filter(|_| runs < MANY));
        }
    }
    let folder = Workspace::find()?.target_dir(&interrupt)?.join("bench-client");
    downloads::run(&downloads, &folder, &interrupt)
}

fn print(contender: &Contender, measured: &Measured, baseline: Option<&Measured>) {
    println!("{:<28} {measured}", contender.name);
    if let Some(baseline) = baseline {
        println!("{:<28} {}", "", measured.against(baseline));
    }
}

/// The documentation's loop, as its clients have it.
fn documented() -> [Contender; 2] {
    let script = |name: &str| -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join("bench").join("client").join(name)
    };
    let (python, node) = (script("documentation.py"), script("documentation.js"));
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("target").join("doc-clients");
    [
        Contender::new("documentation, Python", "it needs python3 with `requests`", move || {
            let mut command = Command::new("python3");
            command.arg(&python);
            command
        }),
        Contender::new(
            "documentation, JavaScript",
            "it needs node with `node-fetch` 2 in target/doc-clients",
            move || {
                let mut command = Command::new("node");
                command.arg(&node).env("NODE_PATH", modules.join("node_modules"));
                command
            },
        ),
    ]
}

fn command(program: &Path, mode: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(mode);
    command
}

/// Builds our contenders, optimised as users have them.
fn build(interrupt: &Interrupt) -> Result<[PathBuf; 2], Failure> {
    let workspace = Workspace::find()?;
    let mut build = workspace.cargo();
    let names = ["wait_many", "download_many"];
    build.args(["build", "--quiet", "--release", "--package", "comfyicu-client"]);
    build.args(names.iter().flat_map(|name| ["--example", name]));
    if !Running::start(&mut build)?.wait(interrupt)?.success() {
        return Err(Failure::new("the examples of the client do not build"));
    }
    let folder = workspace.target_dir(interrupt)?.join("release").join("examples");
    Ok(names.map(|name| folder.join(name)))
}
