//! The crash test in its long form, for `cargo xtask chaos`: `e2e-chaos SERVER SECONDS SEED`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to the person at the shell")]

use std::process::ExitCode;
use std::time::Duration;

use comfyicu_tests::{Programs, chaos};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, seconds, seed] = args.as_slice() else {
        eprintln!("usage: e2e-chaos SERVER SECONDS SEED");
        return ExitCode::from(2);
    };
    let (Ok(seconds), Ok(seed)) = (seconds.parse(), seed.parse()) else {
        eprintln!("SECONDS and SEED are numbers");
        return ExitCode::from(2);
    };
    // It lives as long as the process.
    let programs = Programs { cli: "comfyicu", server: server.clone().leak() };
    let report = chaos(programs, Duration::from_secs(seconds), seed);
    println!(
        "killed {} times; {} runs accepted, {} completed, {} given up; {} webhooks; {} orphaned output folders; \
         seed {seed}",
        report.kills, report.accepted, report.completed, report.given_up, report.webhooks, report.orphans
    );
    for violation in &report.violations {
        println!("broken: {violation}");
    }
    println!("{} promises broken", report.violations.len());
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
