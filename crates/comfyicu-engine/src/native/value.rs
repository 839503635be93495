//! What nodes hand to each other, and what stands at their inputs.

use comfyicu_model::json::Value as Json;

use super::image::{Image, Mask};

/// A result of a node.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Image(Image),
    Mask(Mask),
    Scalar(Literal),
}

impl Value {
    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Image(image) => image.shape().bytes(),
            Self::Mask(mask) => mask.shape().bytes(),
            Self::Scalar(Literal::Text(text)) => text.len(),
            Self::Scalar(_) => size_of::<Self>(),
        }
    }
}

/// What kind of result a node gives: ComfyUI's type names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Image,
    Mask,
    Int,
    Float,
    Bool,
    Text,
    /// Whatever there is.
    Any,
    /// Whatever there is, the same at several places of a node.
    Matched,
}

impl ValueType {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Image => "IMAGE",
            Self::Mask => "MASK",
            Self::Int => "INT",
            Self::Float => "FLOAT",
            Self::Bool => "BOOLEAN",
            Self::Text => "STRING",
            Self::Any => "*",
            Self::Matched => "COMFY_MATCHTYPE_V3",
        }
    }
}

/// A value that stands in the prompt itself, brought to the type of its input, or that a node made.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    /// What stands at an input that takes anything, as it is.
    Json(Json),
}

impl From<Literal> for Json {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Int(value) => value.into(),
            Literal::Float(value) => value.into(),
            Literal::Bool(value) => value.into(),
            Literal::Text(text) => text.into(),
            Literal::Json(value) => value,
        }
    }
}

/// One argument of a node.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    Literal(Literal),
    Value(Value),
}

impl From<Value> for Argument {
    fn from(value: Value) -> Self {
        match value {
            Value::Scalar(literal) => Self::Literal(literal),
            value => Self::Value(value),
        }
    }
}
