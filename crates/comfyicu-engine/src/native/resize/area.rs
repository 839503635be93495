//! `area`: the mean of the pixels that a new one covers, also partly.

use std::ops::Range;

use super::target::Size;
use super::view::View;
use crate::native::number::to_f32;
use crate::native::sum::sum_strided;
use crate::native::work::{Cancelled, Work};

/// Makes the rows from `first` on that fit into `target`.
pub(super) fn resize(source: &View<'_>, size: Size, first: usize, target: &mut [f32], work: &Work) {
    if size == (Size { width: 1, height: 1 }) {
        return mean(source, target, work);
    }
    let columns = covered(source.width, size.width);
    let rows = covered(source.height(), size.height);
    let row = size.width * source.channels;
    for (rows, target) in rows.into_iter().skip(first).zip(target.chunks_exact_mut(row)) {
        let sources = source.rows.get(rows).unwrap_or_default();
        // A fixed number of channels lets the sums stay in registers.
        let made = match source.channels {
            3 => one_row::<3>(sources, &columns, target, work),
            4 => one_row::<4>(sources, &columns, target, work),
            _ => one_row::<1>(sources, &columns, target, work),
        };
        if made.is_err() {
            return;
        }
    }
}

/// Makes one row of the rows that it covers, from zeros.
fn one_row<const CHANNELS: usize>(
    sources: &[&[f32]],
    columns: &[Range<usize>],
    target: &mut [f32],
    work: &Work,
) -> Result<(), Cancelled> {
    let pixels = target.as_chunks_mut::<CHANNELS>().0;
    // Each sum is made one by one, in the order of the rows and then of their pixels.
    for row in sources.iter().map(|row| row.as_chunks::<CHANNELS>().0) {
        work.go_on()?;
        for (columns, target) in columns.iter().zip(&mut *pixels) {
            let mut sums = *target;
            for pixel in row.get(columns.clone()).unwrap_or_default() {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += value;
                }
            }
            *target = sums;
        }
    }
    // Two divisions, as PyTorch does it, and not one by the product.
    let rows = to_f32(sources.len());
    pixels.as_flattened_mut().iter_mut().for_each(|value| *value /= rows);
    for (columns, target) in columns.iter().zip(pixels) {
        let columns = to_f32(columns.len());
        *target = target.map(|value| value / columns);
    }
    Ok(())
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
