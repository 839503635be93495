//! Where in a text something stands.

use std::fmt;
use std::ops::Range;

use super::{Object, Value};

/// A stretch of a text: where it begins, as people count, and which bytes it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// The column at which it begins, in bytes, from 1.
    pub column: usize,
    /// The first byte, from 0 at the start of the file, a byte order mark included.
    pub offset: usize,
    /// How many bytes it covers; 0 where only the place is known.
    pub len: usize,
}

/// Writes `line:column`, as compilers do.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Position {
    /// The bytes that it covers: `&text[position.range()]` is what stands there.
    pub const fn range(self) -> Range<usize> {
        self.offset..self.offset.saturating_add(self.len)
    }

    /// Writes the position as JSON: `{"line", "column", "offset", "len"}`.
    pub fn to_object(self) -> Object {
        let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        Object::from_iter([
            ("line", number(self.line)),
            ("column", number(self.column)),
            ("offset", number(self.offset)),
            ("len", number(self.len)),
        ])
    }

    /// Reads a position as [`to_object`](Self::to_object) writes it.
    pub fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let number = |key| usize::try_from(object.get(key)?.as_number()?.as_u64()?).ok();
        Some(Self {
            line: number("line")?,
            column: number("column")?,
            offset: number("offset")?,
            len: number("len")?,
        })
    }
}
