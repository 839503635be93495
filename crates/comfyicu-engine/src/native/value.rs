//! What nodes hand to each other, and what stands at their inputs.

use comfyicu_model::json::Value as Json;

use super::image::{Image, Mask, Shape};

/// A result of a node.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Image(Image),
    Mask(Mask),
}

impl Value {
    /// How many bytes it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.shape().bytes()
    }

    const fn shape(&self) -> Shape {
        match self {
            Self::Image(image) => image.shape(),
            Self::Mask(mask) => mask.shape(),
        }
    }
}

/// What kind of result a node gives: ComfyUI's type names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Image,
    Mask,
}

impl ValueType {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Image => "IMAGE",
            Self::Mask => "MASK",
        }
    }
}

/// A value that stands in the prompt itself, brought to the type of its input.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
}

impl From<Literal> for Json {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Int(value) => value.into(),
            Literal::Float(value) => value.into(),
            Literal::Bool(value) => value.into(),
            Literal::Text(text) => text.into(),
        }
    }
}

/// One argument of a node.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    Literal(Literal),
    Value(Value),
}
