//! A file on disk that grows as bytes come: one batch is written while the next one comes. Of a long one it is
//! noted now and then how much is safely there, so that another process can go on.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::TempPath;
use tokio::task::{JoinHandle, spawn_blocking};

use super::fetch::Sink;
use super::kept::{self, Begun, Kept, Record, Version};
use crate::error::{Error, ErrorKind, Source};

/// How much is written at a time.
const BATCH_BYTES: usize = 1024 * 1024;
/// After how much it is noted what is on the disk.
const NOTE_BYTES: u64 = 8 * 1024 * 1024;
/// The least that is worth keeping for another process.
const KEEP_BYTES: u64 = 256 * 1024;

/// A file beside its final place.
#[derive(Debug)]
pub(super) struct PartFile {
    target: PathBuf,
    /// Removed when it is dropped, unless it is kept.
    temporary: Option<TempPath>,
    /// Where it is noted what there is; a part that nobody else could find has none.
    record: Option<Record>,
    version: Option<Version>,
    /// What was there before.
    begun: Option<Begun>,
    /// How many bytes are written, or about to be.
    bytes: u64,
    /// How many of them were noted, or are about to be.
    noted: u64,
    noting: Option<JoinHandle<io::Result<()>>>,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    state: State,
}

/// A file that is complete: held open, and so locked, until it has its name.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) path: TempPath,
    pub(super) file: File,
    pub(super) record: Option<Record>,
}

#[derive(Debug)]
enum State {
    Idle(File),
    Writing(JoinHandle<io::Result<File>>),
    /// A write has failed, and was told.
    Broken,
}

impl PartFile {
    /// Goes on with the part that an earlier download of the same file left, or makes one. While another download is
    /// at that, it makes one that nobody else has.
    pub(super) async fn open(target: &Path, url: &str) -> Result<Self, Error> {
        let (target, url) = (target.to_path_buf(), url.to_owned());
        let place = target.clone();
        let made = spawn_blocking(move || match kept::open(&place, &url) {
            Ok(Some(kept)) => Ok(kept.into()),
            // Where that does not work, such as for want of locks, a part is good for this process.
            Ok(None) | Err(_) => create(&place),
        });
        let made = made.await.map_err(io::Error::other).and_then(|made: io::Result<Made>| made);
        let Made { file, path, record, begun } = made.map_err(|error| write_error(&target, error))?;
        let bytes = begun.as_ref().map_or(0, |begun| begun.bytes);
        Ok(Self {
            target,
            temporary: Some(path),
            record,
            version: begun.as_ref().map(|begun| begun.version.clone()),
            begun,
            bytes,
            noted: bytes,
            noting: None,
            batch: Vec::new(),
            batch_bytes: 0,
            state: State::Idle(file),
        })
    }

    /// What was there before; asked for once.
    pub(super) const fn take_begun(&mut self) -> Option<Begun> {
        self.begun.take()
    }

    /// Throws away what was written, and begins anew.
    pub(super) async fn restart(&mut self) -> Result<(), Error> {
        (self.batch, self.batch_bytes) = (Vec::new(), 0);
        self.forget().await;
        let file = self.idle().await?;
        self.start(file, |file| {
            file.set_len(0)?;
            file.rewind()
        });
        Ok(())
    }

    /// Brings the bytes to the disk, and gives the file, which is complete.
    pub(super) async fn finish(mut self) -> Result<Complete, Error> {
        self.write_batch().await?;
        let file = self.idle().await?;
        self.start(file, |file| file.sync_all());
        let file = self.idle().await?;
        self.settle_note().await;
        let broken = || write_error(&self.target, io::ErrorKind::BrokenPipe.into());
        let path = self.temporary.take().ok_or_else(broken)?;
        Ok(Complete { path, file, record: self.record.take() })
    }

    /// Leaves what there is to another download, where that can go on with it.
    pub(super) async fn keep(mut self) {
        let written = self.write_batch().await;
        self.settle_note().await;
        let (Ok(()), Ok(file)) = (written, self.idle().await) else { return };
        if self.bytes >= KEEP_BYTES {
            self.note(&file);
            self.settle_note().await;
        }
    }

    /// Leaves nothing.
    pub(super) async fn discard(mut self) {
        self.forget().await;
    }

    async fn forget(&mut self) {
        self.settle_note().await;
        if let Some(record) = &self.record {
            record.remove();
        }
        (self.version, self.bytes, self.noted) = (None, 0, 0);
    }

    async fn write_batch(&mut self) -> Result<(), Error> {
        let bytes = std::mem::take(&mut self.batch_bytes);
        let batch = std::mem::take(&mut self.batch);
        let file = self.idle().await?;
        let is_noting = self.noting.as_ref().is_some_and(|noting| !noting.is_finished());
        if self.bytes.saturating_sub(self.noted) >= NOTE_BYTES && !is_noting {
            self.note(&file);
        }
        self.start(file, move |file| batch.iter().try_for_each(|part| file.write_all(part)));
        self.bytes = self.bytes.saturating_add(bytes as u64);
        Ok(())
    }

    /// Begins to bring to the disk what is written, and then to note it. Nobody waits for it.
    fn note(&mut self, file: &File) {
        let (Some(record), Some(version)) = (self.record.clone(), self.version.clone()) else { return };
        let Ok(file) = file.try_clone() else { return };
        let bytes = self.bytes;
        self.noted = bytes;
        self.noting = Some(spawn_blocking(move || {
            file.sync_data()?;
            record.write(&version, bytes)
        }));
    }

    async fn settle_note(&mut self) {
        if let Some(noting) = self.noting.take() {
            // What could not be noted is got again.
            noting.await.ok();
        }
    }

    fn start(&mut self, mut file: File, work: impl FnOnce(&mut File) -> io::Result<()> + Send + 'static) {
        self.state = State::Writing(spawn_blocking(move || work(&mut file).map(|()| file)));
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

impl Drop for PartFile {
    fn drop(&mut self) {
        // What was noted is of use to another download.
        if self.noted > 0
            && let Some(path) = self.temporary.take()
        {
            path.keep().ok();
        }
    }
}

impl Sink for PartFile {
    fn begins(&mut self, version: Option<Version>) {
        self.version = version;
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.batch_bytes += bytes.len();
        self.batch.push(bytes);
        if self.batch_bytes >= BATCH_BYTES { self.write_batch().await } else { Ok(()) }
    }
}

/// A part that was opened or made.
struct Made {
    file: File,
    path: TempPath,
    record: Option<Record>,
    begun: Option<Begun>,
}

impl From<Kept> for Made {
    fn from(Kept { file, path, record, begun }: Kept) -> Self {
        Self { file, path, record: Some(record), begun }
    }
}

/// Makes a file that nobody else has, in the folder of its final place.
fn create(target: &Path) -> io::Result<Made> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".comfyicu-").suffix(".part");
    #[cfg(unix)]
    {
        // As for any new file: what the umask leaves. The default is the owner alone.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let (file, path) = builder.tempfile_in(folder.unwrap_or_else(|| Path::new(".")))?.into_parts();
    Ok(Made { file, path, record: None, begun: None })
}

pub(super) fn write_error(path: &Path, error: io::Error) -> Error {
    let text = format!("`{}` cannot be written", path.display());
    Error::new(ErrorKind::WriteFile, text).with_source(Source::Io(error))
}
