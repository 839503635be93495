//! For which hosts a credential is.

use std::str::FromStr;

use url::{Host, Url};

/// Hosts: `example.com`, `*.example.com` for all below it, with a port where it is not the usual one, and with
/// `http://` before it where a secret may go in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPattern {
    scheme: String,
    below: bool,
    host: Host,
    port: u16,
}

/// Why a text names no hosts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host of a credential; `example.com`, `*.example.com` or `http://10.0.0.1:8080` would be one"
)]
pub(crate) struct InvalidPattern(String);

impl FromStr for HostPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPattern(text.chars().take(200).collect());
        let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
        let (below, rest) = rest.strip_prefix("*.").map_or((false, rest), |rest| (true, rest));
        if rest.contains(['/', '@', '?', '#', '\\', '*']) {
            return Err(invalid());
        }
        let url = Url::parse(&format!("{scheme}://{rest}/")).map_err(|_| invalid())?;
        let host = url.host().ok_or_else(invalid)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(invalid)?;
        let usable = matches!(scheme, "http" | "https") && (!below || matches!(host, Host::Domain(_)));
        usable.then(|| Self { scheme: scheme.to_owned(), below, host, port }).ok_or_else(invalid)
    }
}

impl HostPattern {
    /// Whether a URL is on one of the hosts.
    pub(super) fn matches(&self, url: &Url) -> bool {
        if url.scheme() != self.scheme || url.port_or_known_default() != Some(self.port) {
            return false;
        }
        match (&self.host, url.host()) {
            (Host::Domain(known), Some(Host::Domain(name))) if self.below => {
                let above = name.trim_end_matches('.').strip_suffix(known.as_str());
                above.is_some_and(|above| above.len() > 1 && above.ends_with('.'))
            }
            (Host::Domain(known), Some(Host::Domain(name))) => name.trim_end_matches('.') == known,
            (known, Some(host)) => host.to_owned() == *known,
            (_, None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_its_hosts_and_no_others() {
        for (pattern, yes, no) in [
            (
                "example.com",
                &["https://example.com/a", "https://EXAMPLE.com:443/", "https://example.com./a"][..],
                &[
                    "http://example.com/",
                    "https://example.com:8443/",
                    "https://a.example.com/",
                    "https://example.com.evil.org/",
                    "https://evilexample.com/",
                    "https://example.org/example.com",
                    "https://example.com@evil.org/",
                    "https://evil.org#example.com",
                ][..],
            ),
            (
                "*.example.com",
                &["https://a.example.com/", "https://a.b.example.com/"],
                &["https://example.com/", "https://evilexample.com/", "https://.example.com/"],
            ),
            ("http://127.0.0.1:99", &["http://127.1:99/x"], &["http://127.0.0.1/", "https://127.0.0.1:99/"]),
            ("example.com:8443", &["https://example.com:8443/"], &["https://example.com/"]),
            ("http://[::1]:8", &["http://[0:0::1]:8/"], &["http://[::2]:8/"]),
        ] {
            let parsed: HostPattern = pattern.parse().unwrap();
            let matches = |text: &&str| Url::parse(text).is_ok_and(|url| parsed.matches(&url));
            assert!(yes.iter().all(matches), "{pattern}");
            assert!(!no.iter().any(matches), "{pattern}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in ["", "*", "*.", "a*b.com", "ftp://a", "a/b", "u@a", "https://a/b", "*.127.0.0.1", "a b"] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad:?}");
        }
    }
}
