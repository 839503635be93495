//! `area`: the mean of the pixels that a new one covers, also partly.

use std::ops::Range;

use super::target::Size;
use super::view::View;
use crate::native::number::to_f32;

pub(super) fn resize(source: &View<'_>, size: Size, target: &mut [f32]) {
    if size == (Size { width: 1, height: 1 }) {
        return mean(source, target);
    }
    let channels = source.channels;
    let columns = covered(source.width, size.width);
    let rows = covered(source.height(), size.height);
    for (rows, target) in rows.into_iter().zip(target.chunks_exact_mut(size.width * channels)) {
        let sources = source.rows.get(rows.clone()).unwrap_or_default();
        for (columns, target) in columns.iter().zip(target.chunks_exact_mut(channels)) {
            let values = columns.start * channels..columns.end * channels;
            for pixels in sources.iter().filter_map(|row| row.get(values.clone())) {
                add(pixels, target);
            }
            // Two divisions, as PyTorch does it, and not one by the product.
            for value in target {
                *value = *value / to_f32(rows.len()) / to_f32(columns.len());
            }
        }
    }
}

/// Adds pixels up one by one, in the order of the row.
fn add(pixels: &[f32], target: &mut [f32]) {
    for pixel in pixels.chunks_exact(target.len()) {
        for (target, value) in target.iter_mut().zip(pixel) {
            *target += value;
        }
    }
}

/// The pixels along one side that each new one covers.
fn covered(source: usize, target: usize) -> Vec<Range<usize>> {
    (0..target).map(|at| at * source / target..((at + 1) * source).div_ceil(target)).collect()
}

/// The mean of all pixels: `PyTorch` takes another way to a single pixel, a sum in groups.
fn mean(source: &View<'_>, target: &mut [f32]) {
    let channels = source.channels;
    let count = to_f32(source.height() * source.width);
    for (channel, target) in target.iter_mut().enumerate() {
        let of_channel = |row: &[f32]| row.iter().skip(channel).step_by(channels).copied().collect();
        let values = source.rows.iter().map(|row| -> Vec<f32> { of_channel(row) });
        let sum = if source.contiguous {
            sum(&values.flatten().collect::<Vec<_>>())
        } else {
            // Rows with a gap between them are summed one by one.
            values.map(|row| sum(&row)).fold(0.0, |all, row| all + row)
        };
        *target = sum / count;
    }
}

/// How many sums run side by side.
const LANES: usize = 4;
/// How often partial sums are set aside, so that large ones do not swallow small values.
const LEVELS: usize = 4;

/// The sum of values in `PyTorch`'s order: four sums side by side, each set aside at regular steps.
fn sum(values: &[f32]) -> f32 {
    let (groups, rest) = values.as_chunks::<LANES>();
    let step_bits = (ceil_log2(groups.len()) / LEVELS).max(4);
    let mask = (1_usize << step_bits) - 1;
    let mut levels = [[0.0_f32; LANES]; LEVELS];
    for (at, group) in groups.iter().enumerate() {
        let [lowest, ..] = &mut levels;
        add(group, lowest);
        let done = at + 1;
        if done & mask == 0 {
            carry(&mut levels, done, mask, step_bits);
        }
    }
    let [mut lanes, above @ ..] = levels;
    for level in &above {
        add(level, &mut lanes);
    }
    let [first, others @ ..] = lanes;
    let first = rest.iter().fold(first, |sum, value| sum + value);
    others.into_iter().fold(first, |sum, lane| sum + lane)
}

/// Moves each level's sum up by one, as far as a level is full.
fn carry(levels: &mut [[f32; LANES]; LEVELS], done: usize, mask: usize, step_bits: usize) {
    let mut carried = [0.0; LANES];
    for (at, level) in levels.iter_mut().enumerate() {
        add(&carried, level);
        // The last level keeps what it has; so does one that is not full yet.
        if at + 1 == LEVELS || (at > 0 && done & (mask << (at * step_bits)) != 0) {
            return;
        }
        carried = std::mem::take(level);
    }
}

const fn ceil_log2(value: usize) -> usize {
    if value <= 1 { 0 } else { (usize::BITS - (value - 1).leading_zeros()) as usize }
}
