//! Patterns in Python's syntax, and what they find in Python's order.

use fancy_regex::{Captures, Regex, RegexBuilder};

use crate::native::call::Failure;

/// What a pattern found: the whole, and its groups.
pub(super) type Find<'t> = Captures<'t, str>;

/// How many steps back a search may take: patterns come from outside, and some never end.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// How a pattern is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags {
    pub(super) case_insensitive: bool,
    pub(super) multiline: bool,
    pub(super) dotall: bool,
}

/// A pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    any: Regex,
    /// The same, but for finds of nothing; `None` where it finds nothing else.
    not_empty: Option<Regex>,
}

impl Pattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub(super) fn new(pattern: &str, flags: Flags) -> Result<Self, String> {
        let translated = translated(pattern, flags.multiline);
        let build = |not_empty: bool| {
            let mut builder = RegexBuilder::new(&translated);
            builder.case_insensitive(flags.case_insensitive);
            builder.multi_line(flags.multiline).dot_matches_new_line(flags.dotall);
            builder.backtrack_limit(BACKTRACK_LIMIT).find_not_empty(not_empty);
            builder.build().map_err(|error| error.to_string())
        };
        // What is right otherwise, but finds only nothing, cannot be built so.
        Ok(Self { any: build(false)?, not_empty: build(true).ok() })
    }

    /// How many groups it has.
    pub(super) fn groups(&self) -> usize {
        self.any.captures_len().saturating_sub(1)
    }

    /// The number of the group of a name.
    pub(super) fn group(&self, name: &str) -> Option<usize> {
        self.any.capture_names().position(|own| own == Some(name))
    }
}

/// Writes a pattern as the library reads it, where that differs from Python's way: a `$` is also before a last
/// line end, `\Z` is the very end, and in a class only Python's own characters mean something.
fn translated(pattern: &str, multiline: bool) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    let mut class_at: Option<usize> = None;
    while let Some(character) = characters.next() {
        match (character, class_at) {
            ('\\', _) => match characters.next() {
                Some('Z') if class_at.is_none() => translated.push_str("\\z"),
                Some(next) => translated.extend(['\\', next]),
                None => translated.push('\\'),
            },
            ('$', None) if !multiline => translated.push_str("(?=\\n?\\z)"),
            ('[', None) => {
                translated.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    translated.push('^');
                }
                class_at = Some(translated.len());
            }
            // A bracket right at the start stands for itself.
            (']', Some(start)) if translated.len() > start => {
                translated.push(']');
                class_at = None;
            }
            ('[' | '&' | '~' | ']', Some(_)) => translated.extend(['\\', character]),
            _ => translated.push(character),
        }
    }
    translated
}

/// What a pattern finds in a text, one after the other: a find of nothing may stand right behind another find,
/// but not two of them in one place.
#[derive(Debug)]
pub(super) struct Matches<'r, 't> {
    pattern: &'r Pattern,
    text: &'t str,
    at: usize,
    /// Whether nothing was found in this place.
    must_advance: bool,
}

impl<'r, 't> Matches<'r, 't> {
    pub(super) const fn new(pattern: &'r Pattern, text: &'t str) -> Self {
        Self { pattern, text, at: 0, must_advance: false }
    }

    fn look(&self) -> Result<Option<Find<'t>>, fancy_regex::Error> {
        if !self.must_advance {
            return self.pattern.any.captures_from_pos(self.text, self.at);
        }
        let here = match &self.pattern.not_empty {
            Some(not_empty) => not_empty.captures_from_pos(self.text, self.at)?,
            None => None,
        };
        let starts_here = |find: &Find<'t>| find.get(0).is_some_and(|whole| whole.start() == self.at);
        if here.as_ref().is_some_and(starts_here) {
            return Ok(here);
        }
        let next = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        next.map_or(Ok(None), |next| self.pattern.any.captures_from_pos(self.text, self.at + next.len_utf8()))
    }
}

impl<'t> Iterator for Matches<'_, 't> {
    type Item = Result<Find<'t>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let find = match self.look() {
            Ok(find) => find?,
            Err(error) => {
                self.at = self.text.len() + 1;
                self.must_advance = true;
                return Some(Err(Failure::new("RuntimeError", format!("the search was given up: {error}"))));
            }
        };
        let whole = find.get(0)?;
        self.must_advance = whole.start() == whole.end();
        self.at = whole.end();
        Some(Ok(find))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pattern: &str, text: &str) -> Vec<String> {
        let flags = Flags { case_insensitive: false, multiline: false, dotall: false };
        let pattern = Pattern::new(pattern, flags).unwrap();
        let whole = |find: Result<Find<'_>, Failure>| find.unwrap().get(0).unwrap().as_str().to_owned();
        Matches::new(&pattern, text).map(whole).collect()
    }

    #[test]
    fn finds_are_those_of_python() {
        assert_eq!(finds("x*", "abxd"), ["", "", "x", "", ""]);
        assert_eq!(finds("|a", "ba"), ["", "", "a", ""], "something in a place where nothing was found");
        assert_eq!(finds("$", "a\n"), ["", ""], "a pattern that finds only nothing");
        assert_eq!(finds("a$", "a\n"), ["a"]);
        assert_eq!(finds(r"a\Z", "a\n"), [""; 0]);
        assert_eq!(finds("[]a[&&]+", "x]a[&y"), ["]a[&"]);
        assert_eq!(finds(r"(?<=ä)(.)\1", "ä--ä++"), ["--", "++"]);
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        let flags = Flags { case_insensitive: false, multiline: false, dotall: false };
        let pattern = Pattern::new(r"(?:(a*)*)*\1b(?!c)", flags).unwrap();
        let text = "a".repeat(40);
        assert!(Matches::new(&pattern, &text).all(|find| find.is_err()));
    }
}
