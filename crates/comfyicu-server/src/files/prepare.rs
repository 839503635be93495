//! Getting all files of a run to where its executor reads them.

use std::sync::Arc;
use std::time::Instant;

use comfyicu_engine::{InputFile, InputFiles};
use comfyicu_model::{DestPath, Files, Finding, InvalidFiles};
use url::Url;

use super::fetch::{FetchError, Fetcher};
use crate::files::BlobStore;
use crate::guard::Guard;
use crate::hash::Sha256Hex;
use crate::owner::Owner;
use crate::run::{FileCost, RunRecord};
use crate::store::{FileIndex, StoreError};

/// Knows where files come from: another host, or an earlier upload.
#[derive(Clone, Debug)]
pub(crate) struct FileProvider {
    pub(crate) fetcher: Fetcher,
    pub(crate) blobs: BlobStore,
    pub(crate) guard: Guard,
    pub(crate) index: Arc<dyn FileIndex>,
    /// Uploads have this address, and their digest behind it.
    pub(crate) uploads: Url,
}

/// The files of a run, all on disk.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) inputs: InputFiles,
    pub(crate) costs: Vec<(String, FileCost)>,
    pub(crate) millis: u64,
}

/// Why the files of a run are not all on disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PrepareError {
    /// One could not be fetched.
    #[error("the file {path} cannot be fetched")]
    Fetch {
        /// Its destination.
        path: DestPath,
        /// Why not.
        #[source]
        source: FetchError,
    },
    /// One was uploaded, but is not here.
    #[error("the file {path} is not among the uploads any more; upload it again")]
    NotUploaded {
        /// Its destination.
        path: DestPath,
    },
    /// The stored `files` are not such.
    #[error(transparent)]
    Invalid(#[from] InvalidFiles),
    /// What is known of files could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FileProvider {
    /// Says which files of a submitted run can never be had: their address is not allowed, or nothing was
    /// uploaded there by this owner.
    pub(crate) async fn check(&self, owner: &Owner, files: &Files) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for (path, url) in files.iter() {
            if self.uploaded_by(owner, url).await? {
                continue;
            }
            let problem = if url.as_str().starts_with(self.uploads.as_str()) {
                Some(("file_not_uploaded", "nothing was uploaded under this address".to_owned()))
            } else {
                self.guard.check_url(url).err().map(|blocked| ("file_url_not_allowed", blocked.to_string()))
            };
            findings.extend(
                problem.map(|(code, message)| Finding::new(code, format!("the file {path}: {message}"))),
            );
        }
        Ok(findings)
    }

    /// Gets all files of a run, one after the other.
    pub(crate) async fn prepare(&self, run: &RunRecord) -> Result<Prepared, PrepareError> {
        let begun = Instant::now();
        let files = Files::from_value(&run.files.clone().into())?;
        let mut prepared = Prepared::default();
        let mut inputs = Vec::new();
        for (path, url) in files.iter() {
            let (sha256, cost) = self.provide(&run.owner, path, url).await?;
            let (file, _) = self.blobs.find(&sha256).await.ok_or_else(|| not_uploaded(path))?;
            let file = InputFile::new(file, sha256.as_str(), cost.bytes);
            prepared.inputs.insert(path.clone(), file);
            prepared.costs.push((path.to_string(), cost));
            if path.input_name().is_some() {
                inputs.push((path.clone(), sha256));
            }
        }
        self.index.note_inputs(&run.key().workflow(), &inputs).await?;
        prepared.millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(prepared)
    }

    async fn provide(
        &self,
        owner: &Owner,
        path: &DestPath,
        url: &Url,
    ) -> Result<(Sha256Hex, FileCost), PrepareError> {
        // Whose it is was asked when the run was accepted.
        if let Some((sha256, bytes)) = self.uploaded(url).await {
            return Ok((sha256, FileCost { bytes, cache_hit: true }));
        }
        if url.as_str().starts_with(self.uploads.as_str()) {
            return Err(not_uploaded(path));
        }
        let fail = |source| PrepareError::Fetch { path: path.clone(), source };
        let fetched = self.fetcher.fetch(owner, url).await.map_err(fail)?;
        Ok((fetched.file.sha256, FileCost { bytes: fetched.file.bytes, cache_hit: fetched.cache_hit }))
    }

    /// Whether an address is that of an upload of this owner's.
    async fn uploaded_by(&self, owner: &Owner, url: &Url) -> Result<bool, StoreError> {
        let Some(sha256) = upload_digest(url) else { return Ok(false) };
        Ok(self.index.has_upload(owner, &sha256).await? && self.blobs.find(&sha256).await.is_some())
    }

    /// The digest and the size of an upload that is here, by its address. The host is not looked at: this
    /// server may have had another address when the run was accepted, and equal digests are equal bytes.
    async fn uploaded(&self, url: &Url) -> Option<(Sha256Hex, u64)> {
        let sha256 = upload_digest(url)?;
        let (_, bytes) = self.blobs.find(&sha256).await?;
        Some((sha256, bytes))
    }
}

/// The digest in the address of an upload.
fn upload_digest(url: &Url) -> Option<Sha256Hex> {
    let (_, digest) = url.path().split_once("/api/v1/uploads/")?;
    Sha256Hex::parse(digest)
}

fn not_uploaded(path: &DestPath) -> PrepareError {
    PrepareError::NotUploaded { path: path.clone() }
}
