//! Positions in a list, as Python counts them.

use crate::json::Value;

/// Why a value is no position in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexError {
    /// It is no whole number.
    NotWhole,
    /// The list is not that long.
    OutOfRange,
}

/// Where in a list of `len` Python looks for an index: from the end, where it is below zero.
pub(crate) fn index(index: &Value, len: usize) -> Result<usize, IndexError> {
    let index = match index {
        Value::Bool(index) => i64::from(*index),
        Value::Number(number) if number.is_integer() => number.as_i64().ok_or(IndexError::OutOfRange)?,
        _ => return Err(IndexError::NotWhole),
    };
    let offset = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    let found = if index < 0 { len.checked_sub(offset) } else { Some(offset).filter(|offset| *offset < len) };
    found.ok_or(IndexError::OutOfRange)
}
