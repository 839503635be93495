//! Checks a real ComfyUI behind the server, for `cargo xtask conformance comfyui`: `e2e-conformance SERVER URL`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to the person at the shell")]

use std::process::ExitCode;

use comfyicu_tests::{Programs, conformance};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, url] = args.as_slice() else {
        eprintln!("usage: e2e-conformance SERVER URL");
        return ExitCode::from(2);
    };
    // It lives as long as the process.
    let programs = Programs { cli: "comfyicu", server: server.clone().leak() };
    let is_good = conformance(programs, url, |check| {
        let (word, text) = match &check.result {
            Ok(seen) => ("ok", seen),
            Err(wrong) => ("WRONG", wrong),
        };
        println!("{word:<6} {:<38} {:>7.1} s  {text}", check.name, check.took.as_secs_f64());
    });
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
