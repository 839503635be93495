//! Where along one side a new pixel takes its values from: `PyTorch`'s rules, in `f32` as there.

use crate::native::number::{floor, fused, to_f32};

/// Pixels of the source that go into one new pixel, and how much each counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Taps<const N: usize> {
    pub(super) index: [usize; N],
    pub(super) weight: [f32; N],
}

/// The pixel that `nearest-exact` takes, for each new one.
pub(super) fn nearest(source: usize, target: usize) -> Vec<usize> {
    let scale = to_f32(source) / to_f32(target);
    let index = |at: usize| floor(f64::from((to_f32(at) + 0.5) * scale)).min(source - 1);
    (0..target).map(index).collect()
}

/// The two neighbours of each new pixel and their weights.
pub(super) fn linear(source: usize, target: usize) -> Vec<Taps<2>> {
    let taps = |at: usize| {
        let place = place(source, target, at).max(0.0);
        let first = floor(f64::from(place)).min(source - 1);
        let second = (first + 1).min(source - 1);
        let share = (place - to_f32(first)).clamp(0.0, 1.0);
        Taps { index: [first, second], weight: [1.0 - share, share] }
    };
    (0..target).map(taps).collect()
}

/// The four neighbours of each new pixel and their weights; at an edge its pixel stands for those outside.
pub(super) fn cubic(source: usize, target: usize) -> Vec<Taps<4>> {
    let taps = |at: usize| {
        let place = place(source, target, at);
        // Shifted by one, so that the place left of the first pixel is not below zero.
        let shifted = floor(f64::from(place) + 1.0).min(source);
        let share = (place - (to_f32(shifted) - 1.0)).clamp(0.0, 1.0);
        let index = [0, 1, 2, 3].map(|tap| (shifted + tap).saturating_sub(2).min(source - 1));
        let rest = 1.0 - share;
        Taps { index, weight: [outer(share + 1.0), inner(share), inner(rest), outer(rest + 1.0)] }
    };
    (0..target).map(taps).collect()
}

/// Where the middle of a new pixel falls among the old ones.
fn place(source: usize, target: usize, at: usize) -> f32 {
    fused(to_f32(source) / to_f32(target), to_f32(at) + 0.5, -0.5)
}

/// The cubic's one parameter, as `PyTorch` has it.
const A: f32 = -0.75;

/// The cubic's middle piece, for a distance of at most 1. The last addition is not fused there.
fn inner(x: f32) -> f32 {
    fused(A + 2.0, x, -(A + 3.0)) * x * x + 1.0
}

/// The cubic's outer piece, for a distance of 1 to 2. The last addition is not fused there.
fn outer(x: f32) -> f32 {
    fused(fused(A, x, -5.0 * A), x, 8.0 * A) * x - 4.0 * A
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_indices_are_inside() {
        for (source, target) in [(1, 1), (1, 7), (7, 1), (64, 37), (37, 64), (16_384, 3), (3, 1000)] {
            for taps in cubic(source, target) {
                assert!((taps.weight.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{source} to {target}");
                assert!(taps.index.iter().all(|index| *index < source));
            }
            for taps in linear(source, target) {
                assert!((taps.weight.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                assert!(taps.index.iter().all(|index| *index < source));
            }
            assert!(nearest(source, target).iter().all(|index| *index < source));
        }
    }

    #[test]
    fn the_same_size_takes_each_pixel_as_it_is() {
        for (at, taps) in cubic(9, 9).iter().enumerate() {
            assert_eq!((taps.index[1], taps.weight), (at, [0.0, 1.0, 0.0, 0.0]));
        }
        assert_eq!(nearest(9, 9), (0..9).collect::<Vec<_>>());
    }
}
