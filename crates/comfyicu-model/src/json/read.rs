//! Reading: bytes in, a [`Value`] or an error that names the place out.

use std::fmt;

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType, Peek};

use super::{JsonPath, Number, Object, Value};

/// The bounds within which a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes a document may have. The default, 64 MiB, is ten times the largest workflow seen.
    pub max_bytes: usize,
    /// The most arrays and objects that may be open at once. The default is 512.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 64 * 1024 * 1024, max_depth: 512 }
    }
}

/// Why bytes are not a JSON document: what, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    line: usize,
    column: usize,
    path: JsonPath,
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Syntax(JsonErrorType),
    TooDeep(usize),
    TooLarge { bytes: usize, limit: usize },
    Utf16,
}

impl JsonError {
    /// The line of the error, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column of the error in bytes, from 1.
    pub const fn column(&self) -> usize {
        self.column
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
            Problem::Utf16 => return f.write_str("the text is UTF-16; save it as UTF-8"),
            Problem::TooDeep(limit) => write!(f, "more than {limit} arrays and objects inside each other")?,
            Problem::Syntax(kind) => f.write_str(describe(kind))?,
        }
        write!(f, " at line {}, column {}, in {}", self.line, self.column, self.path)
    }
}

fn describe(kind: &JsonErrorType) -> &'static str {
    match kind {
        JsonErrorType::EofWhileParsingList => "the text ends inside an array: expected a value, `,` or `]`",
        JsonErrorType::EofWhileParsingObject => "the text ends inside an object: expected a key, `,` or `}`",
        JsonErrorType::EofWhileParsingString => "the text ends inside a string: expected `\"`",
        JsonErrorType::EofWhileParsingValue => "the text ends where a value was expected",
        JsonErrorType::ExpectedColon => "expected `:` after a key",
        JsonErrorType::ExpectedListCommaOrEnd => "expected `,` or `]`",
        JsonErrorType::ExpectedObjectCommaOrEnd => "expected `,` or `}`",
        JsonErrorType::ExpectedSomeIdent => "expected `true`, `false`, `null` or `NaN`",
        JsonErrorType::ExpectedSomeValue => "expected a value",
        JsonErrorType::InvalidEscape | JsonErrorType::UnexpectedEndOfHexEscape => {
            "invalid escape in a string"
        }
        JsonErrorType::InvalidNumber | JsonErrorType::NumberOutOfRange => "invalid number",
        JsonErrorType::InvalidUnicodeCodePoint => "a string that is not UTF-8",
        JsonErrorType::LoneLeadingSurrogateInHexEscape => "half of a surrogate pair in a string",
        JsonErrorType::ControlCharacterWhileParsingString => {
            "a control character in a string: write it as an escape"
        }
        JsonErrorType::KeyMustBeAString => "expected a key in double quotes",
        JsonErrorType::TrailingComma => "a comma after the last entry",
        JsonErrorType::TrailingCharacters => "text after the end of the document",
        _ => "invalid JSON",
    }
}

/// A value, and the keys that stand twice in one object (the last one won).
pub(crate) struct Document {
    pub(crate) value: Value,
    pub(crate) doubled: Vec<JsonPath>,
}

/// Reads a JSON document: UTF-8, with or without a byte order mark; `NaN` and `±Infinity` as Python
/// writes them are allowed; where a key stands twice in an object, the last one wins.
///
/// # Errors
/// When the bytes are not such a document, or are beyond the limits. The error names line, column, path
/// and what was expected.
pub fn read(bytes: &[u8], limits: Limits) -> Result<Value, JsonError> {
    read_document(bytes, limits).map(|document| document.value)
}

pub(crate) fn read_document(bytes: &[u8], limits: Limits) -> Result<Document, JsonError> {
    let fail = |problem| JsonError { line: 1, column: 1, path: JsonPath::default(), problem };
    if bytes.len() > limits.max_bytes {
        return Err(fail(Problem::TooLarge { bytes: bytes.len(), limit: limits.max_bytes }));
    }
    if is_utf16(bytes) {
        return Err(fail(Problem::Utf16));
    }
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = Reader {
        jiter: Jiter::new(text).with_allow_inf_nan(),
        path: JsonPath::default(),
        depth_left: limits.max_depth,
        max_depth: limits.max_depth,
        doubled: Vec::new(),
    };
    match reader.document() {
        Ok(value) => Ok(Document { value, doubled: reader.doubled }),
        Err(failure) => Err(reader.locate(failure)),
    }
}

/// ASCII text in UTF-16 has a zero byte in each pair; JSON has none anywhere.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, ..] | [_, 0, ..])
}

struct Reader<'a> {
    jiter: Jiter<'a>,
    path: JsonPath,
    depth_left: usize,
    max_depth: usize,
    doubled: Vec<JsonPath>,
}

enum Failure {
    Jiter(JiterError),
    TooDeep,
}

impl From<JiterError> for Failure {
    fn from(error: JiterError) -> Self {
        Self::Jiter(error)
    }
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Value, Failure> {
        let peek = self.jiter.peek()?;
        let value = self.value(peek)?;
        self.jiter.finish()?;
        Ok(value)
    }

    fn value(&mut self, peek: Peek) -> Result<Value, Failure> {
        match peek {
            Peek::Null => self.jiter.known_null().map(|()| Value::Null).map_err(Failure::from),
            Peek::True | Peek::False => Ok(Value::Bool(self.jiter.known_bool(peek)?)),
            Peek::String => Ok(Value::String(self.jiter.known_str()?.to_owned())),
            Peek::Array => self.nested(Self::array),
            Peek::Object => self.nested(Self::object),
            _ => self.number(peek),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Failure>) -> Result<Value, Failure> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or(Failure::TooDeep)?;
        let value = read(self)?;
        self.depth_left += 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, Failure> {
        let mut items = Vec::new();
        let mut next = self.jiter.known_array()?;
        while let Some(peek) = next {
            self.path.push_index(items.len());
            items.push(self.value(peek)?);
            self.path.pop();
            next = self.jiter.array_step()?;
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self) -> Result<Value, Failure> {
        let mut object = Object::new();
        let mut next = self.jiter.known_object()?.map(str::to_owned);
        while let Some(key) = next {
            self.path.push_key(&key);
            let peek = self.jiter.peek()?;
            let value = self.value(peek)?;
            if object.insert(key, value).is_some() {
                self.doubled.push(self.path.clone());
            }
            self.path.pop();
            next = self.jiter.next_key()?.map(str::to_owned);
        }
        Ok(Value::Object(object))
    }

    fn number(&mut self, peek: Peek) -> Result<Value, Failure> {
        let start = self.jiter.current_index();
        let token = self.jiter.known_number_bytes(peek)?;
        let integer = token.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
        let text = std::str::from_utf8(token).map_err(|_| invalid_number(start))?;
        if integer {
            return Ok(Number::from_integer_token(text).into());
        }
        let value = match text {
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => text.parse().map_err(|_| invalid_number(start))?,
        };
        Ok(Number::from_f64(value).into())
    }

    fn locate(&self, failure: Failure) -> JsonError {
        let (index, problem) = match failure {
            Failure::TooDeep => (self.jiter.current_index(), Problem::TooDeep(self.max_depth)),
            Failure::Jiter(error) => {
                let kind = match error.error_type {
                    JiterErrorType::JsonError(kind) => kind,
                    JiterErrorType::WrongType { .. } => JsonErrorType::ExpectedSomeValue,
                };
                (error.index, Problem::Syntax(kind))
            }
        };
        let position = self.jiter.error_position(index);
        JsonError { line: position.line, column: position.column, path: self.path.clone(), problem }
    }
}

fn invalid_number(index: usize) -> Failure {
    Failure::Jiter(JiterError { error_type: JiterErrorType::JsonError(JsonErrorType::InvalidNumber), index })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        read(text.as_bytes(), Limits::default()).expect_err("must be refused").to_string()
    }

    #[test]
    fn errors_name_line_column_path_and_expectation() {
        insta::assert_snapshot!(error("{\n  \"6\": {\"inputs\": {\"text\" 1}}\n}"), @"expected `:` after a key at line 2, column 27, in 6.inputs");
        insta::assert_snapshot!(error("{\"a\": [1, 2,]}"), @"a comma after the last entry at line 1, column 13, in a");
        insta::assert_snapshot!(error("{\"a\": [1, "), @"the text ends where a value was expected at line 1, column 10, in a");
        insta::assert_snapshot!(error(""), @"the text ends where a value was expected at line 1, column 0, in the top level");
        insta::assert_snapshot!(error("{} x"), @"text after the end of the document at line 1, column 4, in the top level");
        insta::assert_snapshot!(error("{\"a\": 01}"), @"invalid number at line 1, column 8, in a");
    }

    #[test]
    fn utf16_is_named() {
        insta::assert_snapshot!(error("{\0\"\0"), @"the text is UTF-16; save it as UTF-8");
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = "[".repeat(600);
        assert!(error(&deep).starts_with("more than 512 arrays and objects"));
        let limits = Limits { max_bytes: 3, ..Limits::default() };
        assert!(read(b"1234", limits).is_err());
        assert!(
            read("[".repeat(512).as_bytes(), Limits::default()).is_err(),
            "it ends too early, but is not too deep"
        );
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(read(b"\xEF\xBB\xBF[1]", Limits::default()), Ok(Value::from(vec![1_u64])));
    }

    #[test]
    fn python_numbers_are_kept() {
        let value =
            read(b"[NaN, Infinity, -Infinity, 1.0, 18446744073709551616]", Limits::default()).unwrap();
        assert_eq!(value.to_json(), "[NaN,Infinity,-Infinity,1.0,18446744073709551616]");
    }

    #[test]
    fn the_last_of_a_doubled_key_wins_and_is_noted() {
        let document =
            read_document(br#"{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}"#, Limits::default()).unwrap();
        assert_eq!(document.value.to_json(), r#"{"a":3,"b":{"c":2}}"#);
        let doubled: Vec<_> = document.doubled.iter().map(JsonPath::to_string).collect();
        assert_eq!(doubled, ["b.c", "a"]);
    }
}
