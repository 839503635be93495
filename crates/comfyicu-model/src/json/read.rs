//! Reading: bytes in, a [`Value`] or an error that names the place out.

#[cfg(test)]
mod tests;

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType, Peek};

use super::error::Problem;
use super::ill_formed::{IllFormedText, repaired};
use super::lines::Lines;
use super::{JsonError, JsonPath, Limits, Number, Object, Position, Value, encoding, scan};

/// What a document holds.
pub(crate) struct Document {
    pub(crate) value: Value,
    /// Whether a key stands twice in an object somewhere (the last one won); the scan says where.
    pub(crate) has_doubled_keys: bool,
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
    let about_all = |problem| *Failure::new(problem, 0).0;
    if bytes.len() > limits.max_bytes {
        return Err(about_all(Problem::TooLarge { bytes: bytes.len(), limit: limits.max_bytes }));
    }
    if let Some(encoding) = encoding::foreign(bytes) {
        return Err(about_all(Problem::Foreign(encoding)));
    }
    let mut reader = Reader::new(bytes, limits);
    match reader.document() {
        Ok(value) => Ok(Document { value, has_doubled_keys: reader.has_doubled_keys }),
        Err(failure) => Err(failure.locate(bytes)),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    jiter: Jiter<'a>,
    /// Where in `bytes` the text begins that `jiter` sees.
    base: usize,
    limits: Limits,
    depth_left: usize,
    values_left: usize,
    has_doubled_keys: bool,
    /// What was read of the arrays and objects that have not ended, the innermost last. So each is made once it is
    /// known how long it is, and takes no more memory than that.
    items: Vec<Value>,
    entries: Vec<(String, Value)>,
}

/// An error on its way up: each array and object that it leaves adds its step to the path. So nothing is
/// kept for the path while all goes well.
struct Failure(Box<JsonError>);

type Read<T> = Result<T, Failure>;

impl Failure {
    /// Of the position only the offset is known until the end.
    fn new(problem: Problem, offset: usize) -> Self {
        let position = Position { line: 1, column: 1, offset, len: 0 };
        Self(Box::new(JsonError { problem, position, path: JsonPath::default() }))
    }

    fn in_key(mut self, key: &str) -> Self {
        self.0.path.push_key(key);
        self
    }

    fn in_item(mut self, index: usize) -> Self {
        self.0.path.push_index(index);
        self
    }

    fn locate(self, bytes: &[u8]) -> JsonError {
        let mut error = *self.0;
        let at = error.position.offset;
        error.position = Lines::of(bytes).position(at..at);
        error.path.reverse();
        if let Problem::Syntax { found, .. } = &mut error.problem {
            let rest = bytes.get(at..).unwrap_or_default();
            *found = rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
        }
        error
    }
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], limits: Limits) -> Self {
        let base = encoding::mark_len(bytes);
        Self {
            bytes,
            jiter: jiter_at(bytes, base),
            base,
            limits,
            depth_left: limits.depth(),
            values_left: limits.max_values,
            has_doubled_keys: false,
            items: Vec::new(),
            entries: Vec::new(),
        }
    }

    fn document(&mut self) -> Read<Value> {
        let value = self.next_value()?;
        self.jiter.finish().map_err(|error| self.failure(error))?;
        Ok(value)
    }

    fn next_value(&mut self) -> Read<Value> {
        match self.jiter.peek() {
            Ok(peek) => self.value(peek),
            Err(error) => Err(self.failure(error)),
        }
    }

    fn value(&mut self, peek: Peek) -> Read<Value> {
        let Some(values_left) = self.values_left.checked_sub(1) else {
            return Err(self.beyond(Problem::TooMany { limit: self.limits.max_values }));
        };
        self.values_left = values_left;
        let value = match peek {
            Peek::Null => self.jiter.known_null().map(|()| Value::Null),
            Peek::True | Peek::False => self.jiter.known_bool(peek).map(Value::Bool),
            Peek::String => match self.jiter.known_str().map(str::to_owned) {
                Ok(text) => Ok(Value::String(text)),
                Err(error) => return self.ill_formed(error),
            },
            Peek::Array => return self.nested(Self::array),
            Peek::Object => return self.nested(Self::object),
            _ => return self.number(peek),
        };
        value.map_err(|error| self.failure(error))
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Value>) -> Read<Value> {
        let Some(depth_left) = self.depth_left.checked_sub(1) else {
            return Err(self.beyond(Problem::TooDeep { limit: self.limits.depth() }));
        };
        self.depth_left = depth_left;
        let value = read(self)?;
        self.depth_left += 1;
        Ok(value)
    }

    fn array(&mut self) -> Read<Value> {
        let start = self.items.len();
        let mut next = self.jiter.known_array();
        loop {
            match next {
                Ok(None) => return Ok(Value::Array(self.items.drain(start..).collect())),
                Ok(Some(peek)) => {
                    let index = self.items.len() - start;
                    let item = self.value(peek).map_err(|failure| failure.in_item(index))?;
                    self.items.push(item);
                }
                Err(error) => return Err(self.failure(error)),
            }
            next = self.jiter.array_step();
        }
    }

    fn object(&mut self) -> Read<Value> {
        let start = self.entries.len();
        let mut next = self.jiter.known_object().map(|key| key.map(str::to_owned));
        loop {
            match next {
                Ok(None) => {
                    let (object, has_doubled_keys) =
                        Object::of_entries(self.entries.drain(start..).collect());
                    self.has_doubled_keys |= has_doubled_keys;
                    return Ok(Value::Object(object));
                }
                Ok(Some(key)) => match self.next_value() {
                    Ok(value) => self.entries.push((key, value)),
                    Err(failure) => return Err(failure.in_key(&key)),
                },
                Err(error) => return Err(self.failure(error)),
            }
            next = self.jiter.next_key().map(|key| key.map(str::to_owned));
        }
    }

    fn number(&mut self, peek: Peek) -> Read<Value> {
        let start = self.jiter.current_index();
        let number = match self.jiter.known_number_bytes(peek) {
            Ok(token) => Number::from_token(token),
            Err(error) => return Err(self.failure(error)),
        };
        let invalid = || Failure::new(syntax(JsonErrorType::InvalidNumber), self.base + start);
        number.map(Value::Number).ok_or_else(invalid)
    }

    /// A string that jiter refused: where only halves of surrogate pairs are at fault it is kept, and the
    /// reading goes on behind it.
    fn ill_formed(&mut self, error: JiterError) -> Read<Value> {
        use JsonErrorType::{LoneLeadingSurrogateInHexEscape, UnexpectedEndOfHexEscape};
        let is_half = matches!(
            error.error_type,
            JiterErrorType::JsonError(LoneLeadingSurrogateInHexEscape | UnexpectedEndOfHexEscape)
        );
        let start = self.base + self.jiter.current_index();
        if !is_half {
            return Err(self.failure(error));
        }
        let end = scan::string_end(self.bytes, start);
        let token = self.bytes.get(start..end).unwrap_or_default();
        let whole = repaired(token);
        let mut jiter = Jiter::new(&whole);
        jiter
            .next_str()
            .map(drop)
            .map_err(|error| Failure::new(problem_of(error.error_type), start + error.index))?;
        let inner =
            token.get(1..token.len().saturating_sub(1)).and_then(|inner| std::str::from_utf8(inner).ok());
        (self.base, self.jiter) = (end, jiter_at(self.bytes, end));
        Ok(Value::IllFormed(IllFormedText::decode(inner.unwrap_or_default())))
    }

    #[cold]
    fn failure(&self, error: JiterError) -> Failure {
        Failure::new(problem_of(error.error_type), self.base + error.index)
    }

    #[cold]
    fn beyond(&self, problem: Problem) -> Failure {
        Failure::new(problem, self.base + self.jiter.current_index())
    }
}

fn jiter_at(bytes: &[u8], at: usize) -> Jiter<'_> {
    Jiter::new(bytes.get(at..).unwrap_or_default()).with_allow_inf_nan()
}

fn problem_of(error: JiterErrorType) -> Problem {
    match error {
        JiterErrorType::JsonError(kind) => syntax(kind),
        JiterErrorType::WrongType { .. } => syntax(JsonErrorType::ExpectedSomeValue),
    }
}

const fn syntax(kind: JsonErrorType) -> Problem {
    Problem::Syntax { kind, found: None }
}
