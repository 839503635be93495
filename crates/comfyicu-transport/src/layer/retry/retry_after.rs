//! `Retry-After`, in both of its forms. Pure: the time comes in by argument.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// How long a server asks to be left alone: `Retry-After`, in seconds or as a date, seen from `now`. A date
/// that has passed is no time at all; what is neither is not there.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use comfyicu_transport::retry_after;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("retry-after", http::HeaderValue::from_static("120"));
/// assert_eq!(retry_after(&headers, SystemTime::now()), Some(Duration::from_secs(120)));
/// ```
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<u64> {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers, now).map(|delay| delay.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("Wed, 21 Oct 2015 07:29:05 GMT"), Some(65));
        assert_eq!(read("Wed, 21 Oct 2015 07:00:00 GMT"), Some(0), "it has passed");
        for nonsense in ["", "soon", "-5", "1.5", "99999999999999999999"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    }
}
