//! Offsets in a text as lines and columns.

use std::ops::Range;

use super::{Position, encoding};

/// Where the lines of a text begin. Made once, and only when somebody asks where something is.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    /// The first byte of each line; the byte order mark is before the first line.
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn of(text: &[u8]) -> Self {
        let breaks = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(encoding::mark_len(text)).chain(breaks.map(|(at, _)| at + 1));
        Self { starts: starts.collect() }
    }

    /// Where a stretch of the text stands.
    pub(crate) fn position(&self, span: Range<usize>) -> Position {
        let line = self.starts.partition_point(|start| *start <= span.start).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        Position {
            line,
            column: span.start.saturating_sub(start) + 1,
            offset: span.start,
            len: span.end.saturating_sub(span.start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> (usize, usize) {
        let position = Lines::of(text.as_bytes()).position(offset..offset);
        assert_eq!((position.offset, position.len), (offset, 0));
        (position.line, position.column)
    }

    #[test]
    fn lines_and_columns_are_counted_from_1() {
        assert_eq!(at("", 0), (1, 1));
        assert_eq!(at("ab\ncd", 1), (1, 2));
        assert_eq!(at("ab\ncd", 2), (1, 3), "the line break ends its line");
        assert_eq!(at("ab\ncd", 3), (2, 1));
        assert_eq!(at("ab\r\ncd\r\n", 8), (3, 1), "the end of the text");
    }

    #[test]
    fn a_byte_order_mark_counts_in_the_offset_alone() {
        assert_eq!(at("\u{feff}ab\ncd", 3), (1, 1));
        assert_eq!(at("\u{feff}ab\ncd", 4), (1, 2));
        assert_eq!(at("\u{feff}ab\ncd", 6), (2, 1));
        assert_eq!(at("\u{feff}", 0), (1, 1));
    }
}
