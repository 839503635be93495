//! Moments, as the API writes them.

use std::{fmt, str::FromStr, time::Duration};

/// A moment with the API's precision: `2025-05-23T15:08:18.297Z`. Any offset from UTC is read; a time without
/// one is refused, for it is not known which moment it means.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// Why a text is not a moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time in ISO 8601, such as 2025-05-23T15:08:18.297Z")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// Makes a moment of the milliseconds since 1970; those beyond the year 9999, before or after, become the
    /// last second that there is.
    pub fn from_unix_millis(millis: i64) -> Self {
        let last = if millis < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let last = || jiff::Timestamp::from_second(last.as_second()).unwrap_or(last);
        Self(jiff::Timestamp::from_millisecond(millis).unwrap_or_else(|_| last()))
    }

    /// The milliseconds since 1970.
    pub fn as_unix_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The time from `earlier` to this moment; zero when `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or_default()
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| InvalidTimestamp(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_milliseconds_agree() {
        let text = "2025-05-23T15:08:18.297Z";
        let moment: Timestamp = text.parse().unwrap();
        assert_eq!(moment.to_string(), text);
        assert_eq!(Timestamp::from_unix_millis(moment.as_unix_millis()), moment);
        assert_eq!(Timestamp::from_unix_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_beyond_the_calendar_becomes_its_end() {
        for (millis, year) in [(i64::MAX, "9999-"), (i64::MAX / 1000, "9999-"), (i64::MIN, "-009999-")] {
            let moment = Timestamp::from_unix_millis(millis);
            assert!(moment.to_string().starts_with(year), "{millis}: {moment}");
            assert_eq!(Timestamp::from_unix_millis(moment.as_unix_millis()), moment);
            let text = moment.to_string();
            assert_eq!(text.parse::<Timestamp>().map(|read| read.to_string()).as_deref(), Ok(&*text));
        }
    }

    #[test]
    fn durations_do_not_go_below_zero() {
        let (a, b) = (Timestamp::from_unix_millis(1_000), Timestamp::from_unix_millis(3_500));
        assert_eq!(b.since(a), Duration::from_millis(2_500));
        assert_eq!(a.since(b), Duration::ZERO);
    }

    #[test]
    fn other_spellings_of_a_moment_are_read_too() {
        let moment = |text: &str| text.parse::<Timestamp>().map(|moment| moment.to_string());
        for text in [
            "2025-05-23T15:08:18Z",
            "2025-05-23T17:08:18.000+02:00",
            "2025-05-23 15:08:18.000123+00",
            "2025-05-23t15:08:18z",
        ] {
            assert_eq!(moment(text).as_deref(), Ok("2025-05-23T15:08:18.000Z"), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["yesterday", "", "2025-05-23", "2025-05-23T15:08:18", "1748012898297"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
