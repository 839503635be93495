//! Times in arguments: moments, and how long something is.

use std::str::FromStr;
use std::time::Duration;

use comfyicu_model::Timestamp;
use jiff::{Span, SpanRelativeTo};

use crate::clock::{after, before};

/// A moment, or how far it is from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Away(Duration),
    At(Timestamp),
}

/// A text that is no such time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a while such as 90d or 12h, or a moment such as 2027-01-01T00:00:00Z, is needed")]
pub(crate) struct InvalidWhen;

impl FromStr for When {
    type Err = InvalidWhen;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(span) = parse_span(text) {
            return Ok(Self::Away(span));
        }
        let day = format!("{text}T00:00:00Z");
        let moment = text.parse::<Timestamp>().or_else(|_| day.parse());
        moment.map(Self::At).map_err(|_| InvalidWhen)
    }
}

impl When {
    /// The moment, where a while lies ahead.
    pub(crate) fn ahead_of(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Away(span) => after(now, span),
            Self::At(moment) => moment,
        }
    }

    /// The moment, where a while lies back.
    pub(crate) fn back_from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Away(span) => before(now, span),
            Self::At(moment) => moment,
        }
    }
}

/// Reads how long something is: `90d`, `1h 30m`, `0s`.
pub(crate) fn parse_span(text: &str) -> Result<Duration, InvalidWhen> {
    let span = text.parse::<Span>().map_err(|_| InvalidWhen)?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| InvalidWhen)?;
    Duration::try_from(duration).map_err(|_| InvalidWhen)
}

/// Reads how old something is: `30d`, `6months`, `1y`; a month is the twelfth of a year.
pub(crate) fn parse_age(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

/// The same, of what has to last for a second.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse_age(text)?;
    if interval < Duration::from_secs(1) {
        Err("at least a second is needed".to_owned())
    } else {
        Ok(interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_while_or_a_moment() {
        let day = Duration::from_hours(24);
        assert_eq!("90d".parse(), Ok(When::Away(90 * day)));
        assert_eq!("1h 30m".parse(), Ok(When::Away(Duration::from_mins(90))));
        let moment = "2027-01-01T00:00:00Z".parse().unwrap();
        assert_eq!("2027-01-01".parse(), Ok(When::At(moment)));
        assert_eq!("2027-01-01T00:00:00Z".parse(), Ok(When::At(moment)));
        for bad in ["", "soon", "-1d", "3", "2027-13-01"] {
            assert_eq!(bad.parse::<When>(), Err(InvalidWhen), "{bad:?}");
        }
        let now = Timestamp::from_unix_millis(86_400_000);
        assert_eq!(When::Away(day).back_from(now), Timestamp::from_unix_millis(0));
        assert_eq!(When::Away(day).ahead_of(now), Timestamp::from_unix_millis(2 * 86_400_000));
    }
}
