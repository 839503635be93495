//! How fast outputs come to the disk, beside curl: one long file, and many small ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::service::{Lengths, Service};
use crate::failure::Failure;
use crate::process::{Interrupt, Running};

/// How often each is measured, turn by turn; the middle counts.
const ROUNDS: usize = 3;

/// What is fetched, and what curl does for it.
struct Case {
    name: &'static str,
    outputs: usize,
    bytes: u64,
    /// A shell command; `$1` is the address of the files, `$2` how many there are.
    curl: &'static str,
}

const CASES: [Case; 2] = [
    Case {
        name: "one file of 1 GiB",
        outputs: 1,
        bytes: 1 << 30,
        curl: r#"curl --silent --fail --output 0 "$1/0" && sync 0"#,
    },
    Case {
        name: "1,000 files of 100 KiB",
        outputs: 1000,
        bytes: 100 << 10,
        curl: r#"n=0; while [ $n -lt "$2" ]; do curl --silent --fail --output $n "$1/$n" || exit 1; n=$((n+1)); done"#,
    },
];

/// Measures curl and ours in turn, and prints a table. `folder` is where the files go: on a disk.
pub(super) fn run(ours: &Path, folder: &Path, interrupt: &Interrupt) -> Result<(), Failure> {
    let service = Service::start(Lengths::Drawn)
        .map_err(|error| Failure::new(format!("the service cannot listen: {error}")))?;
    println!("\n{:<28} {:>10} {:>10} {:>8}", "outputs to disk, synced", "curl", "ours", "faster");
    for case in CASES {
        let (mut theirs, mut our_times) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut curl = Command::new("sh");
            curl.args(["-c", case.curl, "curl", &format!("{}/files/{}", service.base_url(), case.bytes)]);
            curl.arg(case.outputs.to_string());
            let Some(took) = timed(curl, folder, interrupt)? else {
                println!("{:<28} is skipped: it needs curl", case.name);
                return Ok(());
            };
            theirs.push(took);
            let mut command = Command::new(ours);
            command.args([&service.base_url(), ".", &case.outputs.to_string(), &case.bytes.to_string()]);
            let failed = || Failure::new("the example `download_many` failed");
            our_times.push(timed(command, folder, interrupt)?.ok_or_else(failed)?);
        }
        let (theirs, ours) = (middle(theirs), middle(our_times));
        println!(
            "{:<28} {:>8.2} s {:>8.2} s {:>7.2}x",
            case.name,
            theirs.as_secs_f64(),
            ours.as_secs_f64(),
            theirs.as_secs_f64() / ours.as_secs_f64()
        );
    }
    Ok(())
}

/// How long a command takes in an empty folder; `None` when it fails.
fn timed(mut command: Command, folder: &Path, interrupt: &Interrupt) -> Result<Option<Duration>, Failure> {
    let place: PathBuf = folder.join("outputs");
    let cannot = |error| Failure::new(format!("{} cannot be used: {error}", place.display()));
    fs::create_dir_all(&place).map_err(cannot)?;
    let begun = Instant::now();
    let Ok(mut process) = Running::start(command.current_dir(&place).stderr(Stdio::null())) else {
        return Ok(None);
    };
    let status = process.wait(interrupt)?;
    let took = begun.elapsed();
    fs::remove_dir_all(&place).map_err(cannot)?;
    Ok(status.success().then_some(took))
}

/// The middle of what was measured.
fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
