//! The outputs of runs: each attempt writes into a folder of its own, and only a completed one is shown.
//!
//! They lie in a folder of this machine or in an S3 bucket, under the same names: `RUN/ATTEMPT/PATH`, and beside
//! them the thumbnails that were made of them.

mod folder;
mod location;
mod opened;
mod room;
mod s3;
mod settings;
#[cfg(test)]
mod tests;
mod thumbnails;
mod upload;

use folder::Saves;
pub(crate) use location::OutputsLocation;
pub(crate) use opened::{Opened, Wanted};
use room::Room;
pub(crate) use settings::OutputSettings;
pub(crate) use thumbnails::{THUMBNAIL_SIZES, ThumbnailError, Thumbnails, has_thumbnail};
use upload::Target;

use std::io;
use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use comfyicu_engine::{Output, OutputKind, OutputSink, SaveError};
use comfyicu_model::{OutputPath, RunId};
use comfyicu_transport::SharedTransport;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Attribute, Attributes, GetOptions, ObjectStore};

use crate::files::sync_folder;
use crate::live::RunProgress;

/// Why outputs cannot be had or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum OutputsError {
    /// There is no such file.
    #[error("the file is not there")]
    Missing,
    /// The store failed, or cannot be reached.
    #[error("the store of outputs failed")]
    Store(#[source] object_store::Error),
    /// A file of this machine cannot be opened.
    #[error("{} cannot be opened", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of this machine cannot be read or removed.
    #[error("the store of outputs failed")]
    Io(#[from] io::Error),
}

impl From<object_store::Error> for OutputsError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            other => Self::Store(other),
        }
    }
}

/// Where all outputs are. Clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct OutputStore {
    objects: Arc<dyn ObjectStore>,
    /// The folder, where they are on this machine.
    folder: Option<Folder>,
}

/// The folder of the outputs, and how the names of its files are made.
#[derive(Clone, Debug)]
struct Folder {
    root: PathBuf,
    files: Arc<LocalFileSystem>,
}

impl OutputStore {
    /// Outputs in a folder that is there. What was saved is on disk.
    pub(crate) fn in_folder(folder: &FsPath) -> Result<Self, OutputsError> {
        let files = Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true));
        // As the paths begin that `path_to_filesystem` gives.
        let folder = Folder { root: folder.canonicalize()?, files: Arc::clone(&files) };
        Ok(Self { objects: files, folder: Some(folder) })
    }

    /// Outputs in an S3 bucket, which is looked at once.
    pub(crate) async fn in_bucket(
        location: &OutputsLocation,
        transport: SharedTransport,
    ) -> Result<Self, OutputsError> {
        let objects = s3::open(location, transport)?;
        // A list says whether there is such a bucket; a question for one object does not.
        let looked = objects.list(Some(&Path::from("comfyicu-server"))).next().await;
        looked.transpose().map_err(OutputsError::Store)?;
        Ok(Self { objects, folder: None })
    }

    /// Opens an output of an attempt.
    pub(crate) async fn open(
        &self,
        (run_id, attempt, path): (&RunId, u32, &OutputPath),
        wanted: &Wanted,
    ) -> Result<Opened, OutputsError> {
        self.open_key(&key(run_id, &attempt.to_string(), path.as_str()), wanted).await
    }

    async fn open_key(&self, key: &Path, wanted: &Wanted) -> Result<Opened, OutputsError> {
        if let Some(folder) = &self.folder {
            return Opened::file(folder.files.path_to_filesystem(key)?, wanted).await;
        }
        let (range, head) = match wanted {
            Wanted::All => (None, false),
            Wanted::Range(range) => (Some(range.clone()), false),
            Wanted::Size => (None, true),
        };
        let options = GetOptions { range, head, ..GetOptions::default() };
        Ok(Opened::object(self.objects.get_opts(key, options).await?))
    }

    /// Begins an attempt, which may save so many bytes, and tells of what it saves.
    pub(crate) fn begin(
        &self,
        (run_id, attempt): (&RunId, u32),
        most_bytes: u64,
        progress: Arc<RunProgress>,
    ) -> AttemptOutputs {
        AttemptOutputs {
            saves: self.folder.clone().map(Saves::below),
            store: self.clone(),
            run_id: run_id.clone(),
            attempt,
            saved: Mutex::default(),
            room: Room::new(most_bytes),
            progress,
        }
    }

    /// Removes what an attempt saved that did not end well.
    pub(crate) async fn discard(&self, run_id: &RunId, attempt: u32) {
        let prefix = Path::from_iter([run_id.as_str(), &attempt.to_string()]);
        if let Err(error) = self.remove(&prefix).await {
            let error = crate::report::with_causes(&error);
            tracing::warn!(%run_id, attempt, error, "outputs of a failed attempt stay behind");
        }
    }

    /// Removes all that a run saved, and its thumbnails. What is not there is no error.
    pub(crate) async fn remove_run(&self, run_id: &RunId) -> Result<(), OutputsError> {
        self.remove(&Path::from(run_id.as_str())).await
    }

    /// How many bytes the outputs of an attempt have.
    pub(crate) async fn measure(&self, run_id: &RunId, attempt: u32) -> Result<u64, OutputsError> {
        let prefix = Path::from_iter([run_id.as_str(), &attempt.to_string()]);
        let sum = async |sum: u64, object: object_store::ObjectMeta| Ok(sum.saturating_add(object.size));
        Ok(self.objects.list(Some(&prefix)).try_fold(0, sum).await?)
    }

    async fn remove(&self, prefix: &Path) -> Result<(), OutputsError> {
        if let Some(folder) = &self.folder {
            return remove_folder(&folder.root, prefix).await;
        }
        let found = self.objects.list(Some(prefix)).map_ok(|object| object.location).boxed();
        let removed = self.objects.delete_stream(found).try_for_each(|_| std::future::ready(Ok(()))).await;
        match removed.map_err(OutputsError::from) {
            Err(OutputsError::Missing) => Ok(()),
            removed => removed,
        }
    }
}

/// Removes a folder below another one, for good.
async fn remove_folder(root: &FsPath, below: &Path) -> Result<(), OutputsError> {
    let folder = root.join(below.as_ref());
    match tokio::fs::remove_dir_all(&folder).await {
        Ok(()) => Ok(sync_folder(folder.parent().unwrap_or(root).to_owned()).await?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The name of a file in the store. What `object_store` gives a meaning of its own is written otherwise.
fn key(run_id: &RunId, folder: &str, path: &str) -> Path {
    let escaped = path.replace('%', "%25").replace('#', "%23");
    // An id and the path of an output have no part that is refused here.
    Path::parse(format!("{run_id}/{folder}/{escaped}"))
        .unwrap_or_else(|_| Path::from(format!("{run_id}/{folder}/{escaped}")))
}

/// Takes the outputs of one attempt; each is safe when it was saved.
#[derive(Debug)]
pub(crate) struct AttemptOutputs {
    store: OutputStore,
    /// Those that go to a folder of this machine.
    saves: Option<Saves>,
    run_id: RunId,
    attempt: u32,
    saved: Mutex<Saved>,
    room: Room,
    progress: Arc<RunProgress>,
}

/// What an attempt saved, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) paths: Vec<OutputPath>,
    /// How many bytes all of it has.
    pub(crate) bytes: u64,
}

impl AttemptOutputs {
    /// What was saved.
    pub(crate) fn saved(&self) -> Saved {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes what was saved: the attempt did not end well.
    pub(crate) async fn discard(&self) {
        if let Some(saves) = &self.saves {
            saves.ended().await;
        }
        self.store.discard(&self.run_id, self.attempt).await;
    }

    async fn write(&self, output: &Output) -> io::Result<u64> {
        let key = key(&self.run_id, &self.attempt.to_string(), output.path.as_str());
        let target = if let Some(saves) = &self.saves {
            Target::File { saves, key }
        } else {
            let mut attributes = Attributes::new();
            attributes.insert(Attribute::ContentType, output.content_type.to_string().into());
            Target::Object { objects: &*self.store.objects, key, attributes }
        };
        upload::upload(target, &output.content, &self.room).await
    }
}

#[async_trait]
impl OutputSink for AttemptOutputs {
    async fn save(&self, output: Output) -> Result<(), SaveError> {
        // Previews are not results, and are not kept (documented).
        if output.kind != OutputKind::Output {
            return Ok(());
        }
        let bytes =
            self.write(&output).await.map_err(|source| SaveError::new(output.path.clone(), source))?;
        self.progress.saved(&output.node_id, &output.path);
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        saved.bytes += bytes;
        saved.paths.push(output.path);
        Ok(())
    }
}
