//! The commands beside `serve`: they work on the data directory of a server, whether it runs or not.

pub(crate) mod backup;
pub(crate) mod config;
pub(crate) mod gc;
pub(crate) mod keys;
pub(crate) mod logs;
mod table;
pub(crate) mod usage;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backup::BackupError;
use crate::data_dir::{DataDir, DataDirError};
use crate::keys::leave_stamp;
use crate::retention::CollectError;
use crate::serve::ServeError;
use crate::store::{Committed, Observer, SqliteStore, StoreError};

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CommandError {
    /// There is nothing to work on.
    #[error("there is no data of a server in {}: name its folder with --data-dir", .0.display())]
    NoData(PathBuf),
    /// A server of another version has the data.
    #[error("a server of another version runs on this data: use its own `comfyicu-server`")]
    OtherVersion,
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(DataDirError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such key.
    #[error("there is no key {0} that is good: `keys list` shows them")]
    NoKey(String),
    /// There is no such run.
    #[error("there is no run {0} here")]
    NoRun(String),
    /// The time given is not one that can be.
    #[error("a key that ends at {0} would have ended already")]
    EndsInThePast(comfyicu_model::Timestamp),
    /// The settings do not go together.
    #[error(transparent)]
    Settings(#[from] ServeError),
    /// There is no backup, or nothing was restored.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The rules of retention could not be applied to the end.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// Some files could not be removed.
    #[error("the outputs of {0} runs could not be removed; the next gc tries again")]
    FilesLeft(u64),
    /// A running server cannot be told.
    #[error("a running server cannot be told of the change; send it SIGHUP")]
    Stamp(#[source] io::Error),
    /// What was found cannot be shown.
    #[error("the answer cannot be written")]
    Write(#[from] io::Error),
}

impl CommandError {
    /// Whether another command line would do.
    pub(crate) const fn is_usage(&self) -> bool {
        match self {
            Self::NoData(_) | Self::NoKey(_) | Self::NoRun(_) | Self::EndsInThePast(_) => true,
            Self::Settings(error) => error.is_usage(),
            Self::Backup(error) => error.is_usage(),
            _ => false,
        }
    }
}

impl From<DataDirError> for CommandError {
    fn from(error: DataDirError) -> Self {
        match error {
            DataDirError::Empty(folder) => Self::NoData(folder),
            error => Self::DataDir(error),
        }
    }
}

/// The data of a server, for one command.
#[derive(Debug)]
struct Data {
    store: SqliteStore,
    folder: DataDir,
}

/// Nobody watches what a command changes.
#[derive(Debug)]
pub(crate) struct Unwatched;

impl Observer for Unwatched {
    fn committed(&self, _: Committed) {}
}

impl Data {
    /// Opens the data that is there, beside a server that runs on it.
    async fn open(folder: &Path) -> Result<Self, CommandError> {
        Self::of(DataDir::share(folder)?).await
    }

    /// The same; where there is nothing it is made, for a server to come.
    async fn open_or_make(folder: &Path) -> Result<Self, CommandError> {
        match DataDir::lock(folder) {
            Err(DataDirError::InUse(_)) => Self::open(folder).await,
            folder => Self::of(folder?).await,
        }
    }

    async fn of(folder: DataDir) -> Result<Self, CommandError> {
        if folder.is_shared() && !SqliteStore::is_current(&folder.database()).await? {
            return Err(CommandError::OtherVersion);
        }
        let store = SqliteStore::open(&folder.database(), Arc::new(Unwatched)).await?;
        Ok(Self { store, folder })
    }

    /// Tells a running server that the keys have changed.
    fn tell_of_keys(&self) -> Result<(), CommandError> {
        leave_stamp(&self.folder.keys_stamp()).map_err(CommandError::Stamp)
    }
}
