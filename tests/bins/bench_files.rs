//! Measures fetching, for `cargo xtask bench files`: `e2e-bench-files SERVER FOLDER LARGE MANY EACH ROUNDS`, sizes in
//! MiB.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to the person at the shell")]

use std::process::ExitCode;

use comfyicu_tests::{FilesBenchOptions, Programs, bench_files};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, folder, large, many, each, rounds] = args.as_slice() else {
        eprintln!("usage: e2e-bench-files SERVER FOLDER LARGE MANY EACH ROUNDS");
        return ExitCode::from(2);
    };
    let (Ok(large_mib), Ok(many), Ok(each_mib), Ok(rounds)) =
        (large.parse(), many.parse(), each.parse(), rounds.parse())
    else {
        eprintln!("LARGE, MANY, EACH and ROUNDS are numbers");
        return ExitCode::from(2);
    };
    // It lives as long as the process.
    let programs = Programs { cli: "comfyicu", server: server.clone().leak() };
    let options = FilesBenchOptions { folder: folder.into(), large_mib, many, each_mib, rounds };
    for line in bench_files(programs, &options) {
        println!("{line}");
    }
    ExitCode::SUCCESS
}
