//! What the server does in a second, beside what the disk allows.

mod files;
mod gateway;
mod measure;
mod sqlite;
mod stored;

pub use files::{FilesBenchOptions, bench_files};
pub use gateway::{RealComfy, bench_gateway};

use std::net::TcpListener;
use std::time::Duration;

use crate::server::{Programs, Server, ServerOptions};
use measure::{Figures, cycles, lists, readers, submits, webhooks};

/// How long each rate is measured.
const TIME: Duration = Duration::from_secs(8);
/// How many connections submit.
const CONNECTIONS: usize = 64;
/// How many runs may wait: more than are taken in meanwhile.
const MOST_WAITING: &str = "1000000";
/// How many runs a store has that is beginning to fill.
const FEW: u64 = 1000;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
    /// How many runs a full store has.
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
    let start = || {
        ServerOptions::new(programs).args(["--allow-host", "127.0.0.1", "--max-queue", MOST_WAITING]).start()
    };
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

    let few = with_stored(start(), FEW, &file, &mut lines);
    let full = with_stored(start(), options.stored, &file, &mut lines);
    lines.push(format!(
        "{FEW} runs stored ÷ {}: submits {:.2}, cycles {:.2}",
        options.stored,
        few.submits / full.submits,
        few.cycles / full.cycles
    ));
    lines
}

/// How often in a second.
struct Rates {
    submits: f64,
    cycles: f64,
}

/// Measures a server whose store has seen so many runs.
fn with_stored(server: Server, stored: u64, file: &str, lines: &mut Vec<String>) -> Rates {
    let server = stored::fill(server, stored);
    lines.push(format!("with {stored} runs stored (written into the store, and not run):"));
    lines.extend(lists(&server).into_iter().map(|line| format!("  {line}")));
    let cycles = cycles(&server, 32, 2_000);
    lines.push(format!("  cycles of a trivial run: {cycles:.0}/s"));
    // Last: these runs wait, and stay.
    let submits = submits(&server, CONNECTIONS, TIME, file);
    lines.push(format!("  submits: {}", shown(&submits)));
    lines.push(format!("  memory: {} MiB", memory(&server)));
    Rates { submits: submits.rate, cycles }
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
