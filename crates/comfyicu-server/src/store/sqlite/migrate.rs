//! Bringing a database to this version. Its own number of it is SQLite's `user_version`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{StoreError, connection};

/// What brings a file from one version to the next, in order.
const STEPS: [&str; 7] = [
    include_str!("../../../migrations/0001_runs.sql"),
    include_str!("../../../migrations/0002_live.sql"),
    include_str!("../../../migrations/0003_deliveries.sql"),
    include_str!("../../../migrations/0004_since.sql"),
    include_str!("../../../migrations/0005_owners.sql"),
    include_str!("../../../migrations/0006_retention.sql"),
    include_str!("../../../migrations/0007_revalidation.sql"),
];

/// Where the first seven versions were noted.
const EARLIER_NOTES: &str = "_sqlx_migrations";

/// Whether the file is one of this version, which another process may have just now.
pub(super) fn is_current(file: &Path) -> Result<bool, StoreError> {
    Ok(version(&connection::open_to_read(file)?)? == STEPS.len())
}

/// Brings the database to this version, each step whole or not at all. Tables that others refer to are made anew,
/// so that references are looked at once it is done.
pub(super) fn migrate(file: &Path) -> Result<(), StoreError> {
    if file.exists() {
        let found = version(&connection::open_to_read(file)?)?;
        if found > STEPS.len() {
            return Err(StoreError::TooNew { found, known: STEPS.len() });
        }
    }
    let mut connection = connection::open(file)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    adopt(&mut connection)?;
    let found = version(&connection)?;
    for (number, step) in (1..).zip(STEPS).skip(found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    if found < STEPS.len() {
        check_references(&connection)?;
    }
    Ok(())
}

/// Takes over what an earlier version of this program noted in a table of its own. Where something is noted already, it
/// was started once more since, and its table says nothing.
fn adopt(connection: &mut Connection) -> Result<(), StoreError> {
    if version(connection)? > 0 || !connection.table_exists(None, EARLIER_NOTES)? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let noted: i64 = transaction.query_one(
        "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success",
        (),
        |row| row.get(0),
    )?;
    transaction.pragma_update(None, "user_version", noted)?;
    transaction.execute_batch("DROP TABLE _sqlx_migrations")?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn check_references(connection: &Connection) -> Result<(), StoreError> {
    let mut check = connection.prepare("PRAGMA foreign_key_check")?;
    let mut dangling = check.query(())?;
    let Some(row) = dangling.next()? else { return Ok(()) };
    let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
    let problem = format!("one of `{table}` refers to one of `{parent}` that is not there");
    Err(StoreError::Corrupt { table: "the tables", problem })
}
