//! `area`: the mean of the pixels that a new one covers, also partly.

use std::ops::Range;

use super::target::Size;
use super::view::View;
use crate::native::number::to_f32;
use crate::native::sum::sum_strided;
use crate::native::work::{STRETCH, Work};

/// Makes the rows from `first` on that fit into `target`.
pub(super) fn resize(source: &View<'_>, size: Size, first: usize, target: &mut [f32], work: &Work) {
    if size == (Size { width: 1, height: 1 }) {
        return mean(source, target, work);
    }
    let channels = source.channels;
    let columns = covered(source.width, size.width);
    let rows = covered(source.height(), size.height);
    for (rows, target) in rows.into_iter().skip(first).zip(target.chunks_exact_mut(size.width * channels)) {
        let sources = source.rows.get(rows.clone()).unwrap_or_default();
        for (columns, target) in columns.iter().zip(target.chunks_exact_mut(channels)) {
            let values = columns.start * channels..columns.end * channels;
            if values.len() * rows.len() >= STRETCH && work.is_cancelled() {
                return;
            }
            for pixels in sources.iter().filter_map(|row| row.get(values.clone())) {
                // A fixed number of channels lets the sums stay in registers.
                match channels {
                    3 => add::<3>(pixels, target),
                    4 => add::<4>(pixels, target),
                    _ => add::<1>(pixels, target),
                }
            }
            // Two divisions, as PyTorch does it, and not one by the product.
            for value in target {
                *value = *value / to_f32(rows.len()) / to_f32(columns.len());
            }
        }
    }
}

/// Adds pixels up one by one, in the order of the row.
fn add<const CHANNELS: usize>(pixels: &[f32], target: &mut [f32]) {
    let Some(target) = target.first_chunk_mut::<CHANNELS>() else { return };
    let mut sums = *target;
    for pixel in pixels.as_chunks::<CHANNELS>().0 {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            *sum += value;
        }
    }
    *target = sums;
}

/// The pixels along one side that each new one covers.
fn covered(source: usize, target: usize) -> Vec<Range<usize>> {
    (0..target).map(|at| at * source / target..((at + 1) * source).div_ceil(target)).collect()
}

/// The mean of all pixels: `PyTorch` takes another way to a single pixel, a sum in groups.
fn mean(source: &View<'_>, target: &mut [f32], work: &Work) {
    let channels = source.channels;
    let count = to_f32(source.height() * source.width);
    for (channel, target) in target.iter_mut().enumerate() {
        let of_channel = |row: &[f32]| row.iter().skip(channel).step_by(channels).copied().collect();
        let rows = source.rows.iter().take_while(|_| !work.is_cancelled());
        let values = rows.map(|row| -> Vec<f32> { of_channel(row) });
        let sum = if source.contiguous {
            sum_strided(&values.flatten().collect::<Vec<_>>())
        } else {
            // Rows with a gap between them are summed one by one.
            values.map(|row| sum_strided(&row)).fold(0.0, |all, row| all + row)
        };
        *target = sum / count;
    }
}
