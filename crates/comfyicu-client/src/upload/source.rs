//! The local file: its size, its digest, its bytes as a body.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use comfyicu_transport::{BodyStream, RequestBody, TransportError, TransportErrorKind};
use futures_util::stream;
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::{Observer, UploadProgress, tell};
use crate::error::{self, Error, ErrorKind};
use crate::hex::hex;

/// How much is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// A regular file that can be read.
#[derive(Debug)]
pub(super) struct Source {
    path: Arc<Path>,
    size_bytes: u64,
}

impl Source {
    pub(super) async fn open(path: PathBuf) -> Result<Self, Error> {
        let found = async { File::open(&path).await?.metadata().await }.await;
        let metadata = found.map_err(|error| read_error(&path, error))?;
        if !metadata.is_file() {
            let problem = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
            return Err(read_error(&path, problem));
        }
        Ok(Self { path: path.into(), size_bytes: metadata.len() })
    }

    pub(super) const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The SHA-256 of the bytes, in hexadecimal.
    pub(super) async fn digest(&self) -> Result<String, Error> {
        let digest = async {
            let mut file = File::open(&self.path).await?;
            let mut digest = Sha256::new();
            let mut buffer = BytesMut::with_capacity(CHUNK_BYTES);
            while file.read_buf(&mut buffer).await? > 0 {
                digest.update(&buffer);
                buffer.clear();
            }
            Ok(digest.finalize())
        };
        let digest = digest.await.map_err(|error| read_error(&self.path, error))?;
        Ok(hex(&digest))
    }

    /// The bytes as a body, read as they are sent.
    pub(super) fn to_body(&self, observer: Observer) -> RequestBody {
        let (path, total_bytes) = (Arc::clone(&self.path), self.size_bytes);
        RequestBody::from_stream(total_bytes, move || {
            let begin = Reading { path: Arc::clone(&path), file: None, bytes: 0, total_bytes };
            let observer = Arc::clone(&observer);
            let chunks = stream::try_unfold((begin, observer), |(mut reading, observer)| async move {
                let chunk = reading
                    .next()
                    .await
                    .map_err(|error| TransportError::new(TransportErrorKind::Request, error))?;
                tell(&observer, UploadProgress { bytes: reading.bytes, total_bytes: reading.total_bytes });
                Ok(chunk.map(|chunk| (chunk, (reading, observer))))
            });
            Box::pin(chunks) as BodyStream
        })
    }

    /// What an upload that failed means, when it was this file that failed it.
    pub(super) fn explain(&self, error: Error) -> Error {
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            if inner.downcast_ref::<Changed>().is_some() {
                return self.changed();
            }
            source = inner.source();
        }
        error
    }

    pub(super) fn changed(&self) -> Error {
        let text =
            format!("`{}` changed while it was uploaded: again, when it is complete", self.path.display());
        Error::new(ErrorKind::ReadFile, text)
    }
}

/// The file is not as long as it was when the upload began.
#[derive(Debug, thiserror::Error)]
#[error("the file changed while it was read")]
struct Changed;

struct Reading {
    path: Arc<Path>,
    file: Option<File>,
    bytes: u64,
    total_bytes: u64,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(File::open(&self.path).await?),
        };
        let mut buffer = BytesMut::with_capacity(CHUNK_BYTES);
        let read = file.read_buf(&mut buffer).await?;
        self.bytes = self.bytes.saturating_add(read as u64);
        let is_whole = self.bytes == self.total_bytes;
        if self.bytes > self.total_bytes || (read == 0 && !is_whole) {
            return Err(Changed.into());
        }
        Ok((read > 0).then(|| buffer.freeze()))
    }
}

fn read_error(path: &Path, error: io::Error) -> Error {
    let text = format!("`{}` cannot be read", path.display());
    Error::new(ErrorKind::ReadFile, text).with_source(error::Source::Io(error))
}
