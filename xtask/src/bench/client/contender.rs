//! One client as a process: it is given the address and a number of runs, submits them all, and prints the id of
//! each when it sees its end.

use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::service::{Lengths, Service};
use crate::failure::Failure;
use crate::process::{Interrupt, Running};

/// How often a process is looked at for what it has used.
const TICK: Duration = Duration::from_millis(50);
/// The clock of `/proc/PID/stat`.
const TICKS_A_SECOND: f64 = 100.0;

/// A client.
pub(super) struct Contender {
    pub(super) name: &'static str,
    /// What it needs, in case it is not there.
    pub(super) needs: &'static str,
    command: Box<dyn Fn() -> Command>,
}

/// What a client took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    mean: Duration,
    p95: Duration,
    /// Requests but for the submits, over all.
    looks_a_second: f64,
    /// The same for each second that a run was waited for.
    looks_a_run: f64,
    cpu: Duration,
    peak_kib: u64,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    cpu: Duration,
    peak_kib: u64,
}

impl Contender {
    pub(super) fn new(
        name: &'static str,
        needs: &'static str,
        command: impl Fn() -> Command + 'static,
    ) -> Self {
        Self { name, needs, command: Box::new(command) }
    }

    /// Runs it; `None` when it cannot be run here.
    pub(super) fn run(
        &self,
        lengths: Lengths,
        runs: usize,
        interrupt: &Interrupt,
    ) -> Result<Option<Measured>, Failure> {
        let service = Service::start(lengths)
            .map_err(|error| Failure::new(format!("the service cannot listen: {error}")))?;
        let mut command = (self.command)();
        command.arg(service.base_url()).arg(runs.to_string()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut process) = Running::start(&mut command) else { return Ok(None) };
        let Some(stdout) = process.take_stdout() else { return Ok(None) };
        let begun = Instant::now();
        let lines = thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.map(|line| (line, Instant::now())).collect::<Vec<_>>()
        });
        let mut used = Used::default();
        while process.ended()?.is_none() {
            interrupt.check()?;
            used = Used::of(process.id()).unwrap_or(used);
            thread::sleep(TICK);
        }
        let elapsed = begun.elapsed();
        let seen = lines.join().map_err(|_| Failure::new("the output of a client was lost"))?;
        let mut late: Vec<Duration> = seen
            .iter()
            .filter_map(|(id, at)| Some(at.saturating_duration_since(service.end_of(id.trim())?)))
            .collect();
        late.sort();
        // Those that are run beforehand to learn from are not printed.
        let (Some(p95), true) = (late.get(late.len() * 95 / 100).copied(), late.len() == runs) else {
            return Ok(None);
        };
        let count = u32::try_from(late.len()).unwrap_or(u32::MAX);
        let waited = service.total_length() + late.iter().sum();
        Ok(Some(Measured {
            mean: late.iter().sum::<Duration>() / count,
            p95,
            looks_a_second: float(service.looks()) / elapsed.as_secs_f64(),
            looks_a_run: float(service.looks()) / waited.as_secs_f64(),
            cpu: used.cpu,
            peak_kib: used.peak_kib,
        }))
    }
}

fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

impl Used {
    /// What Linux says of a process; nothing on other systems.
    fn of(process: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let peak_kib = peak.trim().trim_end_matches(" kB").trim().parse().ok()?;
        // utime and stime are the 12th and 13th behind the name.
        let cpu = Duration::from_secs_f64((ticks(11)? + ticks(12)?) / TICKS_A_SECOND);
        Some(Self { cpu, peak_kib })
    }
}

impl Measured {
    /// The better of both, figure by figure.
    pub(super) fn better(self, other: &Self) -> Self {
        Self {
            mean: self.mean.min(other.mean),
            p95: self.p95.min(other.p95),
            looks_a_second: self.looks_a_second.min(other.looks_a_second),
            looks_a_run: self.looks_a_run.min(other.looks_a_run),
            cpu: self.cpu.min(other.cpu),
            peak_kib: self.peak_kib.min(other.peak_kib),
        }
    }

    /// The figures as parts of a baseline's.
    pub(super) fn against(&self, baseline: &Self) -> String {
        let part = |ours: f64, theirs: f64| format!("×{:.3}", ours / theirs.max(f64::EPSILON));
        let time = |ours: Duration, theirs: Duration| part(ours.as_secs_f64(), theirs.as_secs_f64());
        let memory = part(float(self.peak_kib), float(baseline.peak_kib));
        format!(
            "{:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            time(self.mean, baseline.mean),
            time(self.p95, baseline.p95),
            part(self.looks_a_second, baseline.looks_a_second),
            part(self.looks_a_run, baseline.looks_a_run),
            time(self.cpu, baseline.cpu),
            memory
        )
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>6} ms {:>6} ms {:>9.2} {:>9.2} {:>7.2} s {:>5} MiB",
            self.mean.as_millis(),
            self.p95.as_millis(),
            self.looks_a_second,
            self.looks_a_run,
            self.cpu.as_secs_f64(),
            self.peak_kib / 1024
        )
    }
}
