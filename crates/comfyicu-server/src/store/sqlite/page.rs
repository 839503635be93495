//! Parts of lists: one row more than is asked for says whether there is a next part.

use rusqlite::{Connection, Params, Row};

use super::{StoreError, statement};
use crate::store::Page;

/// How many rows to read for so many entries.
pub(super) const fn with_one_more(limit: u32) -> u32 {
    limit.saturating_add(1)
}

/// The page that the rows of a statement are; `place` is the column that they are ordered by.
pub(super) fn read<T>(
    connection: &Connection,
    (sql, params): (&str, impl Params),
    (limit, place): (u32, &str),
    read: fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut items, mut last, mut next) = (Vec::new(), None, None);
    statement::rows(connection, sql, params, |row| {
        if items.len() < limit {
            items.push(read(row)?);
            last = Some(row.get(place)?);
        } else {
            next = last;
        }
        Ok(())
    })?;
    Ok(Page { items, next })
}
