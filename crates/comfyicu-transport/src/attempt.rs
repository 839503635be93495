//! What was tried before a request was given up, or had its answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::TransportErrorKind;

/// One time that a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// How long after the first one it began.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of sending a request once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// An answer with this status.
    Status(StatusCode),
    /// No answer, or not all of it.
    Failed(TransportErrorKind),
}

/// All attempts of a request, in order: among the extensions of a response that took more than one.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<[Attempt]>);

impl Attempts {
    /// The attempts behind a response; none where [`Retry`](crate::Retry) did not see it, or it came at once.
    pub fn of<B>(response: &http::Response<B>) -> &[Attempt] {
        response.extensions().get::<Self>().map_or(&[], |attempts| &attempts.0)
    }
}

impl From<Vec<Attempt>> for Attempts {
    fn from(attempts: Vec<Attempt>) -> Self {
        Self(attempts.into())
    }
}

impl Attempt {
    /// Says of one time that a request was sent how it went.
    pub const fn new(began: Duration, took: Duration, outcome: Outcome) -> Self {
        Self { began, took, outcome }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (began, took) = (self.began.as_secs_f64(), self.took.as_secs_f64());
        write!(f, "after {began:.1} s: {} ({took:.1} s)", self.outcome)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => fmt::Display::fmt(status, f),
            Self::Failed(kind) => fmt::Display::fmt(kind, f),
        }
    }
}

impl Outcome {
    /// Whether the server may have done what the request asks for: it was sent, and not turned away.
    pub fn may_have_acted(self) -> bool {
        match self {
            Self::Failed(kind) => kind.may_have_been_sent(),
            Self::Status(status) => status.is_success() || status.is_server_error() || status.as_u16() == 408,
        }
    }
}
