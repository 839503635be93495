//! Layers: transports around a transport. [`Layers`] puts them in an order that makes sense.

pub(crate) mod body_limit;
pub(crate) mod rate_limit;
pub(crate) mod retry;
pub(crate) mod timeout;
#[cfg(feature = "trace")]
pub(crate) mod trace;
pub(crate) mod user_agent;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use crate::{BodyLimit, RateLimit, RateLimited, Retry, RetryPolicy, SharedTransport};
use crate::{Timeout, UserAgent};

/// Puts layers around a transport. Whatever the order of the calls, a request goes through them in this one:
///
/// 1. **user agent**: set once, the same for each attempt;
/// 2. **retry**: everything below is one attempt;
/// 3. **rate limit**: each attempt waits for its turn, so repeated ones do not break the limit;
/// 4. **timeout**: bounds one attempt, without the time that it waited for its turn;
/// 5. **trace**: one span an attempt, with what really went over the wire;
/// 6. **body limit**: what comes in is bounded before anybody else looks at it;
/// 7. the transport itself, or a `Recorder` around it.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use comfyicu_transport::{Layers, RateLimit, ReqwestTransport, RetryPolicy};
///
/// let transport = Layers::around(Arc::new(ReqwestTransport::builder().build()?))
///     .retry(RetryPolicy::default())
///     .rate_limit(RateLimit::per_second(10.0).in_flight(8))
///     .timeout(Duration::from_secs(60))
///     .build();
/// # Ok::<(), comfyicu_transport::TransportError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "no layer is put around it until `build` is called"]
pub struct Layers {
    transport: SharedTransport,
    user_agent: Option<HeaderValue>,
    retry: Option<RetryPolicy>,
    rate_limit: Option<RateLimit>,
    timeout: Option<Duration>,
    #[cfg(feature = "trace")]
    trace: bool,
    body_limit: Option<u64>,
}

impl Layers {
    /// Starts with the transport that sends.
    pub const fn around(transport: SharedTransport) -> Self {
        Self {
            transport,
            user_agent: None,
            retry: None,
            rate_limit: None,
            timeout: None,
            #[cfg(feature = "trace")]
            trace: false,
            body_limit: None,
        }
    }

    /// Says who asks, where a request does not say so itself; see [`UserAgent`].
    pub fn user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = Some(user_agent);
        self
    }

    /// Repeats what may be repeated; see [`Retry`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Keeps to a pace; see [`RateLimited`].
    pub const fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Bounds the time of each attempt, body included; see [`Timeout`].
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Makes a `tracing` span of each attempt; see [`Traced`](crate::Traced).
    #[cfg(feature = "trace")]
    pub const fn trace(mut self) -> Self {
        self.trace = true;
        self
    }

    /// Bounds the bytes of each response; see [`BodyLimit`].
    pub const fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Puts the layers around the transport.
    pub fn build(self) -> SharedTransport {
        let mut transport = self.transport;
        if let Some(bytes) = self.body_limit {
            transport = Arc::new(BodyLimit::new(transport, bytes));
        }
        #[cfg(feature = "trace")]
        if self.trace {
            transport = Arc::new(crate::Traced::new(transport));
        }
        if let Some(timeout) = self.timeout {
            transport = Arc::new(Timeout::new(transport, timeout));
        }
        if let Some(limit) = self.rate_limit {
            transport = Arc::new(RateLimited::new(transport, limit));
        }
        if let Some(policy) = self.retry {
            transport = Arc::new(Retry::new(transport, policy));
        }
        if let Some(user_agent) = self.user_agent {
            transport = Arc::new(UserAgent::new(transport, user_agent));
        }
        transport
    }
}

/// A transport that layers are put around can be one itself.
impl From<Layers> for SharedTransport {
    fn from(layers: Layers) -> Self {
        layers.build()
    }
}
