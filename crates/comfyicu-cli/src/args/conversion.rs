//! How a UI workflow becomes a prompt: which definitions, and what the file leaves open.

use std::str::FromStr;

use comfyicu_model::{ConvertOptions, LocalTime};
use jiff::ZonedDateTime;
use jiff::civil::DateTime;

use super::Place;

/// How a UI workflow is converted.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Conversion {
    /// The node definitions to convert a UI workflow with: a file, or the URL of a ComfyUI or of a server; without
    /// it, those of the service.
    #[arg(long, value_name = "FILE|URL", help_heading = "Conversion of a UI workflow")]
    pub(crate) object_info: Option<Place>,
    /// Chooses between alternatives in texts, such as {red|blue}: the same seed chooses the same. Without it they
    /// stay as they are.
    #[arg(long, value_name = "SEED", help_heading = "Conversion of a UI workflow")]
    choose: Option<u64>,
    /// Fills in %date:…% in names of files with this time, such as 2026-11-28T14:03:00, or `now`; and
    /// %Node.widget% with the widget's value. Without it they stay as they are.
    #[arg(long, value_name = "TIME", help_heading = "Conversion of a UI workflow")]
    date: Option<When>,
}

impl Conversion {
    /// What is done with what the file leaves open.
    pub(crate) fn options(&self) -> ConvertOptions {
        let mut options = ConvertOptions::new();
        if let Some(seed) = self.choose {
            options = options.choose_alternatives(seed);
        }
        if let Some(When(time)) = self.date {
            options = options.fill_in_names(time);
        }
        options
    }
}

/// A time on the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct When(LocalTime);

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = match text {
            "now" => ZonedDateTime::now().datetime(),
            _ => text
                .parse::<DateTime>()
                .map_err(|_| "it is neither `now` nor a time, such as 2026-11-28T14:03:00")?,
        };
        local_time(time).map(Self).ok_or("its year is before the year 0")
    }
}

fn local_time(time: DateTime) -> Option<LocalTime> {
    let part = |part: i8| u8::try_from(part).ok();
    Some(LocalTime {
        year: u16::try_from(time.year()).ok()?,
        month: part(time.month())?,
        day: part(time.day())?,
        hour: part(time.hour())?,
        minute: part(time.minute())?,
        second: part(time.second())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        let second = |second| LocalTime { year: 2026, month: 11, day: 28, hour: 14, minute: 3, second };
        assert_eq!("2026-11-28T14:03:07".parse(), Ok(When(second(7))));
        assert_eq!("2026-11-28 14:03".parse(), Ok(When(second(0))));
        assert!("now".parse::<When>().is_ok_and(|When(now)| now.year >= 2026));
        for wrong in ["", "tomorrow", "2026-13-01", "-0001-01-01T00:00:00"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
