//! Small pictures of outputs: made when they are first asked for, kept beside the outputs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use comfyicu_model::{OutputPath, RunId};
use futures_util::TryFutureExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use tokio::sync::Semaphore;

use super::{Opened, OutputStore, OutputsError, Wanted, key};

/// How long the longer side of a thumbnail can be, in pixels: few sizes, so that few are kept.
pub(crate) const THUMBNAIL_SIZES: [u16; 4] = [128, 256, 512, 1024];
/// The names of files that have thumbnails end like this.
const EXTENSIONS: [&str; 9] = ["png", "apng", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"];
/// The most bytes of a file that a thumbnail is made of.
const MAX_BYTES: u64 = 128 * 1024 * 1024;
/// How many are made at once; each may hold the pixels of a large picture.
const CONCURRENT: usize = 2;
/// How long one is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether an output is a picture of which a thumbnail can be made, by its name.
pub(crate) fn has_thumbnail(path: &OutputPath) -> bool {
    let extension = path.file_name().rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// Why there is no thumbnail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ThumbnailError {
    /// The file is no picture, or none that is small enough.
    #[error("no thumbnail can be made of this output: {0}")]
    Impossible(String),
    /// Many others are being made.
    #[error("too many thumbnails are being made just now")]
    Busy,
    /// The output or the thumbnail cannot be read or written.
    #[error(transparent)]
    Outputs(#[from] OutputsError),
}

/// Makes thumbnails, each once. Clones share what is being made.
#[derive(Clone, Debug)]
pub(crate) struct Thumbnails {
    outputs: OutputStore,
    making: Arc<Mutex<HashMap<Path, Weak<tokio::sync::Mutex<()>>>>>,
    slots: Arc<Semaphore>,
}

impl Thumbnails {
    pub(crate) fn new(outputs: OutputStore) -> Self {
        Self { outputs, making: Arc::default(), slots: Arc::new(Semaphore::new(CONCURRENT)) }
    }

    /// Opens the thumbnail of an output, and makes it when it is not there yet.
    pub(crate) async fn open(
        &self,
        output: (&RunId, u32, &OutputPath),
        size: u16,
        wanted: &Wanted,
    ) -> Result<Opened, ThumbnailError> {
        let (run_id, attempt, path) = output;
        let key = key(run_id, &format!("thumbnails-{attempt}"), &format!("{size}/{path}.webp"));
        if let Some(found) = self.find(&key, wanted).await? {
            return Ok(found);
        }
        let turn = self.turn(&key);
        let made = async {
            let _turn = turn.lock().await;
            // Somebody else may have made it meanwhile.
            if let Some(found) = self.find(&key, wanted).await? {
                return Ok(found);
            }
            let file = self.make(output, size).await?;
            self.outputs.objects.put(&key, file.into()).await.map_err(OutputsError::from)?;
            Ok(self.outputs.open_key(&key, wanted).await?)
        };
        tokio::time::timeout(PATIENCE, made).await.unwrap_or(Err(ThumbnailError::Busy))
    }

    async fn find(&self, key: &Path, wanted: &Wanted) -> Result<Option<Opened>, OutputsError> {
        match self.outputs.open_key(key, wanted).await {
            Err(OutputsError::Missing) => Ok(None),
            found => found.map(Some),
        }
    }

    async fn make(&self, output: (&RunId, u32, &OutputPath), size: u16) -> Result<Bytes, ThumbnailError> {
        // It goes along with the work: whoever asked may go away before that is done.
        let slots = Arc::clone(&self.slots);
        let slot = slots.acquire_owned().await.map_err(|_| ThumbnailError::Busy)?;
        let opened = self.outputs.open(output, &Wanted::All).await?;
        if opened.size > MAX_BYTES {
            return Err(ThumbnailError::Impossible(format!("it has more than {MAX_BYTES} bytes")));
        }
        let limit = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
        let file = axum::body::to_bytes(opened.into_body().await?, limit)
            .map_err(|error| OutputsError::Io(std::io::Error::other(error)))
            .await?;
        let making = tokio::task::spawn_blocking(move || {
            let made = comfyicu_engine::thumbnail(&file, size);
            drop(slot);
            made
        });
        let impossible =
            |error: &(dyn std::error::Error + 'static)| ThumbnailError::Impossible(causes_of(error));
        let made = making.await.map_err(|panic| impossible(&panic))?;
        made.map(Bytes::from).map_err(|error| impossible(&error))
    }

    /// What all who want one thumbnail wait for, one after the other.
    fn turn(&self, key: &Path) -> Arc<tokio::sync::Mutex<()>> {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        making.retain(|_, turn| turn.strong_count() > 0);
        let known = making.entry(key.clone()).or_default();
        known.upgrade().unwrap_or_else(|| {
            let turn = Arc::default();
            *known = Arc::downgrade(&turn);
            turn
        })
    }
}

/// What caused an error, without the error's own words.
fn causes_of(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), crate::report::with_causes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_told_by_their_names() {
        for (name, expected) in [("a/b.PNG", true), ("a.jpeg", true), ("a.mp4", false), ("png", false)] {
            assert_eq!(has_thumbnail(&OutputPath::parse(name).unwrap()), expected, "{name}");
        }
    }
}
