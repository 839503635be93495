//! Parts of lists: one row more than is asked for says whether there is a next part.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::StoreError;
use crate::store::Page;

/// How many rows to read for so many entries.
pub(super) const fn with_one_more(limit: u32) -> u32 {
    limit.saturating_add(1)
}

/// The page that the rows are; `place` is the column that they are ordered by.
pub(super) fn of_rows<T>(
    rows: &[SqliteRow],
    limit: u32,
    place: &str,
    read: fn(&SqliteRow) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let shown = rows.get(..limit.min(rows.len())).unwrap_or_default();
    let next = match shown.last() {
        Some(last) if rows.len() > limit => Some(last.try_get(place)?),
        _ => None,
    };
    Ok(Page { items: shown.iter().map(read).collect::<Result<_, _>>()?, next })
}
