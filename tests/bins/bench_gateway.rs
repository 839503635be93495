//! Measures the server in front of a ComfyUI, for `cargo xtask bench gateway`: `e2e-bench-gateway SERVER RUNS [URL]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to the person at the shell")]

use std::process::ExitCode;

use comfyicu_tests::{Programs, bench_gateway};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (server, runs, url) = match args.as_slice() {
        [server, runs] => (server, runs.parse(), None),
        [server, runs, url] => (server, runs.parse(), Some(&**url)),
        _ => {
            eprintln!("usage: e2e-bench-gateway SERVER RUNS [URL]");
            return ExitCode::from(2);
        }
    };
    let Ok(runs) = runs else {
        eprintln!("RUNS is a number");
        return ExitCode::from(2);
    };
    // It lives as long as the process.
    let programs = Programs { cli: "comfyicu", server: server.clone().leak() };
    for line in bench_gateway(programs, url, runs) {
        println!("{line}");
    }
    ExitCode::SUCCESS
}
