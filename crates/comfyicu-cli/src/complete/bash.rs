//! Bash: it takes a line apart at more places than the words have, and takes candidates as they are to be typed. So it
//! gives the whole line, which is read here as a shell reads it, and gets what goes in place of the part that it means.

use std::ffi::OsString;
use std::str::Chars;

use super::candidates;
use super::line::Line;

/// The quotes that a word is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quotes {
    #[default]
    None,
    Single,
    Double,
}

/// A line up to the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    /// The words that are whole, without their quotes.
    words: Vec<String>,
    /// The last word so far, without quotes.
    current: String,
    /// Where the last word begins, in bytes.
    start: usize,
    /// The quotes that are open in it.
    quotes: Quotes,
}

/// Answers with a candidate on each line. The words are the line up to the cursor, the end of it that bash puts the
/// candidate in place of, and what stands behind the cursor.
pub(super) fn answer(words: &[OsString]) -> Vec<u8> {
    let text = |at: usize| words.get(at).and_then(|word| word.to_str()).unwrap_or_default();
    let (before, replaced, behind) = (text(0), text(1), text(2));
    let typed = Typed::read(before);
    // What is in front of that end stays on the line.
    let kept = before.strip_suffix(replaced).and_then(|rest| rest.get(typed.start..)).unwrap_or_default();
    let kept = Typed::read(kept).current;
    let mut answer = String::new();
    for candidate in candidates(typed.line(behind)) {
        let value = candidate.get_value().to_string_lossy();
        let typed = value.strip_prefix(&kept).and_then(|rest| quoted(rest, typed.quotes));
        if let Some(typed) = typed {
            answer.push_str(&typed);
            answer.push('\n');
        }
    }
    answer.into()
}

/// The words with the last as it is meant: fish gives it as it is typed, in quotes or with backslashes.
pub(super) fn unquoted(mut words: Vec<OsString>) -> Vec<OsString> {
    if let Some(last) = words.last_mut()
        && let Some(typed) = last.to_str()
    {
        *last = Typed::read(typed).current.into();
    }
    words
}

impl Typed {
    fn read(text: &str) -> Self {
        let mut typed = Self { start: text.len(), ..Self::default() };
        let mut is_in_word = false;
        let mut chars = text.chars();
        loop {
            let at = text.len() - chars.as_str().len();
            let Some(letter) = chars.next() else { break };
            if typed.quotes == Quotes::None && letter.is_whitespace() {
                if is_in_word {
                    typed.words.push(std::mem::take(&mut typed.current));
                }
                is_in_word = false;
                typed.start = text.len();
                continue;
            }
            if !is_in_word {
                is_in_word = true;
                typed.start = at;
            }
            typed.take(letter, &mut chars);
        }
        typed
    }

    /// Takes a letter of a word, and what it says of the next.
    fn take(&mut self, letter: char, rest: &mut Chars<'_>) {
        match (self.quotes, letter) {
            (Quotes::None, '\'') => self.quotes = Quotes::Single,
            (Quotes::None, '"') => self.quotes = Quotes::Double,
            (Quotes::Single, '\'') | (Quotes::Double, '"') => self.quotes = Quotes::None,
            (Quotes::None, '\\') => self.current.extend(rest.next()),
            (Quotes::Double, '\\') => match rest.next() {
                Some(next @ ('"' | '\\' | '$' | '`')) => self.current.push(next),
                other => self.current.extend(['\\'].into_iter().chain(other)),
            },
            (_, letter) => self.current.push(letter),
        }
    }

    /// The line with what stands behind the cursor; of a word that the cursor is in, its end is left out.
    fn line(&self, behind: &str) -> Line {
        let rest = Self::read(behind);
        let is_in_word = behind.chars().next().is_some_and(|letter| !letter.is_whitespace());
        let rest = rest.words.into_iter().chain([rest.current]).skip(usize::from(is_in_word));
        let index = self.words.len();
        let words = self.words.iter().cloned().chain([self.current.clone()]);
        Line::new(words.chain(rest.filter(|word| !word.is_empty())).map(OsString::from).collect(), index)
    }
}

/// A text as it is typed within quotes; none where it cannot be.
fn quoted(text: &str, quotes: Quotes) -> Option<String> {
    let is_special: fn(char) -> bool = match quotes {
        Quotes::Single => return (!text.contains('\'')).then(|| text.to_owned()),
        Quotes::Double => |letter| "\"\\$`".contains(letter),
        Quotes::None => |letter| letter.is_whitespace() || "\"'\\$`!&|;<>()*?[]{}#".contains(letter),
    };
    let mut typed = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_special(letter) {
            typed.push('\\');
        }
        typed.push(letter);
    }
    Some(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_a_shell_reads_it() {
        let read = |text: &str| {
            let Typed { words, current, start, quotes } = Typed::read(text);
            format!("{} <{current}> {start} {quotes:?}", words.join("|"))
        };
        insta::assert_snapshot!(
            ["", "a ", "a b", "a 'b c' d\\ e", "a --x='b c", "a \"b\\\"c\\d", "a 'b'\"c\" 'é", "  a\t'' b"].map(read).join("\n"),
            @r#"
         <> 0 None
        a <> 2 None
        a <b> 2 None
        a|b c <d e> 8 None
        a <--x=b c> 2 Single
        a <b"c\d> 2 Double
        a|bc <é> 9 Single
        a| <b> 7 None
        "#
        );
    }

    #[test]
    fn what_is_typed_means_the_same_again() {
        for text in ["plain", "a b", "it's $5 \"now\" \\o/ `x` !y", "@狐 (1) [a]{b}#*?;&|<>"] {
            let unquoted = quoted(text, Quotes::None).unwrap();
            assert_eq!(Typed::read(&unquoted).current, text);
            let double = format!("\"{}\"", quoted(text, Quotes::Double).unwrap());
            assert_eq!(Typed::read(&double).current, text);
        }
        assert_eq!(quoted("a b", Quotes::Single).as_deref(), Some("a b"));
        assert_eq!(quoted("it's", Quotes::Single), None);
    }
}
