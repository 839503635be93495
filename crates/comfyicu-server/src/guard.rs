//! Which addresses the server connects to on behalf of others: public ones, and those that were allowed.
//!
//! URLs in a run come from whoever submits it. Without this guard they could make the server read the
//! private network that it stands in. An address that stands in a URL is checked there; a name is checked
//! when it is resolved, and the connection goes to the address that was checked.

mod public;

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use comfyicu_transport::{ResolveError, Resolver};
use ipnet::IpNet;
use url::{Host, Url};

/// One entry of `--allow-host`: a host's name, or a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AllowedHost {
    Name(String),
    Net(IpNet),
}

/// Why an entry of `--allow-host` is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a host's name, nor an address, nor a network such as 10.0.0.0/8")]
pub(crate) struct InvalidAllowedHost(String);

impl FromStr for AllowedHost {
    type Err = InvalidAllowedHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(net) = bare.parse::<IpNet>() {
            return Ok(Self::Net(net));
        }
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self::Net(address.into()));
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) if !text.contains('/') => Ok(Self::Name(name)),
            _ => Err(InvalidAllowedHost(text.to_owned())),
        }
    }
}

/// Why the server does not connect to an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Blocked {
    /// The address is private.
    #[error("{0} is a private or reserved address; the server's operator can allow it with --allow-host {0}")]
    Address(IpAddr),
    /// The name leads to a private address.
    #[error(
        "{host} leads to a private or reserved address; the server's operator can allow it with --allow-host {host}"
    )]
    Name {
        /// The name.
        host: String,
    },
    /// The URL is of another kind than the web's.
    #[error("only http and https URLs are fetched")]
    Scheme,
    /// The URL names no host.
    #[error("the URL has no host")]
    NoHost,
}

/// The guard. Clones share one list.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    allowed: Arc<[AllowedHost]>,
}

impl Guard {
    pub(crate) fn new(allowed: impl Into<Arc<[AllowedHost]>>) -> Self {
        Self { allowed: allowed.into() }
    }

    /// Checks what can be told from the URL alone; the rest is checked when its name is resolved.
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), Blocked> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Blocked::Scheme);
        }
        match url.host().ok_or(Blocked::NoHost)? {
            Host::Domain(_) => Ok(()),
            Host::Ipv4(address) => self.check_address(address.into()),
            Host::Ipv6(address) => self.check_address(address.into()),
        }
    }

    fn check_address(&self, address: IpAddr) -> Result<(), Blocked> {
        if public::is_public(address) || self.allows_address(address) {
            return Ok(());
        }
        Err(Blocked::Address(address))
    }

    fn allows_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|entry| matches!(entry, AllowedHost::Net(net) if net.contains(&address)))
    }

    fn allows_name(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        self.allowed
            .iter()
            .any(|entry| matches!(entry, AllowedHost::Name(name) if name.eq_ignore_ascii_case(host)))
    }
}

#[async_trait]
impl Resolver for Guard {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let sockets = tokio::net::lookup_host((host, 0)).await.map_err(ResolveError::failed)?;
        let addresses: Vec<IpAddr> = sockets.map(|socket| socket.ip()).collect();
        if self.allows_name(host) {
            return Ok(addresses);
        }
        // One private address is enough: a name that has both kinds is a trap.
        match addresses.iter().find(|address| self.check_address(**address).is_err()) {
            Some(address) => {
                // Where a private name leads is for the log, and not for whoever submitted it.
                tracing::info!(host, %address, "an address is not allowed");
                Err(ResolveError::blocked(Blocked::Name { host: host.to_owned() }))
            }
            None => Ok(addresses),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str]) -> Guard {
        Guard::new(allowed.iter().map(|text| text.parse().unwrap()).collect::<Vec<AllowedHost>>())
    }

    fn allows(guard: &Guard, url: &str) -> bool {
        guard.check_url(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn private_addresses_are_refused_however_they_are_written() {
        let guard = guard(&[]);
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[ff02::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "ftp://example.com/",
        ] {
            assert!(!allows(&guard, url), "{url}");
        }
        for url in ["http://8.8.8.8/", "https://example.com/", "http://[2606:4700::1111]/"] {
            assert!(allows(&guard, url), "{url}");
        }
    }

    #[test]
    fn what_is_allowed_is_allowed_on_every_port_and_nothing_else_is() {
        let guard = guard(&["127.0.0.1", "10.0.0.0/8", "[::1]"]);
        for url in [
            "http://127.0.0.1:8188/",
            "http://10.200.3.4:1/",
            "http://[::1]:99/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(allows(&guard, url), "{url}");
        }
        assert!(!allows(&guard, "http://127.0.0.2/"));
    }

    #[tokio::test]
    async fn names_are_checked_when_they_are_resolved() {
        let error = guard(&[]).resolve("localhost").await.unwrap_err();
        let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(reason.starts_with("localhost leads to a private"), "{reason}");
        assert!(guard(&["localhost"]).resolve("localhost").await.is_ok());
        assert!(guard(&["127.0.0.0/8", "::1"]).resolve("localhost").await.is_ok());
    }

    #[test]
    fn entries_are_names_addresses_or_networks() {
        assert_eq!("Example.COM".parse(), Ok(AllowedHost::Name("example.com".to_owned())));
        for bad in ["", "a b", "http://x/", "10.0.0.0/33", "example.com/8"] {
            assert!(bad.parse::<AllowedHost>().is_err(), "{bad:?}");
        }
    }
}
