//! How large images will be, as far as a prompt's own numbers say: what cannot be held fails before anything runs.
//!
//! A size that follows from a file, or from a number that another node gives, is not known yet; the node that makes
//! such an image fails itself, before it allocates.

use std::collections::HashMap;

use super::call::Failure;
use super::image::{BuildError, Shape};
use super::limit;
use super::memory::Memory;
use super::steps::{Source, Step};
use super::value::Literal;

/// What is known of a step's inputs.
#[derive(Debug)]
pub(super) struct Given<'a> {
    step: &'a Step,
    /// The images that nodes will give, by node and slot.
    known: &'a HashMap<(String, usize), Shape>,
}

impl Given<'_> {
    /// The shape of the image or mask at an input.
    pub(super) fn image(&self, name: &str) -> Option<Shape> {
        match self.source(name)? {
            Source::Link { node_id, slot } => self.known.get(&(node_id.to_string(), *slot)).copied(),
            Source::Literal(_) => None,
        }
    }

    /// The size that stands at an input.
    pub(super) fn size(&self, name: &str) -> Option<usize> {
        match self.source(name)? {
            Source::Literal(Literal::Int(value)) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The number that stands at an input.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        match self.source(name)? {
            Source::Literal(Literal::Float(value)) => Some(*value),
            _ => None,
        }
    }

    fn source(&self, name: &str) -> Option<&Source> {
        self.step.sources.iter().find(|(own, _)| *own == name).map(|(_, source)| source)
    }
}

/// Finds the first step, in their order, whose image cannot be held.
pub(super) fn check<'s>(steps: &'s [Step], memory: &Memory) -> Result<(), (&'s Step, Failure)> {
    let mut known = HashMap::new();
    for step in steps {
        let Some(shape) = (step.definition.size)(&Given { step, known: &known }) else { continue };
        let fits = limit::check(shape)
            .map_err(BuildError::from)
            .and_then(|()| Ok(memory.could_hold(shape.bytes())?));
        fits.map_err(|error| (step, error.into()))?;
        known.insert((step.node_id.to_string(), 0), shape);
    }
    Ok(())
}
