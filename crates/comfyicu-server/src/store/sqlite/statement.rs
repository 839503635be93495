//! Statements. Each connection prepares one when it is first used, and keeps it.

use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, Row};

use super::StoreError;

/// Runs a statement that gives no rows, and says how many it changed.
pub(super) fn execute(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// Runs an INSERT of one row, and gives its number.
pub(super) fn insert(connection: &Connection, sql: &str, params: impl Params) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached(sql)?.insert(params)?)
}

/// All rows, each as it is read.
pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    connection.prepare_cached(sql)?.query_and_then(params, read)?.collect()
}

/// The first row, if there is one.
pub(super) fn row<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    connection.prepare_cached(sql)?.query_and_then(params, read)?.next().transpose()
}

/// The first value of the first row, which is there.
pub(super) fn value<T: FromSql>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<T, StoreError> {
    Ok(connection.prepare_cached(sql)?.query_one(params, |row| row.get(0))?)
}

/// The first value of the first row, if there is one.
pub(super) fn optional_value<T: FromSql>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<T>, StoreError> {
    row(connection, sql, params, |row| Ok(row.get(0)?))
}
