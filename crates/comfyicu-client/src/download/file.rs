//! A file on disk that grows as bytes come: one batch is written while the next one comes.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::TempPath;
use tokio::task::{JoinHandle, spawn_blocking};

use super::fetch::Sink;
use crate::error::{Error, ErrorKind, Source};

/// How much is written at a time.
const BATCH_BYTES: usize = 1024 * 1024;

/// A file beside its final place, under a name of its own.
#[derive(Debug)]
pub(super) struct PartFile {
    target: PathBuf,
    temporary: TempPath,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle(File),
    Writing(JoinHandle<io::Result<File>>),
    /// A write has failed, and was told.
    Broken,
}

impl PartFile {
    /// Makes a file that nobody else has, in the folder of its final place.
    pub(super) async fn create(target: &Path) -> Result<Self, Error> {
        let folder = target.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let made = spawn_blocking(move || create(&folder)).await.map_err(io::Error::other);
        let (file, temporary) = made.and_then(|made| made).map_err(|error| write_error(target, error))?;
        let target = target.to_path_buf();
        Ok(Self { target, temporary, batch: Vec::new(), batch_bytes: 0, state: State::Idle(file) })
    }

    /// Throws away what was written, and begins anew.
    pub(super) async fn restart(&mut self) -> Result<(), Error> {
        (self.batch, self.batch_bytes) = (Vec::new(), 0);
        self.begin(|file| {
            file.set_len(0)?;
            file.rewind()
        })
        .await
    }

    /// Brings the bytes to the disk, and gives the file, which is complete.
    pub(super) async fn finish(mut self) -> Result<TempPath, Error> {
        self.write_batch().await?;
        self.begin(|file| file.sync_all()).await?;
        self.idle().await?;
        Ok(self.temporary)
    }

    async fn write_batch(&mut self) -> Result<(), Error> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.begin(move |file| batch.iter().try_for_each(|part| file.write_all(part))).await
    }

    /// Begins to do something with the file, when what was begun before is done.
    async fn begin(
        &mut self,
        work: impl FnOnce(&mut File) -> io::Result<()> + Send + 'static,
    ) -> Result<(), Error> {
        let mut file = self.idle().await?;
        self.state = State::Writing(spawn_blocking(move || work(&mut file).map(|()| file)));
        Ok(())
    }

    /// The file, when what was begun is done.
    async fn idle(&mut self) -> Result<File, Error> {
        if let State::Writing(writing) = &mut self.state {
            let written = writing.await.map_err(io::Error::other).and_then(|written| written);
            self.state = State::Broken;
            return written.map_err(|error| write_error(&self.target, error));
        }
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Idle(file) => Ok(file),
            _ => Err(write_error(&self.target, io::ErrorKind::BrokenPipe.into())),
        }
    }
}

impl Sink for PartFile {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.batch_bytes += bytes.len();
        self.batch.push(bytes);
        if self.batch_bytes >= BATCH_BYTES { self.write_batch().await } else { Ok(()) }
    }
}

fn create(folder: &Path) -> io::Result<(File, TempPath)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".comfyicu-").suffix(".part");
    #[cfg(unix)]
    {
        // As for any new file: what the umask leaves. The default is the owner alone.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    Ok(builder.tempfile_in(folder)?.into_parts())
}

pub(super) fn write_error(path: &Path, error: io::Error) -> Error {
    let text = format!("`{}` cannot be written", path.display());
    Error::new(ErrorKind::WriteFile, text).with_source(Source::Io(error))
}
