//! Saving an output in a folder of this machine.
//!
//! A file is written under its own name: nobody looks at the outputs of an attempt before its end is on disk, and
//! those of one that did not end well are removed. So a disk has to be waited for as seldom as can be: when all is
//! written, once for the file and once for each folder in which something is new.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::pin;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};

/// Saves a file in a folder below the root, and gives its size. It is on disk when this returns. When it fails, or
/// the future is dropped, nothing stays under the name.
pub(super) async fn save(
    root: &Path,
    path: PathBuf,
    parts: impl Stream<Item = io::Result<Bytes>> + Send,
) -> io::Result<u64> {
    let mut parts = pin!(parts);
    let mut unfinished = Unfinished::new(root.to_owned(), path);
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

/// A file that is being written. Unless it was finished it is removed with this.
#[derive(Debug)]
struct Unfinished {
    root: PathBuf,
    path: PathBuf,
    file: Option<File>,
    /// The folders in which something is new.
    changed: Vec<PathBuf>,
}

impl Unfinished {
    const fn new(root: PathBuf, path: PathBuf) -> Self {
        Self { root, path, file: None, changed: Vec::new() }
    }

    /// Writes the next part; the first one makes the file, and the last one brings it to the disk.
    fn write(mut self, part: &[u8], is_last: bool) -> io::Result<Self> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.create()?,
        };
        let written = file.write_all(part);
        self.file = Some(file);
        written?;
        if is_last {
            self.finish()?;
        }
        Ok(self)
    }

    fn create(&mut self) -> io::Result<File> {
        let folder = self.path.parent().unwrap_or(&self.root);
        make_folders(&self.root, folder, &mut self.changed)?;
        let file = File::create(&self.path)?;
        self.changed.push(folder.to_owned());
        Ok(file)
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.sync_all()?;
        }
        for folder in &self.changed {
            File::open(folder)?.sync_all()?;
        }
        self.file = None;
        Ok(())
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

/// Makes the folders from below the root to this one, and notes in which ones something is new.
fn make_folders(root: &Path, folder: &Path, changed: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut above = root.to_owned();
    for name in folder.strip_prefix(root).map_err(io::Error::other)? {
        let made = above.join(name);
        match fs::create_dir(&made) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => {
                result?;
                changed.push(above);
            }
        }
        above = made;
    }
    Ok(())
}
