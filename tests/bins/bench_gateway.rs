//! Measures the server in front of a ComfyUI, for `cargo xtask bench gateway`: `e2e-bench-gateway SERVER RUNS [URL [FOLDER]]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to the person at the shell")]

use std::process::ExitCode;

use comfyicu_tests::{Programs, RealComfy, bench_gateway};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let real = |url, folder| Some(RealComfy { url, folder });
    let (server, runs, comfyui) = match args.as_slice() {
        [server, runs] => (server, runs.parse(), None),
        [server, runs, url] => (server, runs.parse(), real(url, None)),
        [server, runs, url, folder] => (server, runs.parse(), real(url, Some(folder))),
        _ => {
            eprintln!("usage: e2e-bench-gateway SERVER RUNS [URL [FOLDER]]");
            return ExitCode::from(2);
        }
    };
    let Ok(runs) = runs else {
        eprintln!("RUNS is a number");
        return ExitCode::from(2);
    };
    // It lives as long as the process.
    let programs = Programs { cli: "comfyicu", server: server.clone().leak() };
    for line in bench_gateway(programs, comfyui, runs) {
        println!("{line}");
    }
    ExitCode::SUCCESS
}
