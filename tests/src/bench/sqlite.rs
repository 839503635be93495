//! What SQLite alone does on this disk, with the durability that the server has: the limit.

use std::time::{Duration, Instant};

use rusqlite::Connection;
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
    let folder = TempDir::new().expect("a folder");
    let mut connection = Connection::open(folder.path().join("limit.db")).expect("a database");
    let setting = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                   CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT";
    connection.execute_batch(setting).expect("a table");
    let single = rows_per_second(&mut connection, 1, time / 2);
    let grouped = rows_per_second(&mut connection, super::CONNECTIONS, time / 2);
    Commits { single, grouped }
}

fn rows_per_second(connection: &mut Connection, group: usize, time: Duration) -> f64 {
    let (begun, mut rows) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let transaction = connection.transaction().expect("a transaction");
        for _ in 0..group {
            let mut insert =
                transaction.prepare_cached("INSERT INTO rows (text) VALUES (?)").expect("a statement");
            insert.execute([ROW]).expect("a row");
        }
        transaction.commit().expect("a commit");
        rows += group;
    }
    per_second(rows, begun.elapsed())
}
