//! The attacks in full, for `cargo xtask hostile`: `e2e-hostile SERVER REQUESTS`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to the person at the shell")]

use std::process::ExitCode;
use std::time::Duration;

use comfyicu_tests::{Attack, AttackReport, Programs, ServerOptions, attack};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, requests] = args.as_slice() else {
        eprintln!("usage: e2e-hostile SERVER REQUESTS");
        return ExitCode::from(2);
    };
    let Ok(requests) = requests.parse::<usize>() else {
        eprintln!("REQUESTS is a number");
        return ExitCode::from(2);
    };
    // It lives as long as the process.
    let programs = Programs { cli: "comfyicu", server: server.clone().leak() };
    println!(
        "| attack | others served | p50, ms | p99, ms | slowest, ms | memory at most, MiB | connections held |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut failed = 0;
    for kind in Attack::ALL {
        // As it comes, but for files, which could be larger than the disk.
        let server = ServerOptions::new(programs).args(["--max-file-size", "64MiB"]).start();
        let report = attack(&server, kind, requests);
        println!("| {kind:?} | {} |", row(&report, requests));
        failed += report.served.failures.len();
        if kind.connections().is_some_and(|wanted| report.connections < wanted * 9 / 10) {
            println!("not as meant: {kind:?} held {} connections; see `ulimit -n`", report.connections);
            failed += 1;
        }
        for failure in report.served.failures.iter().take(5) {
            println!("not served: {failure}");
        }
    }
    println!("{failed} requests of others not served, or attacks not as meant");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(report: &AttackReport, requests: usize) -> String {
    let millis = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
    let served = &report.served;
    let [half, most, all] = [50, 99, 100].map(|percent| millis(served.percentile(percent)));
    format!(
        "{} of {requests} | {half} | {most} | {all} | {} | {}",
        served.times.len(),
        report.memory,
        report.connections
    )
}
