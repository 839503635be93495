//! How a [`Client`] is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use comfyicu_transport::{Layers, RateLimit, RetryPolicy, SharedTransport};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;

use crate::base_url::BaseUrl;
use crate::capabilities::Capabilities;
use crate::client::{Client, Inner};
use crate::error::{Error, ErrorKind, Source};
use crate::key::ApiKey;
use crate::object_info::Cached;
use crate::run::{Crowds, Lengths};

/// Where the hosted service is: the default.
pub const HOSTED_BASE_URL: &str = "https://comfy.icu";
/// How long a call may take, its answer included. Creating a run on the hosted service has taken 45 s.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// Sets up a [`Client`]. Nothing is taken from the environment, except the proxy settings by the default transport.
#[derive(Clone, Default)]
#[must_use = "no client is made until `build` is called"]
pub struct ClientBuilder {
    key: Option<SecretString>,
    base_url: Option<String>,
    transport: Option<SharedTransport>,
    timeout: Option<Duration>,
    retry: RetryPolicy,
    rate_limit: Option<RateLimit>,
    capabilities: Option<Capabilities>,
}

impl ClientBuilder {
    /// Sets the API key. The hosted service wants one, a server of one's own may not.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(SecretString::from(key.into()));
        self
    }

    /// Sets where the service is; the default is the hosted one, [`HOSTED_BASE_URL`].
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sends through `transport`; the default is `ReqwestTransport`, with the feature `reqwest`.
    pub fn transport(mut self, transport: SharedTransport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Sets how long a call may take, its answer included; the default is [`DEFAULT_TIMEOUT`]. Uploads
    /// and downloads take what they take; they are bounded by how long the other side is silent.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how requests are repeated; the default is [`RetryPolicy::default`]. A submit is repeated only while
    /// the service has certainly not acted on it; see [`SubmitRun`](crate::SubmitRun) for what happens then.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Keeps to a pace; clones of the client share it. By default there is no limit.
    pub const fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Sets what the service offers beyond the hosted one, so that it is not asked.
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] when the key or the base URL cannot be used, or there is no transport.
    pub fn build(self) -> Result<Client, Error> {
        let base_url = self.base_url.as_deref().unwrap_or(HOSTED_BASE_URL);
        let base = BaseUrl::parse(base_url).map_err(|error| {
            // The address may hold a password or a key where none belongs, so it is not repeated.
            Error::new(ErrorKind::Setup, "the base URL cannot be used")
                .with_source(Source::Other(error.into()))
        })?;
        let key = self.key.map(|key| ApiKey::new(key.expose_secret())).transpose().map_err(|error| {
            Error::new(ErrorKind::Setup, "the API key cannot be used").with_source(Source::Key(error))
        })?;
        let transport = self.transport.map_or_else(default_transport, Ok)?;
        let mut layers = Layers::around(transport).retry(self.retry).trace();
        if let Some(limit) = self.rate_limit {
            layers = layers.rate_limit(limit);
        }
        let timeout = self.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let capabilities =
            self.capabilities.map_or_else(OnceCell::new, |known| OnceCell::new_with(Some(known)));
        let transport = layers.build();
        let (lengths, crowds, definitions) = (Lengths::default(), Crowds::default(), Cached::default());
        let inner = Inner { base, key, transport, timeout, capabilities, lengths, crowds, definitions };
        Ok(Client { inner: Arc::new(inner) })
    }
}

#[cfg(feature = "reqwest")]
fn default_transport() -> Result<SharedTransport, Error> {
    let transport = comfyicu_transport::ReqwestTransport::builder().build().map_err(|error| {
        Error::new(ErrorKind::Setup, "TLS cannot be set up").with_source(Source::Transport(error))
    })?;
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport() -> Result<SharedTransport, Error> {
    let text = "no transport was given, and without the feature `reqwest` there is no default";
    Err(Error::new(ErrorKind::Setup, text))
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|_| "..");
        f.debug_struct("ClientBuilder")
            .field("key", &key)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
