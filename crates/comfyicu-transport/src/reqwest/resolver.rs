//! The hook into name resolution: which addresses a name may lead to.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;

/// Resolves the names of hosts, in place of the system. Addresses that stand in a URL as they are do not
/// come here: whoever guards against them looks at the URL too.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The addresses that may be connected to for a name; the connection goes to one of these.
    ///
    /// # Errors
    /// When the name is unknown, or leads to an address that must not be connected to.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError>;
}

/// Why a name gave no address.
#[derive(Debug)]
pub struct ResolveError {
    blocked: bool,
    source: Box<dyn Error + Send + Sync>,
}

impl ResolveError {
    /// The name cannot be resolved.
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { blocked: false, source: source.into() }
    }

    /// The name leads to an address that must not be connected to.
    pub fn blocked(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { blocked: true, source: source.into() }
    }

    pub(super) const fn is_blocked(&self) -> bool {
        self.blocked
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.blocked {
            "the host leads to an address that is not allowed"
        } else {
            "the host cannot be resolved"
        })
    }
}

impl Error for ResolveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// Lends a [`Resolver`] to reqwest.
pub(super) struct Adapter(pub(super) Arc<dyn Resolver>);

impl reqwest::dns::Resolve for Adapter {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = resolver.resolve(name.as_str()).await?;
            // reqwest replaces port 0 by the URL's.
            let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as reqwest::dns::Addrs)
        })
    }
}
