//! Weighted sums over the neighbours of each pixel, each channel for itself.

use pulp::{Arch, NullaryFnOnce};

use super::call::Failure;
use super::image::{Image, Shape};
use super::number::{from_f64, to_f32};
use super::sum::sum;
use super::work::Work;

/// The weights of a square of pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kernel {
    /// How many pixels the square reaches to each side of its middle.
    radius: usize,
    /// Row by row.
    weights: Vec<f32>,
}

impl Kernel {
    /// A bell, scaled so that its weights sum to 1; `sigma` is in units of the radius.
    pub(super) fn bell(radius: usize, sigma: f64) -> Self {
        let places = places(2 * radius + 1);
        let width = from_f64(2.0 * sigma * sigma);
        let weight = |x: f32, y: f32| {
            let distance = (x * x + y * y).sqrt();
            exp(-(distance * distance) / width)
        };
        let weights: Vec<f32> =
            places.iter().flat_map(|x| places.iter().map(move |y| weight(*x, *y))).collect();
        let total = sum(&weights);
        Self { radius, weights: weights.into_iter().map(|weight| weight / total).collect() }
    }

    /// The opposite of a bell, as strong as `strength` says: its middle makes all weights sum to 1.
    pub(super) fn sharpening(radius: usize, sigma: f64, strength: f64) -> Self {
        let mut kernel = Self::bell(radius, sigma);
        let factor = from_f64(-strength);
        kernel.weights.iter_mut().for_each(|weight| *weight *= factor);
        let total = sum(&kernel.weights);
        let middle = kernel.weights.len() / 2;
        if let Some(middle) = kernel.weights.get_mut(middle) {
            *middle = *middle - total + 1.0;
        }
        kernel
    }

    const fn side(&self) -> usize {
        2 * self.radius + 1
    }
}

/// As many places as are asked for, evenly from -1 to 1: `PyTorch` counts each half from its own end.
fn places(count: usize) -> Vec<f32> {
    let step = 2.0 / to_f32(count - 1);
    let place = |at: usize| {
        if at < count / 2 {
            step.mul_add(to_f32(at), -1.0)
        } else {
            (-step).mul_add(to_f32(count - 1 - at), 1.0)
        }
    };
    (0..count).map(place).collect()
}

/// The exponential, rounded from the double's: `PyTorch`'s own differs from it by a last bit in one of a
/// hundred values.
pub(super) fn exp(value: f32) -> f32 {
    from_f64(f64::from(value).exp())
}

/// Replaces each pixel by the weighted sum of those around it; at an edge the image is mirrored, the edge's
/// own pixels not repeated. `finish` makes the result of a sum.
pub(super) fn convolve(
    image: &Image,
    kernel: &Kernel,
    work: &Work,
    finish: impl Fn(f32) -> f32 + Sync,
) -> Result<Image, Failure> {
    let shape = image.shape();
    let Shape { height, width, channels, .. } = shape;
    let radius = kernel.radius;
    if radius >= height || radius >= width {
        let message = format!(
            "a radius of {radius} is too large for an image of {width}×{height} pixels: it must be less than \
             each side"
        );
        return Err(Failure::new("RuntimeError", message));
    }
    let arch = Arch::new();
    let result = Image::by_bands(shape, BAND, work, |frame, first, band| {
        let source = |at: usize| image.row(frame, reflect(at, radius, height));
        let (mut free, reached) = (Vec::new(), first + 2 * radius);
        let mut rows: Vec<Vec<f32>> =
            (first..reached).map(|at| mirrored(source(at), radius, channels, Vec::new())).collect();
        for (next, target) in (reached..).zip(band.chunks_exact_mut(shape.row())) {
            if work.is_cancelled() {
                return;
            }
            rows.push(mirrored(source(next), radius, channels, free));
            arch.dispatch(Weigh { rows: &rows, kernel, channels, target, work });
            for value in target {
                *value = finish(*value);
            }
            free = rows.remove(0);
        }
    })?;
    Ok(result)
}

/// How many rows of the result are made one after the other: each row of the image goes into several of them.
const BAND: usize = 16;

/// How many sums are made side by side: as many as stay in the processor's registers.
const LANES: usize = 32;

/// How many times as many are made between two looks at whether the run was cancelled: of a long row with the
/// largest kernel that takes some milliseconds.
const LOOK_AFTER: usize = 1024;

/// The sums of one row. A closure would be compiled apart, for a processor without fused additions.
struct Weigh<'a> {
    rows: &'a [Vec<f32>],
    kernel: &'a Kernel,
    channels: usize,
    target: &'a mut [f32],
    work: &'a Work,
}

impl NullaryFnOnce for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
    fn call(self) {
        weigh(self.rows, self.kernel, self.channels, self.target, self.work);
    }
}

/// Adds the products up one by one, rounding once each, in the order of the kernel.
#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
fn weigh(rows: &[Vec<f32>], kernel: &Kernel, channels: usize, target: &mut [f32], work: &Work) {
    let (blocks, rest) = target.as_chunks_mut::<LANES>();
    let done = blocks.len() * LANES;
    for (block, target) in blocks.iter_mut().enumerate() {
        if block % LOOK_AFTER == LOOK_AFTER - 1 && work.is_cancelled() {
            return;
        }
        let mut sums = [0.0; LANES];
        for (row, weights) in rows.iter().zip(kernel.weights.chunks_exact(kernel.side())) {
            for (at, weight) in weights.iter().enumerate() {
                let values = row.get(block * LANES + at * channels..);
                let Some(values) = values.and_then(|row| row.first_chunk::<LANES>()) else { continue };
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = value.mul_add(*weight, *sum);
                }
            }
        }
        *target = sums;
    }
    for (row, weights) in rows.iter().zip(kernel.weights.chunks_exact(kernel.side())) {
        for (at, weight) in weights.iter().enumerate() {
            let values = row.get(done + at * channels..).unwrap_or_default();
            for (target, value) in rest.iter_mut().zip(values) {
                *target = value.mul_add(*weight, *target);
            }
        }
    }
}

/// The row or column that stands at a place, counted from `radius` before the first.
pub(super) const fn reflect(at: usize, radius: usize, length: usize) -> usize {
    let from_first = at.abs_diff(radius);
    if at >= radius && from_first >= length { 2 * (length - 1) - from_first } else { from_first }
}

/// A row with `radius` pixels more at each end, in the place of one that is not needed any more.
fn mirrored(row: &[f32], radius: usize, channels: usize, mut mirrored: Vec<f32>) -> Vec<f32> {
    let width = row.len() / channels;
    mirrored.clear();
    mirrored.reserve(row.len() + 2 * radius * channels);
    let add = |mirrored: &mut Vec<f32>, at: usize| {
        let start = reflect(at, radius, width) * channels;
        mirrored.extend_from_slice(row.get(start..start + channels).unwrap_or_default());
    };
    (0..radius).for_each(|at| add(&mut mirrored, at));
    mirrored.extend_from_slice(row);
    (width + radius..width + 2 * radius).for_each(|at| add(&mut mirrored, at));
    mirrored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_mirrored_without_their_edge() {
        assert_eq!(mirrored(&[1.0, 2.0, 3.0], 2, 1, Vec::new()), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
        assert_eq!(
            mirrored(&[1.0, 2.0, 3.0, 4.0], 1, 2, vec![7.0; 5]),
            [3.0, 4.0, 1.0, 2.0, 3.0, 4.0, 1.0, 2.0]
        );
    }

    #[test]
    fn weights_sum_to_one() {
        for radius in [1, 2, 7, 31] {
            for kernel in [Kernel::bell(radius, 1.3), Kernel::sharpening(radius, 0.4, 20.0)] {
                let total: f64 = kernel.weights.iter().map(|weight| f64::from(*weight)).sum();
                assert!((total - 1.0).abs() < 1e-4, "{radius}: {total}");
                assert_eq!(kernel.weights.len(), kernel.side() * kernel.side());
            }
        }
    }

    #[test]
    fn a_radius_as_long_as_a_side_is_refused() {
        let shape = Shape { batch: 1, height: 2, width: 9, channels: 3 };
        let image = Image::build(shape, &Work::default(), |_| {}).unwrap();
        let failure = convolve(&image, &Kernel::bell(2, 1.0), &Work::default(), |value| value).unwrap_err();
        assert_eq!(
            failure.message,
            "a radius of 2 is too large for an image of 9×2 pixels: it must be less than each side"
        );
    }
}
