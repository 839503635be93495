//! The rules by which things go, as they are given on the command line.

use std::time::Duration;

use clap::Args;
use comfyicu_model::Timestamp;

use crate::args::{parse_age, parse_interval};
use crate::clock::before;
use crate::store::Limits;

/// The rules by which things go; what no rule is given for stays.
#[derive(Clone, Debug, Default, Args)]
#[expect(clippy::struct_field_names, reason = "they are named as the flags are")]
pub(crate) struct RetentionRules {
    /// Remove runs that ended so long ago, such as 30d, with their outputs and events [default: keep them]
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    pub(crate) keep_runs_for: Option<Duration>,

    /// Keep the newest N runs that have ended, and remove the others [default: keep all]
    #[arg(long, value_name = "N")]
    pub(crate) keep_runs: Option<u64>,

    /// Remove the outputs of runs that ended so long ago, and keep the runs [default: keep them]
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    pub(crate) keep_outputs_for: Option<Duration>,

    /// Keep the newest outputs, as many as have SIZE together, such as 200GB, and remove the others [default: keep
    /// all]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub(crate) keep_output_bytes: Option<u64>,

    /// Remove events that are so old, of runs that have ended; each keeps its last one [default: keep them]
    #[arg(long, value_name = "DURATION", value_parser = parse_age)]
    pub(crate) keep_events_for: Option<Duration>,
}

impl RetentionRules {
    /// How many runs are kept.
    pub(crate) fn runs(&self, now: Timestamp) -> Limits {
        Limits {
            ended_since: self.keep_runs_for.map(|age| before(now, age)),
            count: self.keep_runs,
            output_bytes: None,
        }
    }

    /// How many outputs are kept.
    pub(crate) fn outputs(&self, now: Timestamp) -> Limits {
        Limits {
            ended_since: self.keep_outputs_for.map(|age| before(now, age)),
            count: None,
            output_bytes: self.keep_output_bytes,
        }
    }

    /// From when on events are kept.
    pub(crate) fn events(&self, now: Timestamp) -> Option<Timestamp> {
        self.keep_events_for.map(|age| before(now, age))
    }
}

/// How often the rules are applied while the server runs.
#[derive(Clone, Debug, Args)]
pub(crate) struct RetentionSchedule {
    #[command(flatten)]
    pub(crate) rules: RetentionRules,

    /// How often what the --keep rules do not keep is removed while the server runs
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_interval)]
    pub(crate) gc_every: Duration,
}

/// A size such as `500MB`, `1.5GiB` or `1000`.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1_u64,
        "kb" | "k" => 1000,
        "mb" | "m" => 1000_u64.pow(2),
        "gb" | "g" => 1000_u64.pow(3),
        "tb" | "t" => 1000_u64.pow(4),
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err("the unit can be B, kB, MB, GB, TB, KiB, MiB, GiB or TiB".to_owned()),
    };
    let problem = || "a number of bytes is needed, such as 500MB or 1.5GiB".to_owned();
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = whole.parse().map_err(|_| problem())?;
    let digits =
        u32::try_from(part.len()).ok().filter(|digits| (1..=9).contains(digits)).ok_or_else(problem)?;
    let part: u64 = part.parse().map_err(|_| problem())?;
    let part = u128::from(part) * u128::from(factor) / 10_u128.pow(digits);
    let bytes = u128::from(whole) * u128::from(factor) + part;
    u64::try_from(bytes).map_err(|_| problem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1000", 1000),
            ("1.5GiB", 3 << 29),
            ("200 GB", 200_000_000_000),
            ("2k", 2000),
            ("7b", 7),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "1.", ".5GB", "-1", "1e3", "1 XB", "1.2.3", "99999999999TB", "1.0000000001GB"]
        {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
