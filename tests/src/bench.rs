//! What the server does in a second, beside what the disk allows.

mod connection;
mod measure;
mod sqlite;
mod stored;

use std::net::TcpListener;
use std::time::Duration;

use crate::server::{Programs, Server, ServerOptions};
use measure::{Figures, cycles, lists, readers, submits, webhooks};

/// How long each rate is measured.
const TIME: Duration = Duration::from_secs(8);
/// How many connections submit.
const CONNECTIONS: usize = 64;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
    /// How many runs are stored for the second round.
    pub stored: u64,
    /// How many read events at once.
    pub readers: usize,
}

/// Measures a server, and gives the lines of the report.
///
/// # Panics
/// When the server does not do what it is asked.
pub fn bench(programs: Programs, options: BenchOptions) -> Vec<String> {
    // It takes connections and never answers, so that runs with a file from it wait and are not executed.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let file = format!("http://{}/file.png", silent.local_addr().expect("its address"));
    let start = || ServerOptions::new(programs).args(["--allow-host", "127.0.0.1"]).start();
    let mut lines = Vec::new();

    let limit = sqlite::commits(TIME);
    lines.push(format!(
        "SQLite alone, same durability: {:.0} commits/s of one row, {:.0} rows/s in commits of {CONNECTIONS}",
        limit.single, limit.grouped
    ));

    let server = start();
    lines.push(format!("memory, idle: {} MiB", memory(&server)));
    let empty = submits(&server, CONNECTIONS, TIME, &file);
    lines.push(format!("submits, empty store: {}", shown(&empty)));
    lines.push(format!("  {:.2} of SQLite's grouped rows", empty.rate / limit.grouped));
    lines.push(format!("memory, with {} runs waiting: {} MiB", empty.count, memory(&server)));
    drop(server);

    let server = start();
    lines.push(format!("cycles of a trivial run: {:.0}/s", cycles(&server, 32, 2_000)));
    lines.push(format!("webhooks: {:.0}/s", webhooks(&server, 500)));
    lines.push(format!("events to {} readers: {}", options.readers, readers(&server, options.readers)));
    lines.push(format!("memory, with {} readers gone: {} MiB", options.readers, memory(&server)));
    drop(server);

    let server = stored::fill(start(), options.stored);
    let full = submits(&server, CONNECTIONS, TIME, &file);
    lines.push(format!("submits, {} runs stored: {}", options.stored, shown(&full)));
    lines.push(format!("  empty store ÷ full store: {:.2}", empty.rate / full.rate));
    lines.extend(lists(&server));
    lines.push(format!("memory, with {} runs stored: {} MiB", options.stored, memory(&server)));
    drop(server);
    let server = stored::fill(start(), options.stored);
    lines.push(format!(
        "cycles of a trivial run, {} stored: {:.0}/s",
        options.stored,
        cycles(&server, 32, 2_000)
    ));
    lines
}

fn shown(figures: &Figures) -> String {
    let [p50, p99] = [50, 99].map(|percent| figures.percentile(percent));
    format!("{:.0}/s at {CONNECTIONS} connections, p50 {p50:.1} ms, p99 {p99:.1} ms", figures.rate)
}

/// The resident memory of a server, in MiB.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
