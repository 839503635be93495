//! The store in SQLite: one writer, several readers, nothing acknowledged that is not on disk.

mod claims;
mod events;
mod files;
mod keys;
mod outbox;
mod page;
mod retention;
mod rows;
mod runs;
mod usage;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::{Observer, StoreError};
use writer::{Operation, Writer};

/// What brings a file to this version.
static MIGRATOR: Migrator = sqlx::migrate!("./migrations");
/// How many connections read at once.
const READERS: u32 = 4;
/// How long a connection waits for a lock that another one holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The store in one SQLite file, with a write-ahead log that is synced at each commit.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings it to this version.
    ///
    /// The observer hears of each change of a run after its commit.
    pub(crate) async fn open(file: &Path, observer: Arc<dyn Observer>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        migrate(&options).await?;
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        assert_durable(&writer).await?;
        let readers =
            SqlitePoolOptions::new().max_connections(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { writer: Writer::start(writer, observer), readers })
    }

    /// Whether the file is one of this version, which another process may have just now.
    pub(crate) async fn is_current(file: &Path) -> Result<bool, StoreError> {
        let options = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(BUSY_TIMEOUT);
        let reader = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        let found: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
            .fetch_one(&reader)
            .await?;
        reader.close().await;
        Ok(MIGRATOR.iter().map(|migration| migration.version).max() == Some(found))
    }

    /// Writes, together with whatever else waits to be written.
    async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, StoreError> {
        self.writer.write(operation).await
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

/// Brings the database to this version. Tables that others refer to are made anew, so that references are
/// looked at once it is done.
async fn migrate(options: &SqliteConnectOptions) -> Result<(), StoreError> {
    let mut connection = options.clone().foreign_keys(false).connect().await?;
    let version = "SELECT MAX(version) FROM _sqlx_migrations";
    let before: Option<i64> = sqlx::query_scalar(version).fetch_one(&mut connection).await.ok().flatten();
    MIGRATOR.run(&mut connection).await.map_err(StoreError::Migrate)?;
    let now: Option<i64> = sqlx::query_scalar(version).fetch_one(&mut connection).await?;
    if before == now {
        return Ok(connection.close().await?);
    }
    if let Some(row) = sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut connection).await? {
        let (table, parent): (String, String) = (row.try_get(0)?, row.try_get(2)?);
        let problem = format!("one of `{table}` refers to one of `{parent}` that is not there");
        return Err(StoreError::Corrupt { table: "the tables", problem });
    }
    Ok(connection.close().await?)
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
