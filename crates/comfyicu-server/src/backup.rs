//! `comfyicu-server backup` and `restore`: a copy of the data directory that is whole, made while the server runs.
//!
//! The database is copied as it is at one moment, and the files after it: what a row names was on disk before the
//! row was. The copy takes the place of an earlier one with a rename, once all of its files are there, so that a
//! backup that breaks off leaves the earlier one as good as it was.

mod mirror;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::command::Unwatched;
use crate::data_dir::{DATABASE, DataDir, DataDirError, FOLDERS};
use crate::store::{SqliteStore, StoreError};
use mirror::{Mirrored, mirror};

/// The copy of the database, until its files are there.
const UNFINISHED: &str = "runs.db.new";
/// How long the copy waits for a lock of the server's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// What was copied.
#[derive(Debug)]
pub(crate) struct Copied {
    /// How many runs the copy holds.
    pub(crate) runs: u64,
    /// Its files.
    pub(crate) files: Mirrored,
}

/// Why there is no backup, or nothing was restored. What was there before is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BackupError {
    /// Nothing is there to be copied.
    #[error("{} holds no data of a comfyicu-server: it has no {DATABASE}", .0.display())]
    Nothing(PathBuf),
    /// The copy would be part of what is copied, or the other way round.
    #[error("{} and {} lie in each other", from.display(), to.display())]
    Nested {
        /// What was to be copied.
        from: PathBuf,
        /// Where to.
        to: PathBuf,
    },
    /// Another backup is being written there.
    #[error("{} is being written by another backup", .0.display())]
    InUse(PathBuf),
    /// Runs would be lost.
    #[error("{} holds runs already: give another --data-dir, or move it away first", .0.display())]
    Occupied(PathBuf),
    /// The copy is damaged.
    #[error("the database in {} is damaged: {reason}", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// The first thing that SQLite finds.
        reason: String,
    },
    /// The data directory cannot be had.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// What was restored cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database cannot be read, or its copy not written.
    #[error("the database cannot be copied")]
    Database(#[from] rusqlite::Error),
    /// A file cannot be read, or its copy not written.
    #[error("{} cannot be copied", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl BackupError {
    /// Whether another command line would do.
    pub(crate) const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Nothing(_)
                | Self::Nested { .. }
                | Self::InUse(_)
                | Self::Occupied(_)
                | Self::DataDir(DataDirError::InUse(_))
        )
    }
}

/// Copies a data directory, whose server may be running, to a folder. What an earlier backup left there stays
/// where it is the same, and goes where the data has it no more.
pub(crate) fn backup(data_dir: &Path, to: &Path) -> Result<Copied, BackupError> {
    let database = data_dir.join(DATABASE);
    if !database.is_file() {
        return Err(BackupError::Nothing(data_dir.to_owned()));
    }
    apart(data_dir, to)?;
    let held = match DataDir::lock(to) {
        Err(DataDirError::InUse(path)) => return Err(BackupError::InUse(path)),
        held => held?,
    };
    // Once more, now that links in it are followed.
    apart(data_dir, held.root())?;
    let unfinished = held.root().join(UNFINISHED);
    let runs = snapshot(&database, &unfinished)?;
    let files = copy_files(data_dir, held.root())?;
    put_in_place(&unfinished, &held.root().join(DATABASE))?;
    let gone = remove_strangers(data_dir, held.root())?;
    Ok(Copied { runs, files: Mirrored { removed: gone, ..files } })
}

/// Makes a data directory of a backup, for a server of this version or a later one.
pub(crate) async fn restore(from: &Path, data_dir: &Path) -> Result<Copied, BackupError> {
    let database = from.join(DATABASE);
    if !database.is_file() {
        return Err(BackupError::Nothing(from.to_owned()));
    }
    let held = DataDir::lock(data_dir)?;
    apart(from, held.root())?;
    if held.database().exists() {
        return Err(BackupError::Occupied(held.root().to_owned()));
    }
    check(from, &database)?;
    let unfinished = held.root().join(UNFINISHED);
    let runs = snapshot(&database, &unfinished)?;
    let files = copy_files(from, held.root())?;
    put_in_place(&unfinished, &held.database())?;
    // It is brought to this version now, while somebody looks.
    SqliteStore::open(&held.database(), Arc::new(Unwatched)).await?.close().await;
    Ok(Copied { runs, files })
}

/// A copy inside of what is copied would grow for ever.
fn apart(from: &Path, to: &Path) -> Result<(), BackupError> {
    let fail = |source| BackupError::Io { path: from.to_owned(), source };
    let (from, to) = (from.canonicalize().map_err(fail)?, std::path::absolute(to).map_err(fail)?);
    if from.starts_with(&to) || to.starts_with(&from) {
        return Err(BackupError::Nested { from, to });
    }
    Ok(())
}

/// Writes the database as it is now to a new file, on disk when this returns, and counts its runs.
fn snapshot(database: &Path, to: &Path) -> Result<u64, BackupError> {
    // A backup that broke off may have left one; SQLite writes no file that is there.
    remove(to)?;
    let connection = open(database)?;
    let path = to.to_str().ok_or_else(|| BackupError::Io {
        path: to.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"),
    })?;
    connection.execute("VACUUM INTO ?", [path])?;
    private(to).and_then(|()| File::open(to)?.sync_all()).map_err(|source| io_error(to, source))?;
    let runs: i64 = open(to)?.query_one("SELECT count(*) FROM runs", (), |row| row.get(0))?;
    Ok(u64::try_from(runs).unwrap_or_default())
}

fn open(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn check(folder: &Path, database: &Path) -> Result<(), BackupError> {
    let connection = open(database)?;
    let checked: rusqlite::Result<String> =
        connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0));
    let reason = match checked {
        Ok(verdict) if verdict == "ok" => return Ok(()),
        Ok(verdict) => verdict,
        Err(error) => error.to_string(),
    };
    Err(BackupError::Damaged { path: folder.to_owned(), reason })
}

fn copy_files(from: &Path, to: &Path) -> Result<Mirrored, BackupError> {
    let mut copied = Mirrored::default();
    for folder in FOLDERS {
        copied += mirror(&from.join(folder), &to.join(folder))?;
    }
    Ok(copied)
}

fn remove_strangers(from: &Path, to: &Path) -> Result<u64, BackupError> {
    let mut removed = 0;
    for folder in FOLDERS {
        removed += mirror::remove_strangers(&from.join(folder), &to.join(folder))?;
    }
    Ok(removed)
}

fn put_in_place(unfinished: &Path, database: &Path) -> Result<(), BackupError> {
    let fail = |source| io_error(database, source);
    // Of an earlier copy that somebody opened: it would be taken for the new one's.
    for suffix in ["-wal", "-shm"] {
        let mut log = database.as_os_str().to_owned();
        log.push(suffix);
        remove(Path::new(&log))?;
    }
    fs::rename(unfinished, database).map_err(fail)?;
    File::open(database.parent().unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(fail)
}

fn remove(file: &Path) -> Result<(), BackupError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(file, error)),
        _ => Ok(()),
    }
}

/// Digests of keys and the secrets of webhooks are in it.
#[cfg(unix)]
fn private(file: &Path) -> io::Result<()> {
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn private(_file: &Path) -> io::Result<()> {
    Ok(())
}

fn io_error(path: &Path, source: io::Error) -> BackupError {
    BackupError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
