//! The fields of one table, each with its place in the text.

use std::ops::{Range, RangeInclusive};

use toml_edit::{Item, Key, Table};

use super::InvalidFaults;

/// A text, and where it comes from.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) origin: &'a str,
    pub(super) text: &'a str,
}

/// A table of it.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) source: Text<'a>,
    pub(super) table: &'a Table,
}

impl Text<'_> {
    /// What is wrong at a place; without one, with the text as a whole.
    pub(super) fn error(self, span: Option<Range<usize>>, problem: impl Into<String>) -> InvalidFaults {
        let (line, column) = self.position(span.map_or(0, |span| span.start));
        InvalidFaults { origin: self.origin.to_owned(), line, column, problem: problem.into() }
    }

    /// The line and the column of a place, counted from 1.
    fn position(self, at: usize) -> (usize, usize) {
        let before = self.text.get(..self.text.floor_char_boundary(at)).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

impl<'a> Fields<'a> {
    /// Where the table is, for a log.
    pub(super) fn place(&self) -> String {
        let (line, _) = self.source.position(self.table.span().map_or(0, |span| span.start));
        format!("{}:{line}", self.source.origin)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.table.iter().map(|(key, _)| key)
    }

    /// A text, where there is one.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, InvalidFaults> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        item.as_str().map(Some).ok_or_else(|| self.wrong(key, format!("`{key}` has to be a text")))
    }

    pub(super) fn needed_text(&self, key: &str) -> Result<&'a str, InvalidFaults> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// A whole number within bounds, where there is one.
    pub(super) fn whole(&self, key: &str, bounds: RangeInclusive<u64>) -> Result<Option<u64>, InvalidFaults> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let number = item.as_integer().and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| bounds.contains(number));
        number.map(Some).ok_or_else(|| {
            let (from, to) = (bounds.start(), *bounds.end());
            let range =
                if to == u64::MAX { format!("{from} or more") } else { format!("from {from} to {to}") };
            self.wrong(key, format!("`{key}` has to be a whole number, {range}"))
        })
    }

    /// A key is needed that is not there.
    pub(super) fn missing(&self, key: &str) -> InvalidFaults {
        self.source.error(self.table.span(), format!("this fault needs a `{key}`"))
    }

    /// The value of a key is wrong.
    pub(super) fn wrong(&self, key: &str, problem: String) -> InvalidFaults {
        self.source.error(self.table.get(key).and_then(Item::span), problem)
    }

    /// A key is wrong.
    pub(super) fn wrong_key(&self, key: &str, problem: String) -> InvalidFaults {
        self.source.error(self.table.key(key).and_then(Key::span), problem)
    }
}
