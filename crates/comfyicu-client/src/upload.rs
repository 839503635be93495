//! Handing local files to the server. An extension of the self-hosted server.

mod source;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use url::Url;

use crate::client::Client;
use crate::endpoint::Call;
use crate::error::{Error, ErrorKind};
use source::Source;

/// A file that the server has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// What to give as the source of a run's file.
    pub url: Url,
    /// The digest of its bytes.
    pub sha256: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// Whether the server had it before, so that nothing was sent.
    pub was_there: bool,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadProgress {
    /// How many bytes were handed to the connection.
    pub bytes: u64,
    /// How many bytes the file has.
    pub total_bytes: u64,
}

pub(crate) type Observer = Arc<Mutex<dyn FnMut(UploadProgress) + Send>>;

/// An upload of a local file; it begins when this is awaited, and gives the [`Uploaded`] file, whose `url`
/// is the source for [`SubmitRun::file`](crate::SubmitRun::file).
///
/// The file's digest is computed first, and what the server has is not sent again.
///
/// # Errors
/// - [`Unsupported`](ErrorKind::Unsupported): the service takes URLs only, as the hosted one does;
/// - [`ReadFile`](ErrorKind::ReadFile): the file cannot be read, or is none, or changes meanwhile;
/// - what any call may end in.
///
/// # Cancel safety
/// When the future is dropped, the server keeps the whole file or nothing of it.
#[must_use = "nothing is sent until this is awaited"]
pub struct Upload {
    client: Client,
    path: PathBuf,
    observer: Observer,
}

impl Upload {
    pub(crate) fn new(client: Client, path: PathBuf) -> Self {
        Self { client, path, observer: Arc::new(Mutex::new(|_| {})) }
    }

    /// Calls `observer` as the bytes are sent.
    pub fn observe(mut self, observer: impl FnMut(UploadProgress) + Send + 'static) -> Self {
        self.observer = Arc::new(Mutex::new(observer));
        self
    }

    async fn send(self) -> Result<Uploaded, Error> {
        let base = &self.client.inner.base;
        // A file that cannot be read is named before the server is asked anything.
        let source = Source::open(self.path).await?;
        if !self.client.capabilities().await?.uploads() {
            let text = if self.client.is_hosted() {
                "the hosted service takes files by URL only: put the file where a public URL leads to it, and give that URL".to_owned()
            } else {
                format!(
                    "the service at {base} does not accept uploads: put the file where a URL leads to it, and give that URL"
                )
            };
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let sha256 = source.digest().await?;
        let size_bytes = source.size_bytes();
        if let Some(url) = find(&self.client, &sha256).await? {
            return Ok(Uploaded { url, sha256, size_bytes, was_there: true });
        }
        let call = Call::upload(base, source.to_body(self.observer));
        let answer = self.client.exchange_within(&call, None).await;
        let answer = answer.map_err(|error| source.explain(error))?;
        let unexpected = answer.unexpected("the `url` and the `sha256` of the upload");
        let object = answer.into_object()?;
        let url = object.get_str("url").and_then(|url| Url::parse(url).ok());
        match (url, object.get_str("sha256")) {
            (Some(url), Some(theirs)) if theirs.eq_ignore_ascii_case(&sha256) => {
                Ok(Uploaded { url, sha256, size_bytes, was_there: false })
            }
            (Some(_), Some(_)) => Err(source.changed()),
            _ => Err(unexpected),
        }
    }
}

/// Where the bytes of a digest stand, if the server has them: where its answer says, for it may call itself
/// otherwise than we do, or else where it was asked.
async fn find(client: &Client, sha256: &str) -> Result<Option<Url>, Error> {
    let base = &client.inner.base;
    match client.exchange(&Call::find_upload(base, sha256)).await {
        Ok(answer) => Ok(Some(answer.location().unwrap_or_else(|| Call::upload_url(base, sha256)))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

impl IntoFuture for Upload {
    type Output = Result<Uploaded, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Tells the observer, whatever happened to it in another thread.
pub(crate) fn tell(observer: &Observer, progress: UploadProgress) {
    (observer.lock().unwrap_or_else(PoisonError::into_inner))(progress);
}

#[cfg(test)]
mod tests;
