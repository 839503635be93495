//! Pillow's resampling of 8-bit images: weights as fixed-point numbers, one side after the other.

use std::f64::consts::PI;

use super::target::Size;
use crate::native::number::{floor, to_f64};
use crate::native::work::{Cancelled, Work};

/// Bits behind the point of a weight: 8 bits of a value and 2 for overshoot leave 22 of 32.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// How far the Lanczos filter reaches, in pixels of the smaller image.
const SUPPORT: f64 = 3.0;

/// An image of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    pub(super) values: Vec<u8>,
}

/// Resizes with the Lanczos filter. A side that keeps its length is not touched.
pub(super) fn resample(image: Bytes, size: Size, work: &Work) -> Result<Bytes, Cancelled> {
    if rows_are_mixed_first(&image, size) {
        resample_width(resample_height(image, size.height, work)?, size.width, work)
    } else {
        resample_height(resample_width(image, size.width, work)?, size.height, work)
    }
}

/// Pillow 13 starts with the height where that takes away more than twice as many rows as columns go. The
/// order shows, because the bytes in between are rounded.
fn rows_are_mixed_first(image: &Bytes, size: Size) -> bool {
    let lost_rows = image.height.saturating_sub(size.height);
    lost_rows > 0 && lost_rows + 2 * size.width > 2 * image.width
}

fn resample_width(image: Bytes, width: usize, work: &Work) -> Result<Bytes, Cancelled> {
    if image.width == width { Ok(image) } else { along_rows(&image, width, work) }
}

fn resample_height(image: Bytes, height: usize, work: &Work) -> Result<Bytes, Cancelled> {
    if image.height == height { Ok(image) } else { across_rows(&image, height, work) }
}

/// The pixels that go into a new one: the first of them, and what each counts.
struct Taps {
    first: usize,
    weights: Vec<i32>,
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

/// Of rows that are so long, each is a moment in which the run may be cancelled.
const LONG_ROW: usize = 1 << 14;

/// What a sum of weighted values starts with: half a unit, so that cutting rounds.
const HALF: i32 = 1 << (PRECISION_BITS - 1);

fn to_value(sum: i32) -> u8 {
    u8::try_from((sum >> PRECISION_BITS).clamp(0, 255)).unwrap_or_default()
}

fn along_rows(image: &Bytes, width: usize, work: &Work) -> Result<Bytes, Cancelled> {
    let channels = image.channels;
    let mut values = vec![0; width * image.height * channels];
    let taps = taps(image.width, width);
    let length = image.width * channels;
    work.fill_rows(&mut values, width * channels, |y, target| {
        let row = image.values.get(y * length..(y + 1) * length).unwrap_or_default();
        for (taps, target) in taps.iter().zip(target.chunks_exact_mut(channels)) {
            let pixels = row.get(taps.first * channels..).unwrap_or_default();
            // A fixed number of channels lets the sums stay in registers.
            match channels {
                3 => weigh::<3>(pixels, &taps.weights, target),
                4 => weigh::<4>(pixels, &taps.weights, target),
                _ => weigh::<1>(pixels, &taps.weights, target),
            }
        }
    })?;
    Ok(Bytes { width, values, ..*image })
}

fn weigh<const CHANNELS: usize>(pixels: &[u8], weights: &[i32], target: &mut [u8]) {
    let mut sums = [HALF; CHANNELS];
    for (pixel, weight) in pixels.as_chunks::<CHANNELS>().0.iter().zip(weights) {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            // Weights sum to one, so the sum stays far below the largest integer.
            *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(*value)));
        }
    }
    for (target, sum) in target.iter_mut().zip(sums) {
        *target = to_value(sum);
    }
}

fn across_rows(image: &Bytes, height: usize, work: &Work) -> Result<Bytes, Cancelled> {
    let length = image.width * image.channels;
    let mut values = vec![0; length * height];
    let taps = taps(image.height, height);
    work.fill_rows(&mut values, length, |y, target| {
        let Some(taps) = taps.get(y) else { return };
        let mut sums = vec![HALF; length];
        for (row, weight) in image.values.chunks_exact(length).skip(taps.first).zip(&taps.weights) {
            if length >= LONG_ROW && work.is_cancelled() {
                return;
            }
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(*value)));
            }
        }
        for (target, sum) in target.iter_mut().zip(&sums) {
            *target = to_value(*sum);
        }
    })?;
    Ok(Bytes { height, values, ..*image })
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

    #[test]
    fn the_order_of_the_sides_follows_what_they_lose() {
        let first = |(width, height), (new_width, new_height)| {
            let image = Bytes { width, height, channels: 1, values: Vec::new() };
            rows_are_mixed_first(&image, Size { width: new_width, height: new_height })
        };
        // As Pillow 13.0.0 does it.
        assert!(first((20, 50), (10, 29)) && !first((20, 50), (10, 30)));
        assert!(first((50, 20), (60, 19)) && !first((50, 20), (60, 21)));
        assert!(!first((50, 20), (40, 1)));
    }

    #[test]
    fn a_side_of_the_same_length_is_not_touched() {
        let work = Work::default();
        let image = Bytes { width: 3, height: 1, channels: 1, values: vec![0, 255, 0] };
        assert_eq!(resample(image.clone(), Size { width: 3, height: 1 }, &work).unwrap(), image);
        let taller = resample(image, Size { width: 3, height: 4 }, &work).unwrap();
        assert_eq!(taller.values, [0, 255, 0].repeat(4));
    }
}
