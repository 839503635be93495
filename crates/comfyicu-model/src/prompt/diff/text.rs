//! What changed in a text.

use std::fmt;
use std::ops::Range;

use similar::{ChangeTag, TextDiff};

use crate::prompt::summary::Printable;

/// Texts that are both no longer than this, in characters, are shown whole, one after the other.
const SHORT: usize = 24;
/// The most bytes of the two texts together of which the words are compared; of longer ones only what is not
/// the same at both ends is shown.
const MAX_COMPARED: usize = 32 * 1024;
/// How much of two texts has to be the same, from 0 to 1, for one to be shown as a change of the other.
const LEAST_ALIKE: f32 = 0.3;
/// How many characters of what did not change are shown beside what did.
const CONTEXT: usize = 24;
/// The most characters that are shown of one changed part.
const MAX_PART: usize = 200;

/// Two texts as one, with what is gone as `[-old-]` and what is new as `{+new+}`.
pub(super) struct Changed<'a> {
    pub(super) old: &'a str,
    pub(super) new: &'a str,
}

impl fmt::Display for Changed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_short = |text: &str| text.chars().count() <= SHORT;
        if is_short(self.old) && is_short(self.new) {
            return write!(f, "{:?} → {:?}", self.old, self.new);
        }
        let parts = self.parts();
        let last = parts.len().saturating_sub(1);
        f.write_str("\"")?;
        for (position, (tag, part)) in parts.iter().enumerate() {
            match tag {
                ChangeTag::Delete => write!(f, "[-{}-]", Shortened { part, head: MAX_PART, tail: 0 })?,
                ChangeTag::Insert => write!(f, "{{+{}+}}", Shortened { part, head: MAX_PART, tail: 0 })?,
                ChangeTag::Equal => {
                    let head = if position == 0 { 0 } else { CONTEXT };
                    let tail = if position == last { 0 } else { CONTEXT };
                    Shortened { part, head, tail }.fmt(f)?;
                }
            }
        }
        f.write_str("\"")
    }
}

impl Changed<'_> {
    /// The text in parts: what stayed, what is gone, what is new; neighbours of one kind are one part.
    fn parts(&self) -> Vec<(ChangeTag, String)> {
        if self.old.len() + self.new.len() > MAX_COMPARED {
            return self.ends();
        }
        let diff = TextDiff::from_words(self.old, self.new);
        if diff.ratio() < LEAST_ALIKE {
            return vec![(ChangeTag::Delete, self.old.to_owned()), (ChangeTag::Insert, self.new.to_owned())];
        }
        let mut parts: Vec<(ChangeTag, String)> = Vec::new();
        for change in diff.iter_all_changes() {
            match parts.last_mut() {
                Some((tag, part)) if *tag == change.tag() => part.push_str(change.value()),
                _ => parts.push((change.tag(), change.value().to_owned())),
            }
        }
        parts
    }

    /// The text in four parts at most: the same beginning, what is gone, what is new, the same end.
    fn ends(&self) -> Vec<(ChangeTag, String)> {
        let same = |(a, b): &(char, char)| a == b;
        let width =
            |pairs: &mut dyn Iterator<Item = (char, char)>| pairs.map(|(a, _)| a.len_utf8()).sum::<usize>();
        let head = width(&mut self.old.chars().zip(self.new.chars()).take_while(same));
        let rest = |text: &str| text.get(head..).unwrap_or_default().to_owned();
        let (old, new) = (rest(self.old), rest(self.new));
        let tail = width(&mut old.chars().rev().zip(new.chars().rev()).take_while(same));
        let part = |text: &str, range: Range<usize>| text.get(range).unwrap_or_default().to_owned();
        let parts = [
            (ChangeTag::Equal, part(self.old, 0..head)),
            (ChangeTag::Delete, part(&old, 0..old.len() - tail)),
            (ChangeTag::Insert, part(&new, 0..new.len() - tail)),
            (ChangeTag::Equal, part(&old, old.len() - tail..old.len())),
        ];
        parts.into_iter().filter(|(_, part)| !part.is_empty()).collect()
    }
}

/// A part of a text, its middle left out when it is long.
struct Shortened<'a> {
    part: &'a str,
    head: usize,
    tail: usize,
}

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.part.chars().count();
        if count <= self.head + self.tail + 1 {
            return write!(f, "{}", Printable(self.part));
        }
        let head: String = self.part.chars().take(self.head).collect();
        let tail: String = self.part.chars().skip(count - self.tail).collect();
        write!(f, "{}…{}", Printable(&head), Printable(&tail))
    }
}
