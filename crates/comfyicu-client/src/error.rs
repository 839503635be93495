//! What can go wrong, by what the caller does next.

mod answer;
mod check;
mod kind;

pub use answer::{ApiError, ProtocolError};
pub use check::CheckFailed;
pub use kind::ErrorKind;

use std::fmt;
use std::io;
use std::time::Duration;

use comfyicu_model::Finding;
use comfyicu_transport::{Attempt, TransportError, TransportErrorKind};

use crate::key::InvalidApiKey;
use crate::run::SubmitKey;

/// Why a call failed: [`kind`](Self::kind) says what to do about it, the
/// [source](std::error::Error::source) says what happened underneath.
///
/// Its text never holds a key, nor the query of a URL.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    text: String,
    source: Option<Source>,
    may_have_been_applied: bool,
    submit_key: Option<SubmitKey>,
}

/// What is underneath.
#[derive(Debug)]
pub(crate) enum Source {
    Api(ApiError),
    Check(CheckFailed),
    Protocol(ProtocolError),
    Transport(TransportError),
    Io(io::Error),
    Key(InvalidApiKey),
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            text: text.into(),
            source: None,
            may_have_been_applied: false,
            submit_key: None,
        }))
    }

    #[must_use]
    pub(crate) fn with_submit_key(mut self, key: SubmitKey) -> Self {
        self.0.submit_key = Some(key);
        self
    }

    /// The same failure, seen as another kind.
    #[must_use]
    pub(crate) fn become_kind(mut self, kind: ErrorKind, text: String) -> Self {
        self.0.kind = kind;
        self.0.text = text;
        self
    }

    /// Says where in the answer the unexpected stands.
    #[must_use]
    pub(crate) fn at_path(mut self, path: &str) -> Self {
        if let Some(Source::Protocol(error)) = &mut self.0.source {
            error.path = Some(path.to_owned());
        }
        self
    }

    #[must_use]
    pub(crate) fn with_source(mut self, source: Source) -> Self {
        self.0.source = Some(source);
        self
    }

    #[must_use]
    pub(crate) fn maybe_applied(mut self, may_have_been_applied: bool) -> Self {
        self.0.may_have_been_applied = may_have_been_applied;
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What the service said, when it answered with an error.
    pub fn api(&self) -> Option<&ApiError> {
        match &self.0.source {
            Some(Source::Api(error)) => Some(error),
            _ => None,
        }
    }

    /// What was found in the request, one by one: by a [`check`](crate::SubmitRun::check) before it was sent, or
    /// by the server (an extension). Warnings are among them.
    pub fn findings(&self) -> &[Finding] {
        match &self.0.source {
            Some(Source::Check(error)) => &error.findings,
            Some(Source::Api(error)) => &error.details,
            _ => &[],
        }
    }

    /// Whether the thing that was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Whether another key, or any key at all, is what it takes.
    pub fn is_auth(&self) -> bool {
        matches!(self.kind(), ErrorKind::KeyMissing | ErrorKind::Unauthorized)
    }

    /// Whether what was sent must change before it is sent again.
    pub fn is_rejected(&self) -> bool {
        self.kind() == ErrorKind::Rejected
    }

    /// Whether the same again may succeed later. Where [`may_have_been_applied`](Self::may_have_been_applied) says
    /// so too, look first what came of it.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Server | ErrorKind::RateLimited | ErrorKind::OutcomeUnknown => true,
            ErrorKind::Transport => !self.is_final(),
            _ => false,
        }
    }

    /// Whether the request itself is what is wrong with an exchange that did not come about.
    fn is_final(&self) -> bool {
        use TransportErrorKind::{Blocked, Redirect, Request};
        let Some(Source::Transport(error)) = &self.0.source else { return false };
        matches!(error.kind(), Blocked | Redirect | Request)
    }

    /// Whether the service could not be reached, or was not well. The same again may succeed later.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Transport | ErrorKind::Server)
    }

    /// Whether who looks again and again goes on after this: the service is away, unwell, or wants fewer looks.
    pub(crate) fn may_pass(&self) -> bool {
        self.is_unreachable() || self.kind() == ErrorKind::RateLimited
    }

    /// Whether the service may have done what it was asked to although the call failed: a run that was
    /// submitted may exist.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.may_have_been_applied
    }

    /// What the submit that failed is known by: its marker, where it carried one. With it,
    /// [`Workflow::find_submitted`](crate::Workflow::find_submitted) looks for the run.
    pub fn submit_key(&self) -> Option<&SubmitKey> {
        self.0.submit_key.as_ref()
    }

    /// All attempts, in order, the last one included; none where the request was sent once.
    pub fn attempts(&self) -> &[Attempt] {
        match &self.0.source {
            Some(Source::Transport(error)) => error.attempts(),
            Some(Source::Api(error)) => error.attempts(),
            _ => &[],
        }
    }

    /// How long the service asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.api().and_then(ApiError::retry_after)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("text", &self.0.text);
        if let Some(key) = &self.0.submit_key {
            debug.field("submit_key", key);
        }
        debug.field("source", &self.0.source).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self.0.source.as_ref()? {
            Source::Api(error) => error,
            Source::Check(error) => error,
            Source::Protocol(error) => error,
            Source::Transport(error) => error,
            Source::Io(error) => error,
            Source::Key(error) => error,
            Source::Other(error) => &**error,
        })
    }
}

#[cfg(test)]
mod tests;
