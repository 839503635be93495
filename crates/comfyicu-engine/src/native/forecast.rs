//! How much memory images will take together, as far as a prompt's own numbers say: what cannot be held fails
//! before anything runs.
//!
//! A size that follows from a file, or from a number that another node gives, is not known yet; the node that makes
//! such an image fails itself, before it allocates.

use std::collections::{HashMap, HashSet};

use comfyicu_model::NodeId;

use super::call::Failure;
use super::definition::Role;
use super::image::{BuildError, Shape};
use super::limit;
use super::memory::{Memory, OutOfMemory};
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

/// How many bytes images will take at once, at least; or the first step, in their order, whose image cannot be held
/// beside those that are needed then.
///
/// What is not known counts as nothing, and a result that may be the very image that the node got counts once: so
/// no prompt is refused that would run. What is known of a run does not depend on what is kept of earlier ones.
pub(super) fn check<'s>(steps: &'s [Step], memory: &Memory) -> Result<usize, (&'s Step, Failure)> {
    let steps = certain(steps);
    let mut known = HashMap::new();
    let mut held = Held::new(&steps);
    for step in steps {
        let shape = (step.definition.size)(&Given { step, known: &known });
        let fits = shape.map_or(Ok(()), |shape| limit::check(shape).map_err(BuildError::from));
        let fits = fits.and_then(|()| Ok(held.make(step, shape, memory)?));
        fits.map_err(|error| (step, error.into()))?;
        held.release(step);
        if let Some(shape) = shape {
            known.insert((step.node_id.to_string(), 0), shape);
        }
    }
    Ok(held.most)
}

/// The steps that run whichever way switches stand.
fn certain(steps: &[Step]) -> Vec<&Step> {
    let mut needed: HashSet<&NodeId> = HashSet::new();
    let mut certain = Vec::new();
    for step in steps.iter().rev() {
        if step.definition.role == Role::Output || needed.contains(&step.node_id) {
            needed.extend(step.links().map(|(node_id, _)| node_id));
            certain.push(step);
        }
    }
    certain.reverse();
    certain
}

/// A result of a node: its id, and which of its outputs.
type Place<'s> = (&'s NodeId, usize);

/// What is held while a run goes on.
#[derive(Debug)]
struct Held<'s> {
    /// How many inputs are still to read each result.
    readers: HashMap<Place<'s>, usize>,
    /// The images that are held, with which memory each lies in.
    images: HashMap<Place<'s>, (Shape, usize)>,
    /// How many images lie in each piece of memory, and its bytes.
    pieces: Vec<(usize, usize)>,
    bytes: usize,
    /// The most bytes that there were at once.
    most: usize,
}

impl<'s> Held<'s> {
    fn new(steps: &[&'s Step]) -> Self {
        let mut readers = HashMap::new();
        for place in steps.iter().flat_map(|step| step.links()) {
            *readers.entry(place).or_default() += 1;
        }
        Self { readers, images: HashMap::new(), pieces: Vec::new(), bytes: 0, most: 0 }
    }

    /// Makes a step's image, while what it reads is still there.
    fn make(&mut self, step: &'s Step, shape: Option<Shape>, memory: &Memory) -> Result<(), OutOfMemory> {
        let Some(shape) = shape else { return Ok(()) };
        let alike = step.links().filter_map(|link| self.images.get(&link)).find(|(own, _)| *own == shape);
        let piece = match alike {
            Some((_, piece)) if !step.definition.allocates => *piece,
            _ => {
                memory.could_hold(shape.bytes(), self.bytes)?;
                self.bytes += shape.bytes();
                self.most = self.most.max(self.bytes);
                self.pieces.push((0, shape.bytes()));
                self.pieces.len() - 1
            }
        };
        if let Some((images, _)) = self.pieces.get_mut(piece) {
            *images += 1;
        }
        self.images.insert((&step.node_id, 0), (shape, piece));
        Ok(())
    }

    /// Gives back what nobody reads behind a step.
    fn release(&mut self, step: &'s Step) {
        for link in step.links() {
            if let Some(readers) = self.readers.get_mut(&link) {
                *readers -= 1;
            }
        }
        let own = (&step.node_id, 0);
        for place in step.links().chain([own]) {
            if self.readers.get(&place).is_none_or(|readers| *readers == 0) {
                self.drop(place);
            }
        }
    }

    fn drop(&mut self, place: Place<'s>) {
        let Some((_, piece)) = self.images.remove(&place) else { return };
        if let Some((images, bytes)) = self.pieces.get_mut(piece) {
            *images -= 1;
            if *images == 0 {
                self.bytes -= *bytes;
            }
        }
    }
}
