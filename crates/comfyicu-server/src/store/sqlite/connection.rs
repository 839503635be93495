//! Connections to the database file: the one that writes, and those that read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::StoreError;

/// How many connections read at once.
const READERS: u32 = 4;
/// How long a connection waits for a lock that another one holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many prepared statements a connection keeps: more than the store has.
const STATEMENTS: usize = 128;

/// Opens the file for writing, or makes it.
pub(super) fn open(file: &Path) -> Result<Connection, StoreError> {
    let connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let journal_mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    assert_durable(&connection, &journal_mode)?;
    Ok(connection)
}

/// Opens the file for reading.
pub(super) fn open_to_read(file: &Path) -> Result<Connection, StoreError> {
    connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // One thread at a time has a connection.
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without it, SQLite prepares a statement anew for other values: they might be found in a better way.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// A file system can refuse the write-ahead log without an error; what was promised is looked at.
fn assert_durable(connection: &Connection, journal_mode: &str) -> Result<(), StoreError> {
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    // 2 is FULL: the log is synced before a commit returns.
    if journal_mode == "wal" && synchronous == 2 {
        return Ok(());
    }
    Err(StoreError::NotDurable(format!("journal_mode is {journal_mode}, synchronous is {synchronous}")))
}

/// Connections that read, each one question at a time. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    file: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    /// Opens none yet.
    pub(super) fn new(file: &Path) -> Self {
        let places = Arc::new(Semaphore::new(READERS as usize));
        Self { file: Arc::new(file.to_owned()), idle: Arc::default(), places }
    }

    /// Asks on a thread that may block. When the future is dropped, the question is answered all the same.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let connection = readers.take()?;
            let answer = question(&connection);
            readers.idle().push(connection);
            drop(place);
            answer
        });
        match asked.await {
            Ok(answer) => answer,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends.
                Err(_) => Err(StoreError::Closed),
            },
        }
    }

    /// Lets go of the file, once all questions are answered.
    pub(super) async fn close(&self) {
        // Fails where it was closed before.
        let all = self.places.acquire_many(READERS).await;
        self.places.close();
        self.idle().clear();
        drop(all);
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let idle = self.idle().pop();
        idle.map_or_else(|| open_to_read(&self.file), Ok)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
