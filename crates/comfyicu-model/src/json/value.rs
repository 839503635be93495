//! The value type and the questions one asks of it.

use std::fmt;

use super::{IllFormedText, JsonPath, Number, Object, PathStep};

/// Any JSON value, without loss: see the [module](super).
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of any size, or a double.
    Number(Number),
    /// Text.
    String(String),
    /// Text with half of a surrogate pair in it, which no Rust string can hold.
    IllFormed(IllFormedText),
    /// A list.
    Array(Vec<Self>),
    /// Keys and values, in their order.
    Object(Object),
}

/// What a [`Value`] is, for messages: “expected a string, found a number”.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

impl Value {
    /// What this value is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Number(_) => Kind::Number,
            Self::String(_) | Self::IllFormed(_) => Kind::String,
            Self::Array(_) => Kind::Array,
            Self::Object(_) => Kind::Object,
        }
    }

    /// Whether this is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, when this is a string (and well-formed, as nearly all are).
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, when this is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, when this is one.
    pub const fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The items, when this is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object, when this is one.
    pub const fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, when this is one, to change in place.
    pub const fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// What a path leads to.
    pub fn at(&self, path: &JsonPath) -> Option<&Self> {
        path.steps().try_fold(self, |value, step| match step {
            PathStep::Key(key) => value.as_object()?.get(key),
            PathStep::Index(index) => value.as_array()?.get(index),
        })
    }

    /// What a step leads to, to change in place.
    pub(crate) fn step_mut(&mut self, step: PathStep<'_>) -> Option<&mut Self> {
        match (step, self) {
            (PathStep::Key(key), Self::Object(object)) => object.get_mut(key),
            (PathStep::Index(index), Self::Array(items)) => items.get_mut(index),
            _ => None,
        }
    }

    /// Takes out what a path leads to.
    pub(crate) fn into_at(self, path: &JsonPath) -> Option<Self> {
        path.steps().try_fold(self, |value, step| match (step, value) {
            (PathStep::Key(key), Self::Object(mut object)) => object.remove(key),
            (PathStep::Index(index), Self::Array(items)) => items.into_iter().nth(index),
            _ => None,
        })
    }

    /// Reads a value as it is typed at a shell: JSON if it parses, else the text itself.
    ///
    /// ```
    /// use comfyicu_model::json::Value;
    ///
    /// assert_eq!(Value::from_argument("20"), Value::from(20_u64));
    /// assert_eq!(Value::from_argument("a red fox"), Value::from("a red fox"));
    /// ```
    pub fn from_argument(text: &str) -> Self {
        super::read(text.as_bytes(), super::Limits::default()).unwrap_or_else(|_| Self::from(text))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(value.into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(Number::from_f64(value))
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
