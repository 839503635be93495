//! Why an exchange has no response.

use std::error::Error;
use std::fmt;

/// Why there is no response, or why its body ended early.
///
/// Its text never holds the query of a URL, a header or a body.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    source: Box<dyn Error + Send + Sync>,
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
        Self { kind, source: source.into() }
    }

    /// What is known of the failure.
    pub const fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Whether the server may have seen the request.
    pub const fn may_have_been_sent(&self) -> bool {
        !matches!(
            self.kind,
            TransportErrorKind::Request | TransportErrorKind::Connect | TransportErrorKind::Blocked
        )
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::Request => "the request cannot be sent",
            TransportErrorKind::Connect => "no connection",
            TransportErrorKind::Blocked => "the address is not allowed",
            TransportErrorKind::Timeout => "no answer in time",
            TransportErrorKind::Interrupted => "the connection broke",
            TransportErrorKind::Redirect => "a redirect that is not followed",
            TransportErrorKind::Body => "the response cannot be read",
            TransportErrorKind::Other => "the exchange failed",
        })
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
