//! Patterns for the names of nodes, inputs and groups, as JavaScript's regular expressions.

use fancy_regex::{Regex, RegexBuilder};

/// A longer pattern is none that a person wrote.
const MAX_PATTERN_BYTES: usize = 1_000;

/// How much of a name is looked at: names are short.
const MAX_NAME_BYTES: usize = 1_000;

/// How far a pattern may go back and forth, so that none takes for ever: names need a few steps.
const MAX_STEPS: usize = 1_000;

/// How large a pattern may be when it is compiled, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// A pattern that a name must have somewhere in it, or must not have.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    invert: bool,
}

impl Pattern {
    /// A pattern, if it says something: an empty one, one for everything, and one that is none say nothing.
    pub(super) fn new(text: &str, invert: bool) -> Option<Self> {
        if matches!(text, "" | ".*") || text.len() > MAX_PATTERN_BYTES {
            return None;
        }
        let mut builder = RegexBuilder::new(text);
        builder.backtrack_limit(MAX_STEPS).delegate_size_limit(MAX_COMPILED_BYTES);
        Some(Self { regex: builder.build().ok()?, invert })
    }

    /// Whether a name is one that is meant.
    pub(super) fn means(&self, name: &str) -> bool {
        let end = name.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX_NAME_BYTES).last();
        let start = end.filter(|_| name.len() > MAX_NAME_BYTES).and_then(|end| name.get(..end));
        self.regex.is_match(start.unwrap_or(name)).unwrap_or(false) != self.invert
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_looked_for_anywhere_in_a_name() {
        let means = |text: &str, name: &str| Pattern::new(text, false).unwrap().means(name);
        assert!(means("ample", "KSampler") && !means("^ample", "KSampler"));
        assert!(means("^(?!.*neg)", "positive") && !means("^(?!.*neg)", "the negative"));
        assert!(!Pattern::new("ample", true).unwrap().means("KSampler"));
    }

    #[test]
    fn what_says_nothing_is_none() {
        for text in ["", ".*", "(", &"a".repeat(2_000)] {
            assert!(Pattern::new(text, false).is_none(), "{text}");
        }
    }

    #[test]
    fn a_pattern_that_goes_back_and_forth_ends() {
        let pattern = Pattern::new("^(a+)+(?!a)b$", false).unwrap();
        assert!(!pattern.means(&"a".repeat(100_000)));
    }
}
