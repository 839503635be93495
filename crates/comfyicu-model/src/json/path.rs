//! Where in a document something is.

use std::fmt;

/// A place in a JSON document, written as people say it: `6.inputs.text`, `output[0].url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JsonPath(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Segment {
    Key(Box<str>),
    Index(usize),
}

/// One step of a [`JsonPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathStep<'a> {
    /// Into an object, to the value under a key.
    Key(&'a str),
    /// Into an array, to the item at an index, from 0.
    Index(usize),
}

impl JsonPath {
    /// Makes a path of keys alone.
    pub(crate) fn of_keys(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Segment::Key((*key).into())).collect())
    }

    /// Whether this is the document itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps, from the top.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = PathStep<'_>> + ExactSizeIterator {
        self.0.iter().map(|segment| match segment {
            Segment::Key(key) => PathStep::Key(key),
            Segment::Index(index) => PathStep::Index(*index),
        })
    }

    /// The path that goes on from this one.
    pub(crate) fn join(&self, below: &Self) -> Self {
        Self(self.0.iter().chain(&below.0).cloned().collect())
    }

    /// What is left of this path below another; `None` where it does not lead there.
    pub(crate) fn below(&self, above: &Self) -> Option<Self> {
        self.0.strip_prefix(above.0.as_slice()).map(|rest| Self(rest.to_vec()))
    }

    /// How many steps the path has; 0 is the document itself.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push_key(&mut self, key: &str) {
        self.0.push(Segment::Key(key.into()));
    }

    pub(super) fn push_index(&mut self, index: usize) {
        self.0.push(Segment::Index(index));
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    pub(super) fn reverse(&mut self) {
        self.0.reverse();
    }
}

/// How many steps of a long path are written, from its start and from its end.
const SHOWN_AT_AN_END: usize = 8;

/// Writes all steps, or of a path that is too long for a person the first and the last.
impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the top level");
        }
        let hidden = SHOWN_AT_AN_END..self.0.len().saturating_sub(SHOWN_AT_AN_END);
        for (position, segment) in self.0.iter().enumerate() {
            if hidden.contains(&position) {
                if position == hidden.start {
                    f.write_str(" … ")?;
                }
                continue;
            }
            match segment {
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_path_the_ends_are_written() {
        let path = |steps: usize| JsonPath((0..steps).map(Segment::Index).collect());
        assert_eq!(path(3).to_string(), "[0][1][2]");
        assert!(!path(16).to_string().contains('…'));
        assert_eq!(
            path(512).to_string(),
            "[0][1][2][3][4][5][6][7] … [504][505][506][507][508][509][510][511]"
        );
    }
}
