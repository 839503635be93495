//! Bytes by their digest: what was fetched and what was uploaded, each kept once.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

use crate::hash::Sha256Hex;
use crate::random;

/// How the names of files begin that are not whole yet.
const TEMPORARY: &str = "tmp-";

/// A folder of files named by the SHA-256 of their bytes.
#[derive(Clone, Debug)]
pub(crate) struct BlobStore {
    folder: PathBuf,
    max_bytes: u64,
}

/// Bytes that are in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) sha256: Sha256Hex,
    pub(crate) bytes: u64,
}

/// Why bytes could not be stored. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StoreBlobError<E: std::error::Error + 'static> {
    /// There are more than the bound.
    #[error("the file has more than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: u64,
    },
    /// Their source broke off.
    #[error("the bytes could not be read to their end")]
    Source(#[source] E),
    /// They cannot be written.
    #[error("the file cannot be stored")]
    Io(#[source] io::Error),
}

impl BlobStore {
    /// Opens the store, and removes what a process that was killed left half-written.
    pub(crate) fn open(folder: PathBuf, max_bytes: u64) -> io::Result<Self> {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(Self { folder, max_bytes })
    }

    /// Where the bytes of a digest are, when they are here.
    pub(crate) async fn find(&self, sha256: &Sha256Hex) -> Option<(PathBuf, u64)> {
        let path = self.path(sha256);
        let metadata = fs::metadata(&path).await.ok().filter(std::fs::Metadata::is_file)?;
        Some((path, metadata.len()))
    }

    /// Stores a stream. The bytes are on disk, under their digest, when this returns; dropping the future
    /// leaves nothing behind.
    pub(crate) async fn store<E: std::error::Error + 'static>(
        &self,
        bytes: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Blob, StoreBlobError<E>> {
        let temporary = Temporary(self.folder.join(format!("{TEMPORARY}{}", random::nanoid())));
        let blob = self.write(&temporary, bytes).await?;
        let path = self.path(&blob.sha256);
        let folder = path.parent().unwrap_or(&self.folder).to_owned();
        fs::create_dir_all(&folder).await.map_err(StoreBlobError::Io)?;
        fs::rename(&temporary.0, &path).await.map_err(StoreBlobError::Io)?;
        sync_folder(folder).await.map_err(StoreBlobError::Io)?;
        // The folder itself may be new.
        sync_folder(self.folder.clone()).await.map_err(StoreBlobError::Io)?;
        Ok(blob)
    }

    async fn write<E: std::error::Error + 'static>(
        &self,
        temporary: &Temporary,
        bytes: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Blob, StoreBlobError<E>> {
        let mut file = File::create_new(&temporary.0).await.map_err(StoreBlobError::Io)?;
        let mut bytes = std::pin::pin!(bytes);
        let mut hasher = Sha256::new();
        let mut length = 0_u64;
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk.map_err(StoreBlobError::Source)?;
            length += chunk.len() as u64;
            if length > self.max_bytes {
                return Err(StoreBlobError::TooLarge { limit: self.max_bytes });
            }
            hasher.update(&chunk);
            file.write_all(&chunk).await.map_err(StoreBlobError::Io)?;
        }
        // The last write goes on in the background: only flushing says how it went.
        file.flush().await.map_err(StoreBlobError::Io)?;
        file.sync_all().await.map_err(StoreBlobError::Io)?;
        Ok(Blob { sha256: Sha256Hex::finish(hasher), bytes: length })
    }

    /// Two letters make a folder, so that none grows without bound.
    fn path(&self, sha256: &Sha256Hex) -> PathBuf {
        let text = sha256.as_str();
        self.folder.join(text.get(..2).unwrap_or(text)).join(text)
    }
}

/// A file that is removed unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing under this name.
        let _gone = std::fs::remove_file(&self.0);
    }
}

/// Makes a rename in a folder last.
pub(crate) async fn sync_folder(folder: PathBuf) -> io::Result<()> {
    File::open(folder).await?.sync_all().await
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    fn chunks(parts: &'static [&'static str]) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::iter(parts.iter().map(|part| Ok(Bytes::from(*part))))
    }

    #[tokio::test]
    async fn bytes_are_found_by_their_digest() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path().to_owned(), 100).unwrap();
        let blob = store.store(chunks(&["ab", "c"])).await.unwrap();
        assert_eq!(blob, Blob { sha256: Sha256Hex::of(b"abc"), bytes: 3 });
        let (path, bytes) = store.find(&blob.sha256).await.unwrap();
        assert_eq!((std::fs::read(path).unwrap(), bytes), (b"abc".to_vec(), 3));
        assert_eq!(store.store(chunks(&["abc"])).await.unwrap(), blob, "the same again is the same");
        assert!(store.find(&Sha256Hex::of(b"other")).await.is_none());
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tmp-half"), "ha").unwrap();
        BlobStore::open(folder.path().to_owned(), 100).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_too_large_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path().to_owned(), 3).unwrap();
        let error = store.store(chunks(&["ab", "cd"])).await.unwrap_err();
        assert!(matches!(error, StoreBlobError::TooLarge { limit: 3 }));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
