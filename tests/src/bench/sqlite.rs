//! What SQLite alone does on this disk, with the durability that the server has: the limit.

use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::measure::per_second;

/// About as much as a small run has.
const ROW: &str = r#"{"prompt":{"1":{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":0}},"2":{"class_type":"PreviewImage","inputs":{"images":["1",0]}}}}"#;

/// Rows in a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commits {
    /// One in a commit.
    pub(super) single: f64,
    /// Many in a commit.
    pub(super) grouped: f64,
}

/// Measures both, each for half of the time.
pub(super) fn commits(time: Duration) -> Commits {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let folder = TempDir::new().expect("a folder");
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("limit.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = options.connect().await.expect("a database");
        sqlx::query("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
            .execute(&mut connection)
            .await
            .expect("a table");
        let single = rows_per_second(&mut connection, 1, time / 2).await;
        let grouped = rows_per_second(&mut connection, super::CONNECTIONS, time / 2).await;
        Commits { single, grouped }
    })
}

async fn rows_per_second(connection: &mut SqliteConnection, group: usize, time: Duration) -> f64 {
    let (begun, mut rows) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let mut transaction = connection.begin().await.expect("a transaction");
        for _ in 0..group {
            let insert = sqlx::query("INSERT INTO rows (text) VALUES (?)").bind(ROW);
            insert.execute(&mut *transaction).await.expect("a row");
        }
        transaction.commit().await.expect("a commit");
        rows += group;
    }
    per_second(rows, begun.elapsed())
}
