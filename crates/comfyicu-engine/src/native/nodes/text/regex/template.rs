//! What takes the place of a find: a text with references to groups, as Python's `re.sub` reads it.

use super::pattern::{Find, Pattern};
use crate::native::call::Failure;

/// A text with places for groups.
#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It names a group that the pattern does not have.
    UnknownGroup(String),
    /// It is written in another way than Python reads it.
    Syntax(String),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Syntax(reason)
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Self::Syntax(reason.to_owned())
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::UnknownGroup(name) => Self::new("IndexError", format!("unknown group name '{name}'")),
            Fault::Syntax(reason) => Self::new("re.error", reason),
        }
    }
}

#[derive(Debug)]
enum Part {
    Text(String),
    Group(usize),
}

type Characters<'t> = std::iter::Peekable<std::str::Chars<'t>>;

impl Template {
    /// Reads a template for the groups of a pattern.
    pub(super) fn parse(template: &str, pattern: &Pattern) -> Result<Self, Fault> {
        let mut parts = Vec::new();
        let mut characters = template.chars().peekable();
        while let Some(character) = characters.next() {
            let part = match character {
                '\\' => escape(&mut characters, pattern)?,
                other => Part::Text(other.into()),
            };
            match (parts.last_mut(), part) {
                (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
                (_, part) => parts.push(part),
            }
        }
        Ok(Self(parts))
    }

    /// Writes the text for a find; a group that took no part in it is empty.
    pub(super) fn fill(&self, find: &Find<'_>, target: &mut String) {
        for part in &self.0 {
            match part {
                Part::Text(text) => target.push_str(text),
                Part::Group(group) => target.push_str(find.get(*group).map_or("", |part| part.as_str())),
            }
        }
    }
}

/// Reads what stands behind a backslash.
fn escape(characters: &mut Characters<'_>, pattern: &Pattern) -> Result<Part, Fault> {
    let next = characters.next().ok_or("bad escape (end of pattern)")?;
    let text = |character: char| Ok(Part::Text(character.into()));
    match next {
        'g' => reference(characters, pattern),
        '0' => {
            let more: Vec<u32> = std::iter::from_fn(|| octal(characters)).take(2).collect();
            text(character_of(&more))
        }
        '1'..='9' => number(next, characters, pattern),
        'n' => text('\n'),
        't' => text('\t'),
        'r' => text('\r'),
        'a' => text('\u{7}'),
        'b' => text('\u{8}'),
        'f' => text('\u{c}'),
        'v' => text('\u{b}'),
        '\\' => text('\\'),
        letter if letter.is_ascii_alphabetic() => Err(format!("bad escape \\{letter}").into()),
        other => Ok(Part::Text(['\\', other].into_iter().collect())),
    }
}

fn octal(characters: &mut Characters<'_>) -> Option<u32> {
    characters.next_if(|next| next.is_digit(8)).and_then(|digit| digit.to_digit(8))
}

fn character_of(digits: &[u32]) -> char {
    let number = digits.iter().fold(0, |number, digit| number * 8 + digit);
    char::from_u32(number & 0xff).unwrap_or_default()
}

/// A group's number of one digit or two, or a character by three octal digits.
fn number(first: char, characters: &mut Characters<'_>, pattern: &Pattern) -> Result<Part, Fault> {
    let mut digits = vec![first.to_digit(10).unwrap_or_default()];
    if let Some(second) = characters.next_if(char::is_ascii_digit).and_then(|digit| digit.to_digit(10)) {
        digits.push(second);
        if digits.iter().all(|digit| *digit < 8)
            && let Some(third) = octal(characters)
        {
            digits.push(third);
            if first > '3' {
                let octal = format!("octal escape value \\{first}{second}{third} outside of range 0-0o377");
                return Err(octal.into());
            }
            return Ok(Part::Text(character_of(&digits).into()));
        }
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + digit);
    group(&number.to_string(), pattern)
}

/// Reads `<name>` or `<number>`.
fn reference(characters: &mut Characters<'_>, pattern: &Pattern) -> Result<Part, Fault> {
    if characters.next() != Some('<') {
        return Err("missing <".into());
    }
    let name: String = std::iter::from_fn(|| characters.next_if(|next| *next != '>')).collect();
    if characters.next() != Some('>') {
        return Err("missing >, unterminated name".into());
    }
    group(&name, pattern)
}

fn group(name: &str, pattern: &Pattern) -> Result<Part, Fault> {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = name.parse().ok().filter(|number| *number <= pattern.groups());
        return number.map(Part::Group).ok_or_else(|| format!("invalid group reference {name}").into());
    }
    pattern.group(name).map(Part::Group).ok_or_else(|| Fault::UnknownGroup(name.to_owned()))
}
