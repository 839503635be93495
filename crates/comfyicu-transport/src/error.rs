//! Why an exchange has no response.

use std::error::Error;
use std::fmt;

use crate::Attempt;

/// Why there is no response, or why its body ended early.
///
/// Its text never holds the query of a URL, a header or a body.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    source: Box<dyn Error + Send + Sync>,
    attempts: Vec<Attempt>,
}

/// What is known of a failed exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request cannot be sent as it is. Nothing was sent; again would fail again.
    Request,
    /// No connection: the name is unknown, nobody listens, TLS failed. Nothing was sent, so the request may
    /// be repeated.
    Connect,
    /// The address is one that must not be connected to. Nothing was sent; again would fail again.
    Blocked,
    /// It took too long. The server may have acted on the request.
    Timeout,
    /// The connection broke. The server may have acted on the request.
    Interrupted,
    /// More redirects than allowed, or one that is not allowed.
    Redirect,
    /// The response cannot be read: it is not HTTP, is longer than allowed, or its encoding is broken.
    Body,
    /// Anything else. The server may have acted on the request.
    Other,
}

impl TransportError {
    /// Says what kind of failure it is, and what caused it.
    pub fn new(kind: TransportErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into(), attempts: Vec::new() }
    }

    /// What is known of the failure.
    pub const fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Whether the server may have seen the request, this time or one of the times before.
    pub fn may_have_been_sent(&self) -> bool {
        self.kind.may_have_been_sent() || self.attempts.iter().any(|attempt| attempt.outcome.may_have_acted())
    }

    /// All attempts, in order, the last one included; none where nothing was tried again.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Says what was tried before, this last failure included.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.attempts = attempts;
        self
    }
}

impl TransportErrorKind {
    /// Whether the server may have seen the request.
    pub const fn may_have_been_sent(self) -> bool {
        !matches!(self, Self::Request | Self::Connect | Self::Blocked)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.kind, f)?;
        match self.attempts.as_slice() {
            [] | [_] => Ok(()),
            [.., last] => {
                let elapsed = last.began.saturating_add(last.took).as_secs_f64();
                write!(f, ", in {} attempts over {elapsed:.1} s", self.attempts.len())
            }
        }
    }
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "the request cannot be sent",
            Self::Connect => "no connection",
            Self::Blocked => "the address is not allowed",
            Self::Timeout => "no answer in time",
            Self::Interrupted => "the connection broke",
            Self::Redirect => "a redirect that is not followed",
            Self::Body => "the response cannot be read",
            Self::Other => "the exchange failed",
        })
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
