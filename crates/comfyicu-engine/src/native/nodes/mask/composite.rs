//! One mask laid on another.

use super::BASE;
use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Int, Output};
use crate::native::image::Mask;
use crate::native::value::Value;

const PLACE: Int = Int::new(0, 0, 16_384).step(1);

pub(in crate::native) static MASK_COMPOSITE: Definition = Definition {
    class_type: "MaskComposite",
    description: "Joins a mask to another one, where it lies on it.",
    inputs: &[
        Input::mask("destination", "The mask below; the result has its size."),
        Input::mask("source", "The mask that is laid on it."),
        Input::int("x", PLACE, "Where the source's left edge lies, in pixels."),
        Input::int("y", PLACE, "Where the source's upper edge lies, in pixels."),
        Input::choice(
            "operation",
            &["multiply", "add", "subtract", "and", "or", "xor"],
            "How two values become one. and, or and xor take values as 0 or 1, whichever is nearer.",
        ),
    ],
    outputs: &[Output::MASK],
    run,
    ..BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let (mask, source) = (call.mask("destination")?.into_image(), call.mask("source")?);
    let (x, y) = (call.size("x")?, call.size("y")?);
    let operation = call.choice("operation", Operation::parse)?;
    let (below, above) = (mask.shape(), source.shape());
    if above.batch != 1 && above.batch != below.batch {
        let message =
            format!("{} masks cannot be laid on {}: give one, or as many", above.batch, below.batch);
        return Err(Failure::new("RuntimeError", message));
    }
    for (at, below, above) in [(x, below.width, above.width), (y, below.height, above.height)] {
        check_overlap(at, below, above)?;
    }
    let composite = |frame: usize, line: usize, row: &mut [f32]| {
        let covered = line.checked_sub(y).filter(|line| *line < above.height);
        if let (Some(line), Some(row)) = (covered, row.get_mut(x..)) {
            operation.apply(row, source.as_image().row(frame.min(above.batch - 1), line));
        }
        for value in row {
            *value = value.clamp(0.0, 1.0);
        }
    };
    let mask = mask.change(&call.context.work, composite)?;
    Ok(Yield::values([Value::Mask(Mask::of(mask))]))
}

/// A source that lies beyond the destination has no effect where it lies far beyond, and is an error where its
/// length reaches back over the edge: ComfyUI counts from the source's end there, and finds something.
fn check_overlap(at: usize, below: usize, above: usize) -> Result<(), Failure> {
    let Some(beyond) = at.checked_sub(below).filter(|beyond| *beyond > 0) else { return Ok(()) };
    let found = above.saturating_sub(beyond);
    if found <= 1 {
        return Ok(());
    }
    let message = format!(
        "the source begins at {at}, but the destination ends at {below}: {found} lines cannot be laid on none"
    );
    Err(Failure::new("RuntimeError", message))
}

/// How two values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Multiply,
    Add,
    Subtract,
    And,
    Or,
    Xor,
}

impl Operation {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "multiply" => Self::Multiply,
            "add" => Self::Add,
            "subtract" => Self::Subtract,
            "and" => Self::And,
            "or" => Self::Or,
            "xor" => Self::Xor,
            _ => return None,
        })
    }

    fn apply(self, row: &mut [f32], source: &[f32]) {
        match self {
            Self::Multiply => each(row, source, |a, b| a * b),
            Self::Add => each(row, source, |a, b| a + b),
            Self::Subtract => each(row, source, |a, b| a - b),
            Self::And => each(row, source, |a, b| logical(a, b, |a, b| a && b)),
            Self::Or => each(row, source, |a, b| logical(a, b, |a, b| a || b)),
            Self::Xor => each(row, source, |a, b| logical(a, b, |a, b| a != b)),
        }
    }
}

fn each(row: &mut [f32], source: &[f32], join: impl Fn(f32, f32) -> f32) {
    row.iter_mut().zip(source).for_each(|(value, source)| *value = join(*value, *source));
}

fn logical(a: f32, b: f32, join: impl Fn(bool, bool) -> bool) -> f32 {
    let is_set = |value: f32| value.round_ties_even() != 0.0;
    f32::from(u8::from(join(is_set(a), is_set(b))))
}
