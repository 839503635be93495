//! What a process holds at one moment.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// What a server held at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// How long after the beginning.
    pub at: Duration,
    values: [u64; Measure::ALL.len()],
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Memory that is in use, in KiB.
    Memory,
    /// Files and sockets that are open.
    Descriptors,
    /// Threads.
    Threads,
    /// The database, in KiB.
    Database,
    /// The write-ahead log of the database, in KiB.
    WriteAheadLog,
    /// Everything else in the data directory, in KiB.
    Files,
}

impl Measure {
    /// All of them, in the order of a sample.
    pub const ALL: [Self; 6] =
        [Self::Memory, Self::Descriptors, Self::Threads, Self::Database, Self::WriteAheadLog, Self::Files];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory, KiB",
            Self::Descriptors => "open files",
            Self::Threads => "threads",
            Self::Database => "database, KiB",
            Self::WriteAheadLog => "its log, KiB",
            Self::Files => "files, KiB",
        }
    }

    /// How much more it may be at the end than before, for what comes and goes.
    const fn slack(self) -> u64 {
        match self {
            Self::Memory => 6 * 1024,
            Self::Descriptors | Self::Threads => 12,
            Self::Database | Self::WriteAheadLog => 2 * 1024,
            Self::Files => 8 * 1024,
        }
    }

    /// Says how much it grew from the second quarter of the samples to the last one, by their medians; `None`
    /// where that is a tenth or less, or within what comes and goes.
    pub(super) fn growth(self, samples: &[Sample]) -> Option<String> {
        let quarter = samples.len() / 4;
        let before = self.median(samples.get(quarter..quarter * 2)?)?;
        let after = self.median(samples.get(samples.len() - quarter..)?)?;
        let is_flat = after <= before + (before / 10).max(self.slack());
        (!is_flat).then(|| format!("{}: {before} in the second quarter, {after} in the last", self.name()))
    }

    fn median(self, samples: &[Sample]) -> Option<u64> {
        let mut values: Vec<_> = samples.iter().map(|sample| sample.value(self)).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied()
    }
}

impl Sample {
    /// Looks at a process, and at the folder where it keeps its data.
    pub(super) fn of(process: u32, data: &Path, at: Duration) -> Self {
        let size = |name: &str| fs::metadata(data.join(name)).map_or(0, |metadata| metadata.len()) / 1024;
        let (database, log) = (size("runs.db"), size("runs.db-wal"));
        let entries =
            |of: &str| fs::read_dir(format!("/proc/{process}/{of}")).map_or(0, Iterator::count) as u64;
        let values = [
            memory(process),
            entries("fd"),
            entries("task"),
            database,
            log,
            (bytes_below(data) / 1024).saturating_sub(database + log),
        ];
        Self { at, values }
    }

    /// What was measured.
    pub fn value(&self, measure: Measure) -> u64 {
        Measure::ALL
            .into_iter()
            .zip(self.values)
            .find_map(|(of, value)| (of == measure).then_some(value))
            .unwrap_or(0)
    }
}

fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// How many bytes the files of a folder have. One that goes meanwhile counts as none.
fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => bytes_below(&entry.path()),
            _ => entry.metadata().map_or(0, |metadata| metadata.len()),
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(memory: impl Fn(u64) -> u64) -> Vec<Sample> {
        (0..40).map(|n| Sample { at: Duration::from_secs(n), values: [memory(n), 9, 9, 9, 9, 9] }).collect()
    }

    #[test]
    fn what_stays_the_same_or_comes_and_goes_has_not_grown() {
        for flat in [|_| 50_000, |n| 50_000 + n % 7 * 900, |n| if n < 10 { 20_000 } else { 50_000 }] {
            let samples = samples(flat);
            assert_eq!(Measure::ALL.map(|measure| measure.growth(&samples)), [const { None }; 6]);
        }
    }

    #[test]
    fn what_grows_on_and_on_is_told() {
        let growth = Measure::Memory.growth(&samples(|n| 50_000 + n * 1000));
        assert_eq!(growth.as_deref(), Some("memory, KiB: 65000 in the second quarter, 85000 in the last"));
    }

    #[test]
    fn this_process_holds_something() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("outputs")).unwrap();
        fs::write(folder.path().join("outputs/a"), vec![0; 4096]).unwrap();
        fs::write(folder.path().join("runs.db"), vec![0; 2048]).unwrap();
        let sample = Sample::of(std::process::id(), folder.path(), Duration::ZERO);
        for measure in [Measure::Memory, Measure::Descriptors, Measure::Threads] {
            assert!(sample.value(measure) > 0, "{measure:?}");
        }
        assert_eq!((sample.value(Measure::Database), sample.value(Measure::Files)), (2, 4));
    }
}
