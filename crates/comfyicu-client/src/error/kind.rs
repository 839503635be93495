//! The kinds of failure, and the one that each status is.

use http::StatusCode;

/// What kind of failure it is, by what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client cannot be made as it was asked for: correct the setting that the text names.
    Setup,
    /// The hosted service wants a key and there is none. Nothing was sent: give one.
    KeyMissing,
    /// The service refused the key, or wants one: give another.
    Unauthorized,
    /// The account has nothing left (402): top it up.
    InsufficientCredit,
    /// What was asked for does not exist: look at the ids and the address.
    NotFound,
    /// The request does not fit what is there (409).
    Conflict,
    /// The prompt, the files or the request are not acceptable, here or to the service (400, 413, 415,
    /// 422): change them. [`Error::findings`](super::Error::findings) may say what exactly is wrong.
    Rejected,
    /// Too many requests (429): wait, see [`Error::retry_after`](super::Error::retry_after).
    RateLimited,
    /// The service is having problems (5xx, 408, 425): later.
    Server,
    /// No answer, or only part of one: see the source.
    Transport,
    /// A submit may have been received or not, and it could not be found out within the time for that: look for
    /// it later by its [`submit_key`](super::Error::submit_key), or accept a second run and submit anew.
    OutcomeUnknown,
    /// The service is at another address (301, 302, 303, 307, 308), and a key is not sent there by itself: set
    /// the base URL to it.
    Moved,
    /// Something else arrived than the service's answer: look at the address.
    Protocol,
    /// This service does not offer it.
    Unsupported,
    /// The run has no outputs to save: it has not ended, or not well.
    NoOutput,
    /// A file that was to be sent cannot be read.
    ReadFile,
    /// A file that was to be saved cannot be written.
    WriteFile,
    /// A file that was to be saved is there already.
    FileExists,
    /// A status that this version makes nothing of.
    Unexpected,
}

impl ErrorKind {
    /// What a status that is not a success means.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            301 | 302 | 303 | 307 | 308 => Self::Moved,
            401 | 403 => Self::Unauthorized,
            402 => Self::InsufficientCredit,
            404 | 410 => Self::NotFound,
            409 => Self::Conflict,
            400 | 413 | 415 | 422 => Self::Rejected,
            429 => Self::RateLimited,
            408 | 425 | 500..=599 => Self::Server,
            _ => Self::Unexpected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_kind() {
        let line = |code| format!("{code} {:?}", ErrorKind::of_status(StatusCode::from_u16(code).unwrap()));
        let codes =
            (300..=599).map(line).filter(|line| !line.ends_with("Unexpected") && !line.starts_with('5'));
        insta::assert_snapshot!(codes.collect::<Vec<_>>().join("\n"), @"
        301 Moved
        302 Moved
        303 Moved
        307 Moved
        308 Moved
        400 Rejected
        401 Unauthorized
        402 InsufficientCredit
        403 Unauthorized
        404 NotFound
        408 Server
        409 Conflict
        410 NotFound
        413 Rejected
        415 Rejected
        422 Rejected
        425 Server
        429 RateLimited
        ");
        assert!((500..=599).all(|code| line(code).ends_with("Server")));
    }
}
