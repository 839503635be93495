//! Pillow's resampling of 8-bit images: weights as fixed-point numbers, one side after the other.

use std::f64::consts::PI;
use std::ops::Range;

use super::target::Size;
use crate::native::number::{floor, to_f64};
use crate::native::work::Work;

/// Bits behind the point of a weight: 8 bits of a value and 2 for overshoot leave 22 of 32.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// The weight of a row that stays as it is.
const ONE: i32 = 1 << PRECISION_BITS;

/// How far the Lanczos filter reaches, in pixels of the smaller image.
const SUPPORT: f64 = 3.0;

/// How an image is resized with the Lanczos filter: what goes into each new column and row. A side that keeps its
/// length is not touched.
#[derive(Debug)]
pub(super) struct Plan {
    columns: Option<Vec<Taps>>,
    rows: Option<Vec<Taps>>,
    /// Whether rows are mixed before columns are.
    rows_first: bool,
}

impl Plan {
    pub(super) fn new(from: Size, to: Size) -> Self {
        let side = |from, to| (from != to).then(|| taps(from, to));
        Self {
            columns: side(from.width, to.width),
            rows: side(from.height, to.height),
            rows_first: rows_are_mixed_first(from, to),
        }
    }

    /// Whether there is anything to do.
    pub(super) const fn mixes(&self) -> bool {
        self.columns.is_some() || self.rows.is_some()
    }

    /// What goes into the new columns, where that is made before rows are mixed, and where behind that.
    pub(super) fn columns(&self) -> (Option<&[Taps]>, Option<&[Taps]>) {
        let columns = self.columns.as_deref();
        if self.rows_first { (None, columns) } else { (columns, None) }
    }

    /// The first old row that goes into a new one, and what each counts.
    pub(super) fn row(&self, y: usize) -> (usize, &[i32]) {
        match &self.rows {
            Some(rows) => rows.get(y).map_or((0, &[]), |taps| (taps.first, &taps.weights)),
            None => (y, &[ONE]),
        }
    }

    /// The old rows that go into some of the new ones.
    pub(super) fn sources(&self, rows: Range<usize>) -> Range<usize> {
        let (first, _) = self.row(rows.start);
        let (last, weights) = self.row(rows.end.saturating_sub(1));
        first..last + weights.len()
    }
}

/// Pillow 13 starts with the height where that takes away more than twice as many rows as columns go. The
/// order shows, because the bytes in between are rounded.
const fn rows_are_mixed_first(from: Size, to: Size) -> bool {
    let lost_rows = from.height.saturating_sub(to.height);
    lost_rows > 0 && lost_rows + 2 * to.width > 2 * from.width
}

/// The pixels that go into a new one: the first of them, and what each counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taps {
    pub(super) first: usize,
    pub(super) weights: Vec<i32>,
}

fn taps(source: usize, target: usize) -> Vec<Taps> {
    let scale = to_f64(source) / to_f64(target);
    let stretch = scale.max(1.0);
    let support = SUPPORT * stretch;
    let tap = |at: usize| {
        let centre = (to_f64(at) + 0.5) * scale;
        let first = floor((centre - support + 0.5).max(0.0));
        let last = floor(centre + support + 0.5).min(source);
        let weight = |pixel: usize| lanczos((to_f64(pixel) - centre + 0.5) * (1.0 / stretch));
        let weights: Vec<f64> = (first..last).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let weights = weights.iter().map(|weight| fixed(if sum == 0.0 { *weight } else { weight / sum }));
        Taps { first, weights: weights.collect() }
    };
    (0..target).map(tap).collect()
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) };
    if (-SUPPORT..SUPPORT).contains(&x) { sinc(x) * sinc(x / SUPPORT) } else { 0.0 }
}

/// A weight with its 22 bits behind the point, rounded away from zero at halves.
#[expect(clippy::cast_possible_truncation, reason = "a weight is below 2, so it fits")]
fn fixed(weight: f64) -> i32 {
    let scaled = weight * f64::from(1_u32 << PRECISION_BITS);
    (scaled + if weight < 0.0 { -0.5 } else { 0.5 }) as i32
}

/// What a sum of weighted values starts with: half a unit, so that cutting rounds.
pub(super) const HALF: i32 = 1 << (PRECISION_BITS - 1);

#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
#[expect(clippy::cast_sign_loss, reason = "clipped first")]
pub(super) fn to_value(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// Mixes the pixels of a row, behind which a byte stands. Three channels are mixed like four, of which the last is the
/// next pixel's.
#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
pub(super) fn along<const LANES: usize, const CHANNELS: usize>(
    row: &[u8],
    columns: &[Taps],
    target: &mut [u8],
) {
    for (taps, target) in columns.iter().zip(target.as_chunks_mut::<CHANNELS>().0) {
        let mut sums = [HALF; LANES];
        let pixels = row.get(taps.first * CHANNELS..).unwrap_or_default();
        for (pixel, weight) in pixels.windows(LANES).step_by(CHANNELS).zip(&taps.weights) {
            let Some(pixel) = pixel.first_chunk::<LANES>() else { continue };
            for (sum, value) in sums.iter_mut().zip(pixel) {
                // Weights sum to one, so the sum stays far below the largest integer.
                *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(*value)));
            }
        }
        let values = sums.map(to_value);
        for (target, value) in target.iter_mut().zip(values) {
            *target = value;
        }
    }
}

/// How many sums across rows are made side by side: as many as stay in the processor's registers.
const TOGETHER: usize = 32;

/// How many products are made between two looks at whether the run was cancelled: that takes about a millisecond.
const PRODUCTS: usize = 1 << 20;

/// How many rows go into sums between two looks, where more than that are mixed.
const ROWS: usize = PRODUCTS / TOGETHER;

/// Mixes rows, the first of which stands at the start of `rows`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
pub(super) fn across(rows: &[u8], weights: &[i32], target: &mut [u8], work: &Work) {
    let length = target.len();
    let (blocks, rest) = target.as_chunks_mut::<TOGETHER>();
    let done = blocks.len() * TOGETHER;
    let look_after = (ROWS / weights.len().max(1)).max(1);
    for (piece, blocks) in blocks.chunks_mut(look_after).enumerate() {
        if piece > 0 && work.is_cancelled() {
            return;
        }
        for (block, target) in (piece * look_after..).zip(blocks) {
            let mut sums = [HALF; TOGETHER];
            for (at, weights) in weights.chunks(ROWS).enumerate() {
                let rows = rows.get(at * ROWS * length..).unwrap_or_default();
                add(rows, length, block * TOGETHER, weights, &mut sums);
                if weights.len() == ROWS && work.is_cancelled() {
                    return;
                }
            }
            *target = sums.map(to_value);
        }
    }
    for (at, target) in (done..).zip(rest) {
        if weights.len() >= ROWS && work.is_cancelled() {
            return;
        }
        let values = rows.iter().skip(at).step_by(length);
        let products = values.zip(weights).map(|(value, weight)| weight.wrapping_mul(i32::from(*value)));
        *target = to_value(products.fold(HALF, i32::wrapping_add));
    }
}

/// Adds what rows of a length count to the sums of the columns from `first` on.
#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
fn add(rows: &[u8], length: usize, first: usize, weights: &[i32], sums: &mut [i32; TOGETHER]) {
    for (row, weight) in rows.chunks_exact(length).zip(weights) {
        let values = row.get(first..).and_then(|row| row.first_chunk::<TOGETHER>());
        for (sum, value) in sums.iter_mut().zip(values.unwrap_or(&[0; TOGETHER])) {
            *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(*value)));
        }
    }
}

/// Adds what a row counts to the sums of its columns.
#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
pub(super) fn add_row(row: &[u8], weight: i32, sums: &mut [i32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(*value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_pillow() {
        // Python: Pillow's precompute_coeffs for 4 pixels to 2, Lanczos, in units of 2^-22.
        let weights: Vec<_> = taps(4, 2).into_iter().map(|taps| (taps.first, taps.weights)).collect();
        assert_eq!(
            weights.iter().map(|(first, weights)| (*first, weights.len())).collect::<Vec<_>>(),
            [(0, 4), (0, 4)]
        );
        for (_, weights) in weights {
            assert!((weights.iter().sum::<i32>() - (1 << PRECISION_BITS)).abs() <= 2);
        }
    }

    fn plan((width, height): (usize, usize), (new_width, new_height): (usize, usize)) -> Plan {
        Plan::new(Size { width, height }, Size { width: new_width, height: new_height })
    }

    #[test]
    fn the_order_of_the_sides_follows_what_they_lose() {
        let first = |from, to| plan(from, to).rows_first;
        // As Pillow 13.0.0 does it.
        assert!(first((20, 50), (10, 29)) && !first((20, 50), (10, 30)));
        assert!(first((50, 20), (60, 19)) && !first((50, 20), (60, 21)));
        assert!(!first((50, 20), (40, 1)));
    }

    #[test]
    fn a_side_of_the_same_length_is_not_touched() {
        let same_width = plan((3, 1), (3, 4));
        assert!(same_width.columns.is_none() && same_width.mixes() && !plan((3, 1), (3, 1)).mixes());
        assert_eq!((same_width.sources(1..3), plan((3, 9), (7, 9)).sources(2..5)), (0..1, 2..5));
        let mut same = [0; 256];
        let bytes: Vec<u8> = (0..=255).collect();
        across(&bytes, plan((3, 9), (7, 9)).row(4).1, &mut same, &Work::default());
        assert_eq!(same, *bytes);
    }

    #[test]
    fn rows_of_any_length_are_mixed() {
        let half = 1 << (PRECISION_BITS - 1);
        for length in [1, TOGETHER, TOGETHER + 3] {
            let rows = [vec![10; length], vec![21; length]].concat();
            let mut mixed = vec![0; length];
            across(&rows, &[half; 2], &mut mixed, &Work::default());
            assert_eq!(mixed, vec![16; length]);
        }
    }

    #[test]
    fn many_rows_break_off_anywhere() {
        for (length, rows) in [(TOGETHER, 3 * ROWS), (4 * TOGETHER, ROWS / 2), (3, 2 * ROWS)] {
            let weight = ONE / i32::try_from(rows).unwrap();
            let mixed = |last| {
                let (mut mixed, work) = (vec![0; length], Work::until_look(last));
                across(&vec![255; rows * length], &vec![weight; rows], &mut mixed, &work);
                (mixed.iter().filter(|value| **value > 0).count(), work.looks())
            };
            let (all, looks) = mixed(usize::MAX);
            assert!(all == length && looks > 0, "{length} × {rows}");
            let (made, after) = mixed(1);
            assert!(made < length && after == 1, "{length} × {rows}: {made}");
        }
    }
}
