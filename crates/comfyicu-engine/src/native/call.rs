//! One call of a node's code: what it gets, what it gives back.

use std::sync::Arc;

use bytes::Bytes;
use comfyicu_model::{NodeId, OutputPath};

use super::context::Context;
use super::image::{Image, Mask};
use super::limit::TooLarge;
use super::value::{Argument, Literal, Value};
use crate::OutputKind;

/// What a node's code gets.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) node_id: NodeId,
    pub(super) context: Arc<Context>,
    arguments: Vec<(&'static str, Argument)>,
}

/// What a node's code gives back.
#[derive(Debug, Default)]
pub(super) struct Yield {
    /// One for each output of its definition.
    pub(super) values: Vec<Value>,
    /// What it saves.
    pub(super) files: Vec<File>,
}

/// A file that a node saves.
#[derive(Debug)]
pub(super) struct File {
    pub(super) kind: OutputKind,
    pub(super) path: OutputPath,
    pub(super) content_type: &'static str,
    pub(super) content: Bytes,
}

/// Why a node failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// As ComfyUI, or Python, names such an exception.
    pub(super) exception_type: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(exception_type: &'static str, message: impl Into<String>) -> Self {
        Self { exception_type, message: message.into() }
    }
}

impl From<TooLarge> for Failure {
    fn from(error: TooLarge) -> Self {
        Self::new("MemoryError", error.to_string())
    }
}

impl Yield {
    pub(super) fn values(values: impl IntoIterator<Item = Value>) -> Self {
        Self { values: values.into_iter().collect(), files: Vec::new() }
    }

    pub(super) const fn files(files: Vec<File>) -> Self {
        Self { values: Vec::new(), files }
    }
}

impl Call {
    pub(super) const fn new(
        node_id: NodeId,
        context: Arc<Context>,
        arguments: Vec<(&'static str, Argument)>,
    ) -> Self {
        Self { node_id, context, arguments }
    }

    /// Takes an image out of the arguments, so that it can be changed in place when nobody else needs it.
    pub(super) fn image(&mut self, name: &str) -> Result<Image, Failure> {
        match self.take(name) {
            Some(Argument::Value(Value::Image(image))) => Ok(image),
            _ => Err(missing(name)),
        }
    }

    pub(super) fn mask(&mut self, name: &str) -> Result<Mask, Failure> {
        match self.take(name) {
            Some(Argument::Value(Value::Mask(mask))) => Ok(mask),
            _ => Err(missing(name)),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, Failure> {
        match self.take(name) {
            Some(Argument::Literal(Literal::Text(text))) => Ok(text),
            _ => Err(missing(name)),
        }
    }

    /// An integer that the definition bounds to what a size can be.
    pub(super) fn size(&mut self, name: &str) -> Result<usize, Failure> {
        match self.take(name) {
            Some(Argument::Literal(Literal::Int(value))) => usize::try_from(value).map_err(|_| missing(name)),
            _ => Err(missing(name)),
        }
    }

    fn take(&mut self, name: &str) -> Option<Argument> {
        let at = self.arguments.iter().position(|(own, _)| *own == name)?;
        Some(self.arguments.swap_remove(at).1)
    }
}

/// The check of the prompt does not let this happen.
fn missing(name: &str) -> Failure {
    Failure::new("TypeError", format!("the input `{name}` is missing, or of another type"))
}
