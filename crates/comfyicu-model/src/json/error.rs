//! Why bytes are not a JSON document: what is wrong, and where.

use std::fmt;

use jiter::JsonErrorType;

use super::encoding::Foreign;
use super::{JsonPath, Position};

/// Why bytes are not a JSON document: what, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    pub(super) problem: Problem,
    pub(super) position: Position,
    pub(super) path: JsonPath,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// `found` is what stands there instead.
    Syntax {
        kind: JsonErrorType,
        found: Option<char>,
    },
    TooLarge {
        bytes: usize,
        limit: usize,
    },
    TooDeep {
        limit: usize,
    },
    TooMany {
        limit: usize,
    },
    Foreign(Foreign),
}

impl JsonError {
    /// Where the error is. An error about the whole document is at its first byte.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// The line of the error, from 1.
    pub const fn line(&self) -> usize {
        self.position.line
    }

    /// The column of the error in bytes, from 1.
    pub const fn column(&self) -> usize {
        self.position.column
    }

    /// Where in the document the reader was.
    pub const fn path(&self) -> &JsonPath {
        &self.path
    }
}

impl std::error::Error for JsonError {}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::TooLarge { bytes, limit } => {
                return write!(f, "the document has {bytes} bytes; at most {limit} are read");
            }
            Problem::Foreign(encoding) => {
                return write!(f, "the text is {}; save it as UTF-8", encoding.name());
            }
            Problem::TooMany { limit } => write!(f, "more than {limit} values")?,
            Problem::TooDeep { limit } => {
                write!(f, "more than {limit} arrays and objects inside each other")?;
            }
            Problem::Syntax { kind, found } => {
                f.write_str(describe(kind))?;
                match found {
                    Some('/' | '#') if is_about_a_token(kind) => f.write_str(" (JSON has no comments)")?,
                    Some('\'') if matches!(kind, JsonErrorType::ExpectedSomeValue) => {
                        f.write_str(" (strings are in double quotes)")?;
                    }
                    Some(found) if is_about_a_token(kind) => write!(f, ", found `{found}`")?,
                    _ => {}
                }
            }
        }
        write!(f, " at line {}, column {}, in {}", self.line(), self.column(), self.path)
    }
}

/// Whether what stands there instead says something.
const fn is_about_a_token(kind: &JsonErrorType) -> bool {
    use JsonErrorType as Kind;
    matches!(
        kind,
        Kind::ExpectedColon
            | Kind::ExpectedListCommaOrEnd
            | Kind::ExpectedObjectCommaOrEnd
            | Kind::ExpectedSomeValue
            | Kind::KeyMustBeAString
    )
}

const fn describe(kind: &JsonErrorType) -> &'static str {
    use JsonErrorType as Kind;
    match kind {
        Kind::EofWhileParsingList => "the text ends inside an array: expected a value, `,` or `]`",
        Kind::EofWhileParsingObject => "the text ends inside an object: expected a key, `,` or `}`",
        Kind::EofWhileParsingString => "the text ends inside a string: expected `\"`",
        Kind::EofWhileParsingValue => "the text ends where a value was expected",
        Kind::ExpectedColon => "expected `:` after a key",
        Kind::ExpectedListCommaOrEnd => "expected `,` or `]`",
        Kind::ExpectedObjectCommaOrEnd => "expected `,` or `}`",
        Kind::ExpectedSomeIdent => "expected `true`, `false`, `null`, `NaN` or `Infinity`",
        Kind::ExpectedSomeValue => "expected a value",
        Kind::InvalidEscape => {
            "invalid escape in a string: expected one of `\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u`"
        }
        Kind::InvalidNumber => "invalid number",
        Kind::NumberOutOfRange => "a number of more than 4300 digits, which Python does not read either",
        Kind::InvalidUnicodeCodePoint => "a string that is not UTF-8",
        // Kept in values: see `IllFormedText`.
        Kind::LoneLeadingSurrogateInHexEscape | Kind::UnexpectedEndOfHexEscape => {
            "half of a surrogate pair in a key"
        }
        Kind::ControlCharacterWhileParsingString => "a control character in a string: write it as an escape",
        Kind::KeyMustBeAString => "expected a key in double quotes",
        Kind::TrailingComma => "a comma after the last entry",
        Kind::TrailingCharacters => "text after the end of the document",
        _ => "invalid JSON",
    }
}
