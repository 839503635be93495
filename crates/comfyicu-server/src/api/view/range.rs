//! The header `range` (RFC 9110, 14.2): one part of a file, from its beginning or its end.

use http::HeaderMap;
use http::header;
use object_store::GetRange;

/// The part that is asked for. `None` where all is: no header, another unit, several parts, or not a range; a server
/// may answer all of these with the whole file.
pub(super) fn wanted(headers: &HeaderMap, version: &str) -> Option<GetRange> {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    // A part of another version would not fit to what the client has.
    if headers.get(header::IF_RANGE).is_some_and(|known| known != version) {
        return None;
    }
    parse(value.to_str().ok()?)
}

fn parse(text: &str) -> Option<GetRange> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (first.trim(), last.trim()) {
        ("", last) => Some(GetRange::Suffix(number(last)?)),
        (first, "") => Some(GetRange::Offset(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| GetRange::Bounded(first..last.saturating_add(1)))
        }
    }
}

/// Digits alone. What is larger than any file is beyond the end of each.
fn number(digits: &str) -> Option<u64> {
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| digits.parse().unwrap_or(u64::MAX - 1))
}

/// The bytes of a file of this size that a range means; `None` where it means none.
pub(super) fn satisfiable(range: &GetRange, size: u64) -> Option<std::ops::Range<u64>> {
    let bytes = range.as_range(size).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<std::ops::Range<u64>> {
        satisfiable(&parse(text)?, 10)
    }

    #[test]
    fn one_range_is_understood() {
        for (text, bytes) in [
            ("bytes=0-3", 0..4),
            ("bytes=3-", 3..10),
            ("bytes=-3", 7..10),
            ("bytes=9-9", 9..10),
            ("bytes=5-99999999999999999999999", 5..10),
            ("bytes=-11", 0..10),
            ("Bytes = 1 - 2", 1..3),
        ] {
            assert_eq!(of(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_lies_beyond_the_end_is_no_part_of_it() {
        for text in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert!(parse(text).is_some_and(|range| satisfiable(&range, 10).is_none()), "{text}");
        }
    }

    #[test]
    fn anything_else_asks_for_all() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=4-3",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
