//! One call of a node's code: what it gets, what it gives back.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use comfyicu_model::json::Value as Json;
use comfyicu_model::{NodeId, OutputPath};

use super::context::Context;
use super::image::{BuildError, Image, Mask};
use super::limit::TooLarge;
use super::value::{Argument, Literal, Value};
use super::work::Cancelled;
use crate::OutputKind;

/// What a node's code gets.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) node_id: NodeId,
    pub(super) context: Arc<Context>,
    arguments: Arguments,
}

/// The arguments by their inputs' names, each a list: of one, except for nodes that take whole lists.
pub(super) type Arguments = Vec<(&'static str, Vec<Argument>)>;

/// What a node's code gives back.
#[derive(Debug, Default)]
pub(super) struct Yield {
    /// For each output of its definition a list of values: of one, except for outputs that are lists.
    pub(super) values: Vec<Vec<Value>>,
    /// What it saves.
    pub(super) files: Vec<File>,
    /// What it shows.
    pub(super) texts: Vec<String>,
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

impl From<Cancelled> for Failure {
    fn from(_: Cancelled) -> Self {
        Self::new("InterruptProcessingException", "the run was cancelled")
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::TooLarge(error) => error.into(),
            BuildError::OutOfMemory(error) => Self::new("MemoryError", error.to_string()),
            BuildError::Cancelled(error) => error.into(),
        }
    }
}

impl From<TooLarge> for Failure {
    fn from(error: TooLarge) -> Self {
        Self::new("MemoryError", error.to_string())
    }
}

impl Yield {
    pub(super) fn values(values: impl IntoIterator<Item = Value>) -> Self {
        Self { values: values.into_iter().map(|value| vec![value]).collect(), ..Self::default() }
    }

    pub(super) fn list(values: Vec<Value>) -> Self {
        Self { values: vec![values], ..Self::default() }
    }

    pub(super) const fn files(files: Vec<File>) -> Self {
        Self { values: Vec::new(), files, texts: Vec::new() }
    }

    pub(super) fn text(text: String) -> Self {
        Self { texts: vec![text], ..Self::default() }
    }
}

impl Call {
    pub(super) const fn new(node_id: NodeId, context: Arc<Context>, arguments: Arguments) -> Self {
        Self { node_id, context, arguments }
    }

    /// Takes an image out of the arguments, so that it can be changed in place when nobody else needs it.
    pub(super) fn image(&mut self, name: &str) -> Result<Image, Failure> {
        self.optional_image(name)?.ok_or_else(|| missing(name))
    }

    /// The image at an input that can be left out.
    pub(super) fn optional_image(&mut self, name: &str) -> Result<Option<Image>, Failure> {
        match self.take(name) {
            Some(Argument::Value(Value::Image(image))) => Ok(Some(image)),
            None => Ok(None),
            Some(_) => Err(missing(name)),
        }
    }

    /// All images at the input of a node that takes lists.
    pub(super) fn images(&mut self, name: &str) -> Result<Vec<Image>, Failure> {
        let images = self.take_all(name).into_iter().map(|argument| match argument {
            Argument::Value(Value::Image(image)) => Ok(image),
            _ => Err(missing(name)),
        });
        images.collect()
    }

    pub(super) fn mask(&mut self, name: &str) -> Result<Mask, Failure> {
        self.optional_mask(name)?.ok_or_else(|| missing(name))
    }

    /// The mask at an input that can be left out.
    pub(super) fn optional_mask(&mut self, name: &str) -> Result<Option<Mask>, Failure> {
        match self.take(name) {
            Some(Argument::Value(Value::Mask(mask))) => Ok(Some(mask)),
            None => Ok(None),
            Some(_) => Err(missing(name)),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, Failure> {
        match self.take(name) {
            Some(Argument::Literal(Literal::Text(text))) => Ok(text),
            _ => Err(missing(name)),
        }
    }

    /// What `parse` makes of the name that was chosen.
    pub(super) fn choice<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
        let chosen = self.text(name)?;
        parse(&chosen).ok_or_else(|| Failure::new("ValueError", format!("`{chosen}` is not known")))
    }

    pub(super) fn int(&mut self, name: &str) -> Result<i64, Failure> {
        match self.take(name) {
            Some(Argument::Literal(Literal::Int(value))) => Ok(value),
            _ => Err(missing(name)),
        }
    }

    /// A number that random numbers follow from; of one that another node gives, the bits count.
    pub(super) fn seed(&mut self, name: &str) -> Result<u64, Failure> {
        match self.take(name) {
            Some(Argument::Literal(Literal::Int(value))) => Ok(value.cast_unsigned()),
            Some(Argument::Literal(Literal::Json(Json::Number(number)))) => {
                number.as_u64().ok_or_else(|| missing(name))
            }
            _ => Err(missing(name)),
        }
    }

    /// An integer that counts something. One that another node gives may lie outside of the input's bounds.
    pub(super) fn size(&mut self, name: &str) -> Result<usize, Failure> {
        self.within(name, 0..=MAX_COUNT)
    }

    /// An integer that must lie within bounds, because the node's work or memory grows with it.
    pub(super) fn within(&mut self, name: &str, bounds: RangeInclusive<usize>) -> Result<usize, Failure> {
        let value = self.int(name)?;
        let outside = || {
            let message = format!("`{name}` is {value}, and must be {} to {}", bounds.start(), bounds.end());
            Failure::new("ValueError", message)
        };
        usize::try_from(value).ok().filter(|size| bounds.contains(size)).ok_or_else(outside)
    }

    pub(super) fn float(&mut self, name: &str) -> Result<f64, Failure> {
        match self.take(name) {
            Some(Argument::Literal(Literal::Float(value))) => Ok(value),
            _ => Err(missing(name)),
        }
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<bool, Failure> {
        match self.take(name) {
            Some(Argument::Literal(Literal::Bool(value))) => Ok(value),
            _ => Err(missing(name)),
        }
    }

    /// The integer at an input that can be left out.
    pub(super) fn optional_int(&mut self, name: &str) -> Result<Option<i64>, Failure> {
        self.has(name).then(|| self.int(name)).transpose()
    }

    /// The boolean at an input that can be left out.
    pub(super) fn optional_boolean(&mut self, name: &str) -> Result<Option<bool>, Failure> {
        self.has(name).then(|| self.boolean(name)).transpose()
    }

    fn has(&self, name: &str) -> bool {
        self.arguments.iter().any(|(own, arguments)| *own == name && !arguments.is_empty())
    }

    /// Whatever stands at an input.
    pub(super) fn any(&mut self, name: &str) -> Result<Argument, Failure> {
        self.take(name).ok_or_else(|| missing(name))
    }

    fn take(&mut self, name: &str) -> Option<Argument> {
        self.take_all(name).into_iter().next()
    }

    fn take_all(&mut self, name: &str) -> Vec<Argument> {
        let at = self.arguments.iter().position(|(own, _)| *own == name);
        at.map(|at| self.arguments.swap_remove(at).1).unwrap_or_default()
    }
}

/// The most that anything is counted to: colours are numbers of 24 bits. Sums of some of them stay far from
/// where integers end.
const MAX_COUNT: usize = 1 << 24;

/// The check of a prompt finds this, but at nodes that are linked to inputs which their class does not have.
fn missing(name: &str) -> Failure {
    Failure::new("TypeError", format!("the input `{name}` is missing, or of another type"))
}
