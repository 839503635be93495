//! `bicubic`, and the two-step kernel that it shares with `bilinear`: first along the row, then across rows.

use super::axis::{self, Taps};
use super::target::Size;
use super::view::View;
use pulp::{Arch, NullaryFnOnce};

/// Makes the rows from `first` on that fit into `target`.
pub(super) fn resize(source: &View<'_>, size: Size, first: usize, target: &mut [f32]) {
    let columns = axis::cubic(source.width, size.width);
    let rows = axis::cubic(source.height(), size.height);
    separable(source, &columns, rows.get(first..).unwrap_or_default(), target);
}

/// Resizes rows as they are needed, and mixes them. A resized row is used for several new ones in a row,
/// so the last few are kept.
pub(super) fn separable<const N: usize>(
    source: &View<'_>,
    columns: &[Taps<N>],
    rows: &[Taps<N>],
    target: &mut [f32],
) {
    Arch::new().dispatch(Separable { source, columns, rows, target });
}

/// Compiled for the processor that it runs on, so that a fused addition is one instruction; a closure would be
/// compiled apart.
struct Separable<'a, 'v, const N: usize> {
    source: &'a View<'v>,
    columns: &'a [Taps<N>],
    rows: &'a [Taps<N>],
    target: &'a mut [f32],
}

impl<const N: usize> NullaryFnOnce for Separable<'_, '_, N> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
    fn call(self) {
        separable_by(self.source, self.columns, self.rows, self.target);
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
fn separable_by<const N: usize>(
    source: &View<'_>,
    columns: &[Taps<N>],
    rows: &[Taps<N>],
    target: &mut [f32],
) {
    let length = columns.len() * source.channels;
    let mut kept: [Kept; N] = std::array::from_fn(|_| Kept { y: None, values: vec![0.0; length] });
    for (row, target) in rows.iter().zip(target.chunks_exact_mut(length)) {
        for y in row.index {
            // Neighbours differ by less than N, so no row takes the place of one that is needed with it.
            if let Some(kept) = kept.get_mut(y % N).filter(|kept| kept.y != Some(y)) {
                kept.y = Some(y);
                match source.channels {
                    3 => along::<N, 3>(source.row(y), columns, &mut kept.values),
                    4 => along::<N, 4>(source.row(y), columns, &mut kept.values),
                    _ => along::<N, 1>(source.row(y), columns, &mut kept.values),
                }
            }
        }
        let mixed = row.index.map(|y| kept.get(y % N).map_or(&[][..], |kept| &kept.values));
        across(mixed, row.weight, target);
    }
}

/// A row that was resized along its length.
struct Kept {
    y: Option<usize>,
    values: Vec<f32>,
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
fn along<const N: usize, const CHANNELS: usize>(row: &[f32], columns: &[Taps<N>], target: &mut [f32]) {
    let pixels = row.as_chunks::<CHANNELS>().0;
    for (column, target) in columns.iter().zip(target.as_chunks_mut::<CHANNELS>().0) {
        let sources = column.index.map(|x| pixels.get(x).copied().unwrap_or([0.0; CHANNELS]));
        let mut terms = sources.iter().zip(column.weight);
        let (Some((first, a)), Some((second, b))) = (terms.next(), terms.next()) else { return };
        let mut sums = [0.0; CHANNELS];
        for ((sum, first), second) in sums.iter_mut().zip(first).zip(second) {
            *sum = first.mul_add(a, second * b);
        }
        for (source, weight) in terms {
            for (sum, value) in sums.iter_mut().zip(source) {
                *sum = value.mul_add(weight, *sum);
            }
        }
        *target = sums;
    }
}

/// The weighted sum of N rows. The first two products are joined by one fused addition.
#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
fn across<const N: usize>(sources: [&[f32]; N], weights: [f32; N], target: &mut [f32]) {
    let mut terms = sources.into_iter().zip(weights);
    let (Some((first, a)), Some((second, b))) = (terms.next(), terms.next()) else { return };
    for ((target, first), second) in target.iter_mut().zip(first).zip(second) {
        *target = first.mul_add(a, second * b);
    }
    for (source, weight) in terms {
        for (target, source) in target.iter_mut().zip(source) {
            *target = source.mul_add(weight, *target);
        }
    }
}
