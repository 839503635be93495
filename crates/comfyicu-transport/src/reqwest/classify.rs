//! reqwest's errors in our terms.

use std::error::Error;
use std::io;

use super::ResolveError;
use crate::{TransportError, TransportErrorKind};

/// Says what kind of failure reqwest reports. The URL is dropped: its query may hold a secret.
pub(super) fn classify(error: reqwest::Error) -> TransportError {
    let kind = kind_of(&error);
    TransportError::new(kind, error.without_url())
}

fn kind_of(error: &reqwest::Error) -> TransportErrorKind {
    if let Some(error) = find::<ResolveError>(error)
        && error.is_blocked()
    {
        return TransportErrorKind::Blocked;
    }
    // A connection that times out has sent nothing, so this comes before the time-out.
    if error.is_connect() {
        TransportErrorKind::Connect
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_redirect() {
        TransportErrorKind::Redirect
    } else if error.is_builder() {
        TransportErrorKind::Request
    } else if find::<io::Error>(error).is_some_and(is_cut)
        || find::<hyper::Error>(error).is_some_and(is_closed)
    {
        TransportErrorKind::Interrupted
    } else if error.is_body()
        || error.is_decode()
        || find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)
    {
        TransportErrorKind::Body
    } else {
        TransportErrorKind::Other
    }
}

fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}

/// hyper has errors of its own for a connection that ended in the middle of a message.
fn is_closed(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled()
}

/// The first error of a type in the chain below `error`.
fn find<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut chain = std::iter::successors(error.source(), |&error| error.source());
    chain.find_map(<dyn Error>::downcast_ref)
}
