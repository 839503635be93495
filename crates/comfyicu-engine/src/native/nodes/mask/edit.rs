//! Parts of masks, soft borders, growing and shrinking.

use super::BASE;
use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Int, Output};
use crate::native::image::{Image, Mask, Shape};
use crate::native::number::{from_f64, to_f64};
use crate::native::value::Value;
use crate::native::work::Work;

const PLACE: Int = Int::new(0, 0, 16_384).step(1);
const SIDE: Int = Int::new(512, 1, 16_384).step(1);

pub(in crate::native) static CROP_MASK: Definition = Definition {
    class_type: "CropMask",
    description: "Cuts a part out of a mask. What would lie outside of the mask is left away.",
    inputs: &[
        Input::mask("mask", "The mask to cut from."),
        Input::int("x", PLACE, "The part's left edge in pixels."),
        Input::int("y", PLACE, "The part's upper edge in pixels."),
        Input::int("width", SIDE, "The part's width in pixels."),
        Input::int("height", SIDE, "The part's height in pixels."),
    ],
    outputs: &[Output::MASK],
    run: crop,
    ..BASE
};

pub(in crate::native) static FEATHER_MASK: Definition = Definition {
    class_type: "FeatherMask",
    description: "Lets a mask fade towards its edges.",
    inputs: &[
        Input::mask("mask", "The mask to soften."),
        Input::int("left", PLACE, "How many columns fade at the left."),
        Input::int("top", PLACE, "How many rows fade at the top."),
        Input::int("right", PLACE, "How many columns fade at the right."),
        Input::int("bottom", PLACE, "How many rows fade at the bottom."),
    ],
    outputs: &[Output::MASK],
    run: feather,
    ..BASE
};

pub(in crate::native) static GROW_MASK: Definition = Definition {
    class_type: "GrowMask",
    description: "Makes what a mask covers larger or smaller by some pixels.",
    inputs: &[
        Input::mask("mask", "The mask to grow."),
        Input::int("expand", Int::new(0, -16_384, 16_384).step(1), "By how many pixels; below 0 it shrinks."),
        Input::boolean("tapered_corners", true, "Whether corners are cut, or stay square."),
    ],
    outputs: &[Output::MASK],
    run: grow,
    ..BASE
};

fn crop(mut call: Call) -> Result<Yield, Failure> {
    let mask = call.mask("mask")?;
    let shape = mask.shape();
    let [x, y, width, height] = [call.size("x")?, call.size("y")?, call.size("width")?, call.size("height")?];
    let (width, height) =
        (width.min(shape.width.saturating_sub(x)), height.min(shape.height.saturating_sub(y)));
    if width == 0 || height == 0 {
        let message = format!(
            "nothing is left: the part begins at {x}, {y}, and the mask has {}×{} pixels",
            shape.width, shape.height
        );
        return Err(Failure::new("RuntimeError", message));
    }
    let part = Image::by_rows(Shape { height, width, ..shape }, &call.context.work, |frame, row, target| {
        let source = mask.as_image().row(frame, y + row);
        target.copy_from_slice(source.get(x..x + width).unwrap_or_default());
    })?;
    Ok(Yield::values([Value::Mask(Mask::of(part))]))
}

fn feather(mut call: Call) -> Result<Yield, Failure> {
    let mask = call.mask("mask")?.into_image();
    let Shape { width, height, .. } = mask.shape();
    let [left, right] = ["left", "right"].map(|name| call.size(name).map(|side| side.min(width)));
    let [top, bottom] = ["top", "bottom"].map(|name| call.size(name).map(|side| side.min(height)));
    let columns = rates(width, left?, right?);
    let rows = rates(height, top?, bottom?);
    let fade = |_, y: usize, row: &mut [f32]| {
        for (value, rates) in row.iter_mut().zip(&columns) {
            *value = rates.iter().fold(*value, |value, rate| value * rate);
        }
        for rate in rows.get(y).into_iter().flatten() {
            for value in &mut *row {
                *value *= rate;
            }
        }
    };
    let mask = mask.change(&call.context.work, fade)?;
    Ok(Yield::values([Value::Mask(Mask::of(mask))]))
}

/// What each line along one side is multiplied by, one after the other.
///
/// At the far end ComfyUI counts from the back, where its first line, number 0, is that of the near end.
fn rates(length: usize, near: usize, far: usize) -> Vec<Vec<f32>> {
    let mut rates = vec![Vec::new(); length];
    let share = |at: usize, of: usize| from_f64(to_f64(at + 1) / to_f64(of));
    let mut fade = |line: usize, share| {
        if let Some(rates) = rates.get_mut(line) {
            rates.push(share);
        }
    };
    (0..near).for_each(|at| fade(at, share(at, near)));
    (0..far).for_each(|at| fade((length - at) % length, share(at, far)));
    rates
}

fn grow(mut call: Call) -> Result<Yield, Failure> {
    let mask = call.mask("mask")?.into_image();
    let expand = call.int("expand")?;
    let square = !call.boolean("tapered_corners")?;
    let work = &call.context.work;
    let mut grown = mask;
    for _ in 0..expand.unsigned_abs() {
        let next = if expand < 0 {
            step(&grown, work, square, f32::min)?
        } else {
            step(&grown, work, square, f32::max)?
        };
        if next.equals(&grown, work)? {
            break;
        }
        grown = next;
    }
    Ok(Yield::values([Value::Mask(Mask::of(grown))]))
}

/// Grows by one pixel: each takes the largest, or smallest, of itself and its neighbours.
fn step(
    mask: &Image,
    work: &Work,
    square: bool,
    pick: impl Fn(f32, f32) -> f32 + Copy + Sync,
) -> Result<Image, Failure> {
    let Shape { height, .. } = mask.shape();
    let grown = Image::by_rows(mask.shape(), work, |frame, y, target| {
        let row = mask.row(frame, y);
        let above = mask.row(frame, y.saturating_sub(1));
        let below = mask.row(frame, (y + 1).min(height - 1));
        for (((target, value), above), below) in target.iter_mut().zip(row).zip(above).zip(below) {
            *target = pick(*value, pick(*above, *below));
        }
        if square {
            let column = target.to_vec();
            beside(&column, target, pick);
        } else {
            beside(row, target, pick);
        }
    })?;
    Ok(grown)
}

/// Takes the neighbours at the left and right of each value in.
fn beside(values: &[f32], target: &mut [f32], pick: impl Fn(f32, f32) -> f32) {
    let (_, from_second) = target.split_at_mut(1.min(values.len()));
    for (target, left) in from_second.iter_mut().zip(values) {
        *target = pick(*target, *left);
    }
    for (target, right) in target.iter_mut().zip(values.iter().skip(1)) {
        *target = pick(*target, *right);
    }
}
