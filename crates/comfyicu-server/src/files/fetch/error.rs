//! Why a file could not be fetched. Nothing here holds a URL: it may have a secret in it.

use std::io;
use std::time::Duration;

use comfyicu_transport::{TransportError, TransportErrorKind};
use http::StatusCode;

use crate::guard::Blocked;
use crate::hash::Sha256Hex;
use crate::store::StoreError;

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FetchError {
    /// The guard refused the address.
    #[error("the address is not allowed")]
    Blocked(#[source] Blocked),
    /// No answer came, or it broke off.
    #[error("no answer from {host}")]
    Transport {
        /// The host that was asked.
        host: String,
        /// Why not.
        #[source]
        source: TransportError,
    },
    /// The source wants to know who asks.
    #[error(
        "{host} answered {status}: the file needs a token, or another one; the server's operator can give it with --credentials"
    )]
    Denied {
        /// The host that answered.
        host: String,
        /// Its answer: 401 or 403.
        status: StatusCode,
    },
    /// The source answered with an error.
    #[error("{host} answered {status}")]
    Status {
        /// The host that answered.
        host: String,
        /// Its answer.
        status: StatusCode,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// A redirect that leads nowhere, or too many of them.
    #[error("{host} redirects too often, or to no URL")]
    Redirect {
        /// The host that redirects.
        host: String,
    },
    /// A page of the web where a file was asked for: a login, or a description of the file.
    #[error(
        "{host} answered with a web page and not with a file; is the URL the one of the download itself?"
    )]
    WebPage {
        /// The host that answered.
        host: String,
    },
    /// The bytes are packed, though they were asked for as they are.
    #[error("{host} sends the file packed ({encoding}), which it was not asked to")]
    Encoded {
        /// The host that answered.
        host: String,
        /// How it is packed.
        encoding: String,
    },
    /// There are more bytes than the bound.
    #[error("the file has more than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: u64,
    },
    /// There were fewer or more bytes than the source had said.
    #[error("{host} sent {bytes} bytes of {total}")]
    WrongLength {
        /// The host that answered.
        host: String,
        /// How many came.
        bytes: u64,
        /// How many it had said.
        total: u64,
    },
    /// The answer to a request for the rest is not the rest.
    #[error("{host} answered with another part of the file than it was asked for")]
    WrongPart {
        /// The host that answered.
        host: String,
    },
    /// It took too long in all.
    #[error("{host} did not send the file within {} minutes", limit.as_secs() / 60)]
    TooSlow {
        /// The host that was asked.
        host: String,
        /// The bound.
        limit: Duration,
    },
    /// So little comes that it would take for ever.
    #[error("{host} sends too slowly: {bytes} bytes in {seconds} seconds")]
    Trickle {
        /// The host that was asked.
        host: String,
        /// How many bytes came.
        bytes: u64,
        /// In how many seconds.
        seconds: u64,
    },
    /// The bytes are others than those that were pinned.
    #[error("the file has the SHA-256 {}, and {} is pinned", found.as_str(), pinned.as_str())]
    Pin {
        /// What was asked for.
        pinned: Sha256Hex,
        /// What came.
        found: Sha256Hex,
    },
    /// There is no room on the server's disk.
    #[error("the server's disk is full")]
    DiskFull(#[source] io::Error),
    /// The bytes could not be stored.
    #[error("the file cannot be stored")]
    Io(#[source] io::Error),
    /// What is known of files could not be read or written.
    #[error(transparent)]
    Index(#[from] StoreError),
}

impl FetchError {
    /// Says why bytes could not be stored.
    pub(super) fn of_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(error),
            _ => Self::Io(error),
        }
    }

    /// Whether it may be otherwise a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Transport { source, .. } => {
                !matches!(source.kind(), TransportErrorKind::Blocked | TransportErrorKind::Request)
            }
            Self::Status { status, .. } => {
                status.is_server_error() && *status != StatusCode::NOT_IMPLEMENTED
                    || matches!(*status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
            }
            Self::WrongLength { .. } | Self::WrongPart { .. } => true,
            _ => false,
        }
    }

    /// How long the source asks to be left alone.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
