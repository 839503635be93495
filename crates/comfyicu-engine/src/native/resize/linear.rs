//! `bilinear`: a weighted mean of the four nearest pixels.

use super::axis::{self, Taps};
use super::cubic::separable;
use super::target::Size;
use super::view::{View, pixel};
use crate::native::number::fused;

/// `PyTorch` has two kernels; up to this width plus height of the result it takes the one-step kernel.
const ONE_STEP_MAX: usize = 128;

/// Makes the rows from `first` on that fit into `target`.
pub(super) fn resize(source: &View<'_>, size: Size, first: usize, target: &mut [f32]) {
    let columns = axis::linear(source.width, size.width);
    let rows = axis::linear(source.height(), size.height);
    let rows = rows.get(first..).unwrap_or_default();
    let small = size.width + size.height <= ONE_STEP_MAX;
    if small || (source.channels > 3 && source.batch_contiguous) {
        one_step(source, &columns, rows, target);
    } else {
        separable(source, &columns, rows, target);
    }
}

/// Weighs all four pixels at once.
fn one_step(source: &View<'_>, columns: &[Taps<2>], rows: &[Taps<2>], target: &mut [f32]) {
    let channels = source.channels;
    for (row, target) in rows.iter().zip(target.chunks_exact_mut(columns.len() * channels)) {
        let [top, bottom] = row.index.map(|y| source.row(y));
        for (column, target) in columns.iter().zip(target.chunks_exact_mut(channels)) {
            let pixels = |row| column.index.map(|x| pixel(row, x, channels));
            let ([a, b], [c, d]) = (pixels(top), pixels(bottom));
            let [above, below] = row.weight;
            let [left, right] = column.weight;
            let weights = [above * left, above * right, below * left, below * right];
            for ((((target, a), b), c), d) in target.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                let sum = fused(weights[0], *a, weights[1] * b);
                *target = fused(weights[3], *d, fused(weights[2], *c, sum));
            }
        }
    }
}
