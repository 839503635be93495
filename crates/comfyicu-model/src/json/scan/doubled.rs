//! Keys that stand twice in one object.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::{Scanner, Token, key};
use crate::json::{JsonPath, encoding};

/// A key that stands twice in one object. Where it stands more often, each pair in a row is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DoubledKey {
    /// Where the key leads to.
    pub(crate) path: JsonPath,
    /// The key where it stood before, with its quotes.
    pub(crate) earlier: Range<usize>,
    /// The key where it stands again, with its quotes.
    pub(crate) later: Range<usize>,
}

/// The keys that stand twice, in the order of the text. It is gone through once, whatever its depth.
pub(crate) fn doubled_keys(text: &[u8]) -> impl Iterator<Item = DoubledKey> {
    let mut walk = Walk {
        scanner: Scanner { text, at: encoding::mark_len(text) },
        open: Vec::new(),
        path: JsonPath::default(),
    };
    std::iter::from_fn(move || walk.next_doubled())
}

struct Walk<'a> {
    scanner: Scanner<'a>,
    open: Vec<Open<'a>>,
    /// The path of the value that is gone through.
    path: JsonPath,
}

/// An array or an object that is gone through.
enum Open<'a> {
    Array {
        next: usize,
    },
    /// With the keys so far. A string in it is a key, unless a key has just been seen.
    Object {
        keys: HashMap<Cow<'a, str>, Range<usize>>,
        is_value_next: bool,
    },
}

impl Walk<'_> {
    fn next_doubled(&mut self) -> Option<DoubledKey> {
        loop {
            let token = self.scanner.next()?;
            if let (Token::String(span), Some(Open::Object { keys, is_value_next: is_value_next @ false })) =
                (&token, self.open.last_mut())
            {
                *is_value_next = true;
                let key = key(self.scanner.text, span);
                self.path.push_key(&key);
                if let Some(earlier) = keys.insert(key, span.clone()) {
                    return Some(DoubledKey { path: self.path.clone(), earlier, later: span.clone() });
                }
                continue;
            }
            match token {
                Token::OpenObject(_) => {
                    self.begin_value();
                    self.open.push(Open::Object { keys: HashMap::new(), is_value_next: false });
                }
                Token::OpenArray(_) => {
                    self.begin_value();
                    self.open.push(Open::Array { next: 0 });
                }
                Token::Close => {
                    self.open.pop();
                    self.end_value();
                }
                Token::String(_) | Token::Other(_) => {
                    self.begin_value();
                    self.end_value();
                }
            }
        }
    }

    fn begin_value(&mut self) {
        if let Some(Open::Array { next }) = self.open.last_mut() {
            self.path.push_index(*next);
            *next += 1;
        }
    }

    fn end_value(&mut self) {
        self.path.pop();
        if let Some(Open::Object { is_value_next, .. }) = self.open.last_mut() {
            *is_value_next = false;
        }
    }
}
