//! The store in SQLite: one writer, several readers, nothing acknowledged that is not on disk.

mod files;
mod keys;
mod outbox;
mod rows;
mod runs;

use std::path::Path;
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::StoreError;

/// How many connections read at once.
const READERS: u32 = 4;
/// How long a connection waits for a lock that another one holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The store in one SQLite file, with a write-ahead log that is synced at each commit.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore {
    /// One connection: SQLite has one writer at a time, and waiting here is fairer than on its lock.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings it to this version.
    pub(crate) async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        sqlx::migrate!("./migrations").run(&writer).await.map_err(StoreError::Migrate)?;
        assert_durable(&writer).await?;
        let readers =
            SqlitePoolOptions::new().max_connections(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// Gives the writer's connection back after a transaction. After one that failed it is closed: a commit
    /// for which the disk had no room can leave the transaction open, and whatever came after would be lost in it.
    fn settled<T>(
        mut connection: PoolConnection<Sqlite>,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if result.is_err() {
            connection.close_on_drop();
        }
        result
    }

    /// Leaves as good as no room for what is written next, as on a full disk.
    #[cfg(test)]
    pub(crate) async fn limit_size(&self) {
        let pages: i64 =
            sqlx::query_scalar("PRAGMA max_page_count = 100").fetch_one(&self.writer).await.unwrap();
        assert!(pages < 1000);
    }

    /// Lets go of the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A file system can refuse the write-ahead log without an error; what was promised is looked at.
async fn assert_durable(writer: &SqlitePool) -> Result<(), StoreError> {
    let journal_mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(writer).await?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(writer).await?;
    // 2 is FULL: the log is synced before a commit returns.
    if journal_mode == "wal" && synchronous == 2 {
        return Ok(());
    }
    Err(StoreError::NotDurable(format!("journal_mode is {journal_mode}, synchronous is {synchronous}")))
}
