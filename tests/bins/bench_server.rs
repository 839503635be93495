//! Measures the server, for `cargo xtask bench server`: `e2e-bench-server SERVER STORED READERS`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to the person at the shell")]

use std::process::ExitCode;

use comfyicu_tests::{BenchOptions, Programs, bench};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, stored, readers] = args.as_slice() else {
        eprintln!("usage: e2e-bench-server SERVER STORED READERS");
        return ExitCode::from(2);
    };
    let (Ok(stored), Ok(readers)) = (stored.parse(), readers.parse()) else {
        eprintln!("STORED and READERS are numbers");
        return ExitCode::from(2);
    };
    // It lives as long as the process.
    let programs = Programs { cli: "comfyicu", server: server.clone().leak() };
    for line in bench(programs, BenchOptions { stored, readers }) {
        println!("{line}");
    }
    ExitCode::SUCCESS
}
