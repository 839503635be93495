//! A second look at a document that was read: where its keys and values stand.
//!
//! Reading keeps no positions, so that it costs nothing to those who need none. Whoever does need some scans
//! the text again. The text is known to be valid, so this looks at its structure alone.

mod doubled;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use doubled::{DoubledKey, doubled_keys};

use super::{JsonPath, PathStep, encoding};

/// A key of an object with its value, and where they stand in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) key: Cow<'a, str>,
    /// The key with its quotes.
    pub(crate) key_span: Range<usize>,
    pub(crate) value_span: Range<usize>,
}

/// The entries of the object that stands at `at`; none where it is no object.
pub(crate) fn entries(text: &[u8], at: usize) -> impl Iterator<Item = Entry<'_>> {
    let mut scanner = Scanner { text, at };
    let is_object = matches!(scanner.next(), Some(Token::OpenObject(_)));
    std::iter::from_fn(move || {
        let Some(Token::String(key_span)) = scanner.next() else { return None };
        Some(Entry { key: key(text, &key_span), value_span: scanner.value()?, key_span })
    })
    .take_while(move |_| is_object)
}

/// Where the items of the array that stands at `at` are; none where it is no array.
pub(super) fn items(text: &[u8], at: usize) -> impl Iterator<Item = Range<usize>> {
    let mut scanner = Scanner { text, at };
    let is_array = matches!(scanner.next(), Some(Token::OpenArray(_)));
    std::iter::from_fn(move || scanner.value()).take_while(move |_| is_array)
}

/// Where the value stands that a path leads to. Of a key that stands twice the last one counts, as in
/// reading.
pub(crate) fn span_at(text: &[u8], path: &JsonPath) -> Option<Range<usize>> {
    let root = Scanner { text, at: encoding::mark_len(text) }.value()?;
    path.steps().try_fold(root, |span, step| match step {
        PathStep::Key(key) => {
            entries(text, span.start).filter(|entry| entry.key == key).last().map(|entry| entry.value_span)
        }
        PathStep::Index(index) => items(text, span.start).nth(index),
    })
}

/// Whether an object stands behind the key at a span.
pub(crate) fn is_object_behind(text: &[u8], key_span: &Range<usize>) -> bool {
    matches!(Scanner { text, at: key_span.end }.next(), Some(Token::OpenObject(_)))
}

/// Where the string ends that begins at `start`: behind its closing quote, or where the text ends.
pub(super) fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(rest) = text.get(at..) {
        let Some(len) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) else { break };
        at += len + 1;
        if rest.get(len) == Some(&b'"') {
            return at;
        }
        // What is escaped ends nothing.
        at += 1;
    }
    text.len()
}

/// The key that stands at a span.
fn key<'a>(text: &'a [u8], span: &Range<usize>) -> Cow<'a, str> {
    let token = text.get(span.clone()).unwrap_or_default();
    let inner = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
    if inner.contains(&b'\\') {
        serde_json::from_slice(token).map_or_else(|_| String::from_utf8_lossy(inner), Cow::Owned)
    } else {
        String::from_utf8_lossy(inner)
    }
}

/// What a text is made of. Commas and colons say nothing here.
pub(crate) enum Token {
    OpenObject(usize),
    OpenArray(usize),
    Close,
    /// A string with its quotes, key or value.
    String(Range<usize>),
    /// A number or a word.
    Other(Range<usize>),
}

/// Goes over a text from a place on.
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Before the value that a path leads to.
    pub(crate) fn before(text: &'a [u8], path: &JsonPath) -> Option<Self> {
        let at = if path.is_root() { encoding::mark_len(text) } else { span_at(text, path)?.start };
        Some(Self { text, at })
    }

    /// Goes over the value that comes next, and says where it stands. Where that is an object, `entry` is shown
    /// each key and where it stands, and goes over its value.
    pub(crate) fn object(
        &mut self,
        mut entry: impl FnMut(&mut Self, Cow<'a, str>, Range<usize>),
    ) -> Option<Range<usize>> {
        let start = self.next_at();
        if self.text.get(start) != Some(&b'{') {
            return self.value();
        }
        self.at = start + 1;
        while let Some(Token::String(key_span)) = self.next() {
            entry(self, key(self.text, &key_span), key_span);
        }
        Some(start..self.at)
    }

    /// Where the next token begins.
    fn next_at(&mut self) -> usize {
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':'));
        self.at
    }

    /// Goes over the value that comes next, and says where it stands.
    pub(crate) fn value(&mut self) -> Option<Range<usize>> {
        let start = match self.next()? {
            Token::OpenObject(start) | Token::OpenArray(start) => start,
            Token::String(span) | Token::Other(span) => return Some(span),
            Token::Close => return None,
        };
        let mut open = 1_usize;
        while open > 0 {
            match self.next()? {
                Token::OpenObject(_) | Token::OpenArray(_) => open += 1,
                Token::Close => open -= 1,
                Token::String(_) | Token::Other(_) => {}
            }
        }
        Some(start..self.at)
    }

    fn skip(&mut self, is_skipped: impl Fn(u8) -> bool) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !is_skipped(*byte)).unwrap_or(rest.len());
    }
}

impl Iterator for Scanner<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.next_at();
        let first = self.text.get(start)?;
        match first {
            b'"' => self.at = string_end(self.text, start),
            b'{' | b'[' | b'}' | b']' => self.at += 1,
            _ => self.skip(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' | b'}')),
        }
        Some(match first {
            b'{' => Token::OpenObject(start),
            b'[' => Token::OpenArray(start),
            b'}' | b']' => Token::Close,
            b'"' => Token::String(start..self.at),
            _ => Token::Other(start..self.at),
        })
    }
}
