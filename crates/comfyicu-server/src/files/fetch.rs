//! Fetching a file from a URL, past the guard, or knowing that it has not changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use comfyicu_transport::{
    RedirectPolicy, Request, RequestBody, ReqwestTransport, Response, SharedTransport, TransportError,
};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use url::Url;

use super::blobs::{BlobStore, StoreBlobError};
use super::pace::Pace;
use crate::guard::{Blocked, Guard};
use crate::owner::Owner;
use crate::store::{FetchedFile, FileIndex, StoreError};

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 10;
/// How long a file may take in all.
const TOTAL_TIMEOUT: Duration = Duration::from_hours(6);
/// How long a source may be silent.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Fetches files. Each step of a redirect is checked by the guard.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    transport: SharedTransport,
    guard: Guard,
    blobs: BlobStore,
    index: Arc<dyn FileIndex>,
}

/// A file that is in the store now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) file: FetchedFile,
    pub(crate) cache_hit: bool,
}

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
    /// The source answered with an error.
    #[error("{host} answered {status}")]
    Status {
        /// The host that answered.
        host: String,
        /// Its answer.
        status: StatusCode,
    },
    /// A redirect that leads nowhere, or too many of them.
    #[error("{host} redirects too often, or to no URL")]
    Redirect {
        /// The host that redirects.
        host: String,
    },
    /// The bytes could not be stored.
    #[error(transparent)]
    Store(StoreBlobError<TransportError>),
    /// What is known of files could not be read or written.
    #[error(transparent)]
    Index(#[from] StoreError),
}

impl Fetcher {
    pub(crate) fn new(
        guard: Guard,
        blobs: BlobStore,
        index: Arc<dyn FileIndex>,
    ) -> Result<Self, TransportError> {
        let transport = ReqwestTransport::builder()
            .read_timeout(READ_TIMEOUT)
            .total_timeout(TOTAL_TIMEOUT)
            .redirects(RedirectPolicy::None)
            .resolver(Arc::new(guard.clone()))
            .no_proxy()
            .build()?;
        Ok(Self { transport: Arc::new(transport), guard, blobs, index })
    }

    /// Fetches a file, unless its owner fetched it before and its source says that it has not changed.
    pub(crate) async fn fetch(&self, owner: &Owner, url: &Url) -> Result<Fetched, FetchError> {
        let known = self.known(owner, url).await?;
        let response = self.get(url, known.as_ref()).await?;
        if let (StatusCode::NOT_MODIFIED, Some(file)) = (response.status(), known) {
            return Ok(Fetched { file, cache_hit: true });
        }
        // Another success has no file in it, or a part of one.
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status { host: host(url), status: response.status() });
        }
        let (head, body) = response.into_parts();
        let mut pace = Pace::begin(Instant::now());
        let body = body.map(move |part| part.and_then(|part| pace.pass(part, Instant::now())));
        let blob = self.blobs.store(body).await.map_err(FetchError::Store)?;
        let etag = header_text(&head.headers, &header::ETAG);
        let last_modified = header_text(&head.headers, &header::LAST_MODIFIED);
        let file = FetchedFile { sha256: blob.sha256, bytes: blob.bytes, etag, last_modified };
        self.index.note_fetched(owner, url.as_str(), &file).await?;
        Ok(Fetched { file, cache_hit: false })
    }

    /// What was fetched from the URL before, when the bytes are still here.
    async fn known(&self, owner: &Owner, url: &Url) -> Result<Option<FetchedFile>, StoreError> {
        let Some(file) = self.index.fetched(owner, url.as_str()).await? else { return Ok(None) };
        Ok(self.blobs.find(&file.sha256).await.map(|_| file))
    }

    async fn get(&self, url: &Url, known: Option<&FetchedFile>) -> Result<Response, FetchError> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.guard.check_url(&url).map_err(FetchError::Blocked)?;
            let fail = |source| FetchError::Transport { host: host(&url), source };
            let response = self.transport.send(request(&url, known)).await.map_err(fail)?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            let next =
                header_text(response.headers(), &header::LOCATION).and_then(|text| url.join(&text).ok());
            url = next.ok_or_else(|| FetchError::Redirect { host: host(&url) })?;
        }
        Err(FetchError::Redirect { host: host(&url) })
    }
}

fn request(url: &Url, known: Option<&FetchedFile>) -> Request {
    let mut request = Request::new(RequestBody::empty());
    // A URL is a URI; one that is not would be refused by the transport.
    *request.uri_mut() = url.as_str().parse().unwrap_or_default();
    // The bytes as they are: a small encoded file can be an endless one.
    request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let validators = known.into_iter().flat_map(|file| {
        [(header::IF_NONE_MATCH, &file.etag), (header::IF_MODIFIED_SINCE, &file.last_modified)]
    });
    for (name, text) in validators {
        if let Some(Ok(value)) = text.as_deref().map(str::parse) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or("nowhere").to_owned()
}
