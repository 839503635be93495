//! The store in SQLite: one writer, several readers, nothing acknowledged that is not on disk.

mod claims;
mod connection;
mod events;
mod files;
mod keys;
mod migrate;
mod outbox;
mod page;
mod retention;
mod rows;
mod runs;
mod statement;
mod usage;
mod writer;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::{Observer, StoreError};
use connection::Readers;
use writer::{Operation, Writer};

/// The store in one SQLite file, with a write-ahead log that is synced at each commit.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore {
    writer: Writer,
    readers: Readers,
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings it to this version.
    ///
    /// The observer hears of each change of a run after its commit.
    pub(crate) async fn open(file: &Path, observer: Arc<dyn Observer>) -> Result<Self, StoreError> {
        blocking(file, migrate::migrate).await?;
        Ok(Self { writer: Writer::start(file, observer)?, readers: Readers::new(file) })
    }

    /// Whether the file is one of this version, which another process may have just now.
    pub(crate) async fn is_current(file: &Path) -> Result<bool, StoreError> {
        blocking(file, migrate::is_current).await
    }

    /// Writes, together with whatever else waits to be written.
    async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, StoreError> {
        self.writer.write(operation).await
    }

    /// Reads what was committed.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(question).await
    }

    /// Leaves as good as no room for what is written next, as on a full disk.
    #[cfg(test)]
    pub(crate) async fn limit_size(&self) {
        self.write(writer::LimitSize).await.unwrap();
    }

    /// Lets go of the file.
    pub(crate) async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

/// Does something with a file on a thread that may block.
async fn blocking<T: Send + 'static>(
    file: &Path,
    work: fn(&Path) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let file = file.to_owned();
    tokio::task::spawn_blocking(move || work(&file)).await.map_err(|_| StoreError::Closed)?
}
