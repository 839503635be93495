//! Getting all files of a run to where its executor reads them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use comfyicu_engine::{InputFile, InputFiles};
use comfyicu_model::{DestPath, Files, Finding, InvalidFiles};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use url::Url;

use super::cache::{Cache, Held};
use super::destinations;
use super::fetch::{FetchError, Fetcher};
use super::source::{InvalidPin, Source};
use crate::clock::millis;
use crate::files::BlobStore;
use crate::guard::Guard;
use crate::hash::Sha256Hex;
use crate::owner::Owner;
use crate::run::{FileCost, RunRecord};
use crate::store::{FileIndex, StoreError};

/// How many files of one run are on their way at once.
const PARALLEL: usize = 6;

/// Knows where files come from: another host, or an earlier upload.
#[derive(Clone, Debug)]
pub(crate) struct FileProvider {
    pub(crate) fetcher: Fetcher,
    /// What was uploaded.
    pub(crate) blobs: BlobStore,
    /// What was fetched.
    pub(crate) cache: Cache,
    pub(crate) guard: Guard,
    pub(crate) index: Arc<dyn FileIndex>,
    /// Uploads have this address, and their digest behind it.
    pub(crate) uploads: Url,
    /// Folders of models beside ComfyUI's own.
    pub(crate) model_folders: Arc<[String]>,
}

/// The files of a run, all on disk.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) inputs: InputFiles,
    pub(crate) costs: Vec<(String, FileCost)>,
    pub(crate) millis: u64,
    /// What of the cache is in use until this is dropped.
    pub(crate) held: Vec<Arc<Held>>,
}

/// The files of a run that are not all on disk: why, and what was spent.
#[derive(Debug)]
pub(crate) struct NotPrepared {
    pub(crate) error: PrepareError,
    pub(crate) spent: Prepared,
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
        source: Arc<FetchError>,
    },
    /// One was uploaded, but is not here.
    #[error("the file {path} is not among the uploads any more; upload it again")]
    NotUploaded {
        /// Its destination.
        path: DestPath,
    },
    /// What is pinned is no digest.
    #[error("the file {path} cannot be fetched")]
    Pin {
        /// Its destination.
        path: DestPath,
        /// Why not.
        #[source]
        source: InvalidPin,
    },
    /// The stored `files` are not such.
    #[error(transparent)]
    Invalid(#[from] InvalidFiles),
    /// What is known of files could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A file that is on disk.
struct Provided {
    file: InputFile,
    sha256: Sha256Hex,
    cost: FileCost,
    held: Option<Arc<Held>>,
}

type Providing<'a> = BoxFuture<'a, (&'a DestPath, Result<Provided, PrepareError>)>;

impl FileProvider {
    /// Says which files of a submitted run can never be had: their folder is unknown, their address is not
    /// allowed, or nothing was uploaded there by this owner.
    pub(crate) async fn check(&self, owner: &Owner, files: &Files) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for (path, url) in files.iter() {
            let problem = match destinations::unknown_folder(path, &self.model_folders) {
                Some(folder) => Some((
                    "file_folder_unknown",
                    format!(
                        "there is no folder of models `{folder}`; the server's operator can add it with --model-folder {folder}"
                    ),
                )),
                None => self.check_source(owner, url).await?,
            };
            findings.extend(
                problem.map(|(code, message)| Finding::new(code, format!("the file {path}: {message}"))),
            );
        }
        Ok(findings)
    }

    async fn check_source(
        &self,
        owner: &Owner,
        url: &Url,
    ) -> Result<Option<(&'static str, String)>, StoreError> {
        if self.uploaded_by(owner, url).await? {
            return Ok(None);
        }
        Ok(if url.as_str().starts_with(self.uploads.as_str()) {
            Some(("file_not_uploaded", "nothing was uploaded under this address".to_owned()))
        } else if let Err(error) = Source::parse(url) {
            Some(("file_pin_invalid", error.to_string()))
        } else {
            self.guard.check_url(url).err().map(|blocked| ("file_url_not_allowed", blocked.to_string()))
        })
    }

    /// Whether the files of the runs that wait leave room for those of more.
    pub(crate) fn has_room(&self) -> bool {
        self.cache.has_room()
    }

    /// Gets all files of a run, some at once.
    pub(crate) async fn prepare(&self, run: &RunRecord) -> Result<Prepared, Box<NotPrepared>> {
        let begun = Instant::now();
        let mut prepared = Prepared::default();
        let result = self.prepare_into(run, &mut prepared).await;
        prepared.millis = millis(begun.elapsed());
        match result {
            Ok(()) => Ok(prepared),
            Err(error) => Err(Box::new(NotPrepared { error, spent: prepared })),
        }
    }

    async fn prepare_into(&self, run: &RunRecord, prepared: &mut Prepared) -> Result<(), PrepareError> {
        let files = Files::from_value(&run.files.clone().into())?;
        let mut inputs = Vec::new();
        let provided: Vec<_> =
            files.iter().map(|(path, url)| self.providing(&run.owner, path, url)).collect();
        let mut provided = stream::iter(provided).buffered(PARALLEL);
        while let Some((path, provided)) = provided.next().await {
            let Provided { file, sha256, cost, held } = provided?;
            prepared.inputs.insert(path.clone(), file);
            prepared.costs.push((path.to_string(), cost));
            prepared.held.extend(held);
            if path.input_name().is_some() {
                inputs.push((path.clone(), sha256));
            }
        }
        self.index.note_inputs(&run.key().workflow(), &inputs).await?;
        Ok(())
    }

    fn providing<'a>(&'a self, owner: &'a Owner, path: &'a DestPath, url: &'a Url) -> Providing<'a> {
        async move { (path, self.provide(owner, path, url).await) }.boxed()
    }

    async fn provide(&self, owner: &Owner, path: &DestPath, url: &Url) -> Result<Provided, PrepareError> {
        let begun = Instant::now();
        // Whose it is was asked when the run was accepted.
        if let Some((sha256, file, bytes)) = self.uploaded(url).await {
            return Ok(of_upload(sha256, file, bytes, begun));
        }
        if url.as_str().starts_with(self.uploads.as_str()) {
            return Err(PrepareError::NotUploaded { path: path.clone() });
        }
        let source = Source::parse(url).map_err(|source| PrepareError::Pin { path: path.clone(), source })?;
        if let Some(pin) = &source.pin
            && self.index.has_upload(owner, pin).await?
            && let Some((file, bytes)) = self.blobs.find(pin).await
        {
            return Ok(of_upload(pin.clone(), file, bytes, begun));
        }
        let fail = |source| PrepareError::Fetch { path: path.clone(), source };
        let fetched =
            self.fetcher.fetch(owner, &source, destinations::takes_pages(path)).await.map_err(fail)?;
        let held = fetched.held;
        let cost =
            FileCost { bytes: held.bytes(), ms: Some(millis(begun.elapsed())), cache_hit: fetched.cache_hit };
        let sha256 = held.sha256().clone();
        let file = InputFile::new(held.path(), sha256.as_str(), held.bytes());
        Ok(Provided { file, sha256, cost, held: Some(held) })
    }

    /// Whether an address is that of an upload of this owner's.
    async fn uploaded_by(&self, owner: &Owner, url: &Url) -> Result<bool, StoreError> {
        let Some(sha256) = upload_digest(url) else { return Ok(false) };
        Ok(self.index.has_upload(owner, &sha256).await? && self.blobs.find(&sha256).await.is_some())
    }

    /// An upload that is here, by its address. The host is not looked at: this server may have had another address
    /// when the run was accepted, and equal digests are equal bytes.
    async fn uploaded(&self, url: &Url) -> Option<(Sha256Hex, PathBuf, u64)> {
        let sha256 = upload_digest(url)?;
        let (file, bytes) = self.blobs.find(&sha256).await?;
        Some((sha256, file, bytes))
    }

    /// Where the bytes of a digest are, fetched or uploaded.
    pub(crate) async fn find(&self, sha256: &Sha256Hex) -> Option<PathBuf> {
        match self.cache.hold(sha256) {
            Some(held) => Some(held.path()),
            None => self.blobs.find(sha256).await.map(|(file, _)| file),
        }
    }
}

/// The digest in the address of an upload.
fn upload_digest(url: &Url) -> Option<Sha256Hex> {
    let (_, digest) = url.path().split_once("/api/v1/uploads/")?;
    Sha256Hex::parse(digest)
}

fn of_upload(sha256: Sha256Hex, file: PathBuf, bytes: u64, begun: Instant) -> Provided {
    let cost = FileCost { bytes, ms: Some(millis(begun.elapsed())), cache_hit: true };
    Provided { file: InputFile::new(file, sha256.as_str(), bytes), sha256, cost, held: None }
}
