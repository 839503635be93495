//! The soak, for `cargo xtask soak`: `e2e-soak SERVER MINUTES`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to the person at the shell")]

use std::process::ExitCode;
use std::time::Duration;

use comfyicu_tests::{Measure, Programs, Sample, soak};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, minutes] = args.as_slice() else {
        eprintln!("usage: e2e-soak SERVER MINUTES");
        return ExitCode::from(2);
    };
    let Ok(minutes) = minutes.parse::<u64>() else {
        eprintln!("MINUTES is a number");
        return ExitCode::from(2);
    };
    // It lives as long as the process.
    let programs = Programs { cli: "comfyicu", server: server.clone().leak() };
    println!("| seconds | {} |", Measure::ALL.map(Measure::name).join(" | "));
    println!("|---|{}", "---|".repeat(Measure::ALL.len()));
    let report = soak(programs, Duration::from_secs(minutes * 60), row);
    println!("{} rounds of two runs and some twelve requests", report.rounds);
    for grown in &report.grown {
        println!("grown: {grown}");
    }
    println!("{} of {} measures have grown", report.grown.len(), Measure::ALL.len());
    if report.grown.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(sample: &Sample) {
    let values = Measure::ALL.map(|measure| sample.value(measure).to_string());
    println!("| {} | {} |", sample.at.as_secs(), values.join(" | "));
}
