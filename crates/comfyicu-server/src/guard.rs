//! Which addresses the server connects to on behalf of others: public ones, and those that were allowed.
//!
//! URLs in a run come from whoever submits it. Without this guard they could make the server read the
//! private network that it stands in. An address that stands in a URL is checked there; a name is checked
//! when it is resolved, and the connection goes to the address that was checked.

mod public;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
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

/// Says which addresses a name has.
#[async_trait]
pub(crate) trait Lookup: std::fmt::Debug + Send + Sync {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// What the system says.
#[derive(Debug)]
struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|socket| socket.ip()).collect())
    }
}

/// The guard. Clones share one list.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    allowed: Arc<[AllowedHost]>,
    lookup: Arc<dyn Lookup>,
}

impl Guard {
    pub(crate) fn new(allowed: impl Into<Arc<[AllowedHost]>>) -> Self {
        Self::with_lookup(allowed, Arc::new(SystemLookup))
    }

    /// Asks something else than the system for the addresses of names.
    pub(crate) fn with_lookup(allowed: impl Into<Arc<[AllowedHost]>>, lookup: Arc<dyn Lookup>) -> Self {
        Self { allowed: allowed.into(), lookup }
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
        let addresses = self.lookup.lookup(host).await.map_err(ResolveError::failed)?;
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
