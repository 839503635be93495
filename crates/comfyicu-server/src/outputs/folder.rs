//! Saving outputs in a folder of this machine.
//!
//! A file is written under its own name: nobody looks at the outputs of an attempt before its end is on disk, and
//! those of one that did not end well are removed. So a disk has to be waited for as seldom as can be: when all is
//! written, once for the file and once for each folder in which something may be new.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use object_store::path::Path as Key;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Folder;

/// What is saved of one attempt. Clones of it save together.
#[derive(Clone, Debug)]
pub(super) struct Saves {
    folder: Folder,
    /// The folders whose names are on disk, with those of all above them.
    named: Arc<Mutex<HashSet<PathBuf>>>,
    writing: TaskTracker,
}

impl Saves {
    /// Nothing yet; all of it will lie in the folder.
    pub(super) fn below(folder: Folder) -> Self {
        Self { folder, named: Arc::default(), writing: TaskTracker::new() }
    }

    /// Saves a file under its name in the store, and gives its size. It is on disk when this returns. When it fails, or the future is dropped,
    /// nothing stays under the name once [`ended`](Self::ended) is done.
    pub(super) async fn save(
        &self,
        key: &Key,
        parts: impl Stream<Item = io::Result<Bytes>> + Send,
    ) -> io::Result<u64> {
        let mut parts = pin!(parts);
        let path = self.folder.files.path_to_filesystem(key)?;
        let mut unfinished =
            Unfinished { saves: self.clone(), path, file: None, _writing: self.writing.token() };
        let mut next = Some(parts.try_next().await?.unwrap_or_default());
        let mut length = 0;
        while let Some(part) = next {
            next = parts.try_next().await?;
            length += part.len() as u64;
            let is_last = next.is_none();
            let writing = tokio::task::spawn_blocking(move || unfinished.write(&part, is_last));
            unfinished = writing.await.map_err(io::Error::other)??;
        }
        Ok(length)
    }

    /// Waits until nothing is written any more, for whoever removes what was saved: what is being written goes on when
    /// nobody waits for it.
    pub(super) async fn ended(&self) {
        self.writing.close();
        self.writing.wait().await;
    }

    /// Brings the name of a file to the disk, and those of the folders above it, whoever made them.
    fn sync_name(&self, path: &Path) -> io::Result<()> {
        let Some(folder) = path.parent().filter(|folder| folder.starts_with(&self.folder.root)) else {
            return Ok(());
        };
        File::open(folder)?.sync_all()?;
        if !self.lock().contains(folder) {
            self.sync_name(folder)?;
            self.lock().insert(folder.to_owned());
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that is being written. Unless it was finished it is removed with this.
#[derive(Debug)]
struct Unfinished {
    saves: Saves,
    path: PathBuf,
    file: Option<File>,
    /// Given back last, when the file is there or is not.
    _writing: TaskTrackerToken,
}

impl Unfinished {
    /// Writes the next part; the first one makes the file, and the last one brings it to the disk.
    fn write(mut self, part: &[u8], is_last: bool) -> io::Result<Self> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(create(&self.path)?),
        };
        file.write_all(part)?;
        if is_last {
            file.sync_all()?;
            self.saves.sync_name(&self.path)?;
            self.file = None;
        }
        Ok(self)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What cannot be removed goes with its attempt.
        if self.file.take().is_some() {
            fs::remove_file(&self.path).ok();
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create(path)
}
