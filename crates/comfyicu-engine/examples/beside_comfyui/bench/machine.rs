//! What the machine can do, and what processes take of it.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use memmap2::MmapMut;
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::{ParallelSlice as _, ParallelSliceMut as _};

/// How many bytes are copied to measure: more than any cache holds.
const BYTES: usize = 256 << 20;

/// Bytes that memory moves in a second, in GB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bandwidth(pub(super) f64);

impl Bandwidth {
    /// Copies a large buffer a few times, on all processors; the fastest counts. The buffers are the system's again
    /// when it returns, and so in no peak that is measured behind it.
    pub(super) fn measure() -> io::Result<Self> {
        let [mut source, mut target] = [MmapMut::map_anon(BYTES)?, MmapMut::map_anon(BYTES)?];
        source.fill(1);
        target.fill(2);
        let mut copy = || {
            let started = Instant::now();
            let parts = target.par_chunks_mut(1 << 20).zip(source.par_chunks(1 << 20));
            parts.for_each(|(target, source)| target.copy_from_slice(source));
            started.elapsed().as_secs_f64()
        };
        let fastest = (0..5).map(|_| copy()).fold(f64::INFINITY, f64::min);
        Ok(Self(2.0 * gigabytes(BYTES as u64) / fastest))
    }

    /// Which part of the bandwidth moves so many bytes in so many milliseconds.
    pub(super) fn part(self, bytes: u64, milliseconds: f64) -> f64 {
        gigabytes(bytes) / (milliseconds / 1000.0) / self.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

/// How exactly Linux tells processor time.
const TICK: Duration = Duration::from_millis(10);

/// The processor time that a process has taken, on all processors, as Linux tells it.
pub(super) fn processor_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold spaces; user and system time are the twelfth and thirteenth behind it.
    let mut times = stat.rsplit_once(')')?.1.split_whitespace().skip(11).map(str::parse::<u32>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some(TICK * (user + system))
}

/// Waits until a process takes no processor time any more, but no longer than `patience`: threads of some libraries go on
/// for a while when they have nothing left to do.
pub(super) fn wait_for_rest(pid: u32, patience: Duration) {
    let started = Instant::now();
    let mut before = None;
    while started.elapsed() < patience {
        let now = processor_time(pid);
        if now.is_none() || now == before {
            return;
        }
        before = now;
        thread::sleep(2 * TICK);
    }
}

/// The most memory that a process has held since this was made.
#[derive(Debug)]
pub(super) struct Peak(u32);

impl Peak {
    pub(super) fn of(pid: u32) -> Self {
        // Where it cannot be reset, it is the most since the process began.
        fs::write(format!("/proc/{pid}/clear_refs"), "5").ok();
        Self(pid)
    }

    pub(super) fn mib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kib / 1024)
    }
}
