//! How a [`ReqwestTransport`] is set up; every bound has a default.

use std::{sync::Arc, time::Duration};

use super::resolver::{Adapter, Resolver};
use super::{ReqwestTransport, TlsRoots, tls};
use crate::{TransportError, TransportErrorKind};

/// How long a connection may take to come about, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may be silent before and inside an answer. Creating a run on the hosted service has
/// taken 45 s.
const READ_TIMEOUT: Duration = Duration::from_secs(90);
/// How many redirects are followed.
const MAX_REDIRECTS: usize = 10;

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectPolicy {
    /// None: the redirect is the response. For whoever checks each step on the way.
    None,
    /// At most so many, of a GET or HEAD without a key. A request with an `authorization` header is for one
    /// origin, and one with a body is sent once: for these, the redirect is the response.
    Follow(usize),
}

/// Sets up a [`ReqwestTransport`].
#[derive(Clone, Debug)]
#[must_use = "nothing is set up until `build` is called"]
pub struct ReqwestTransportBuilder {
    user_agent: String,
    connect_timeout: Duration,
    read_timeout: Duration,
    total_timeout: Option<Duration>,
    redirects: RedirectPolicy,
    resolver: Option<Arc<dyn Resolver>>,
    proxy_from_env: bool,
    decompress: bool,
    tls_roots: TlsRoots,
}

impl Default for ReqwestTransportBuilder {
    fn default() -> Self {
        Self {
            user_agent: concat!("comfyicu-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: CONNECT_TIMEOUT,
            read_timeout: READ_TIMEOUT,
            total_timeout: None,
            redirects: RedirectPolicy::Follow(MAX_REDIRECTS),
            resolver: None,
            proxy_from_env: true,
            decompress: true,
            tls_roots: TlsRoots::default(),
        }
    }
}

impl ReqwestTransportBuilder {
    /// Sets the `user-agent`; the default names these crates.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sets how long a connection may take to come about; the default is 10 s.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long the server may be silent, before its answer and inside it; the default is 90 s. The
    /// time that a body takes to be sent does not count.
    pub const fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Sets how long an exchange may take in all, body included; the default is no bound but those above.
    pub const fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = Some(timeout);
        self
    }

    /// Sets which redirects are followed; the default is 10.
    pub const fn redirects(mut self, policy: RedirectPolicy) -> Self {
        self.redirects = policy;
        self
    }

    /// Resolves names through `resolver` in place of the system.
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Sets whose certificates are believed; the default is the platform's, where that feature is on.
    pub const fn tls_roots(mut self, roots: TlsRoots) -> Self {
        self.tls_roots = roots;
        self
    }

    /// Connects directly, whatever proxy the environment names. By default `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`
    /// and `NO_PROXY` are honoured, except for addresses of this machine (`127.0.0.0/8`, `::1`, `localhost`), which
    /// are called directly in any case. A resolver guards nothing behind a proxy, which resolves names itself.
    pub const fn no_proxy(mut self) -> Self {
        self.proxy_from_env = false;
        self
    }

    /// Gives bodies as they come over the wire, and does not ask for packed ones. By default gzip and deflate are
    /// asked for and unpacked.
    pub const fn no_decompression(mut self) -> Self {
        self.decompress = false;
        self
    }

    /// Makes the transport.
    ///
    /// # Errors
    /// When the user agent is not a header's text, or TLS cannot be set up ([`TransportErrorKind::Request`]).
    pub fn build(self) -> Result<ReqwestTransport, TransportError> {
        let tls = tls::config(self.tls_roots)
            .map_err(|error| TransportError::new(TransportErrorKind::Request, error))?;
        let builder = || {
            let mut builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(&self.user_agent)
                .connect_timeout(self.connect_timeout)
                // Followed by the transport itself, which knows what may be sent on.
                .redirect(reqwest::redirect::Policy::none())
                // A URL can hold a signature, which is nobody else's business.
                .referer(false);
            if !self.decompress {
                builder = builder.no_gzip().no_deflate();
            }
            if let Some(timeout) = self.total_timeout {
                builder = builder.timeout(timeout);
            }
            if let Some(resolver) = &self.resolver {
                builder = builder.dns_resolver(Adapter(Arc::clone(resolver)));
            }
            builder
        };
        let made = |client: reqwest::Result<_>| {
            client.map_err(|error| TransportError::new(TransportErrorKind::Request, error))
        };
        let direct = made(builder().no_proxy().build())?;
        let client = if self.proxy_from_env { made(builder().build())? } else { direct.clone() };
        let (read_timeout, redirects) = (self.read_timeout, self.redirects);
        Ok(ReqwestTransport { client, direct, read_timeout, redirects })
    }
}
