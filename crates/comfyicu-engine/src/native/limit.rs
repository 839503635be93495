//! Bounds that hold for every image, checked before anything is allocated.

use super::image::Shape;

/// The most pixels an image may have, all images of a batch together: what Pillow takes for a
/// decompression bomb, and so the largest that ComfyUI would load. In memory that is 2 GiB of RGB.
pub(crate) const MAX_PIXELS: usize = 178_956_970;

/// The most bytes of an input file that are read: more than any image within the bounds below needs.
pub(crate) const MAX_INPUT_BYTES: u64 = 1024 * 1024 * 1024;

/// The longest side an image may have. It bounds what the kernels hold for each row and column; nodes ask
/// for at most 16384, but a side that follows from the proportions can be longer.
pub(crate) const MAX_SIDE: usize = 1 << 20;

/// The most bytes that the images and masks of one run may take at once: two of the largest images, the one
/// that a node reads and the one that it makes.
pub(crate) const RUN_BYTES: usize = 2 * 3 * MAX_PIXELS * size_of::<f32>();

/// The most bytes that all runs of an executor may take at once.
pub(crate) const EXECUTOR_BYTES: usize = 2 * RUN_BYTES;

/// How many bytes of results are kept for later runs.
pub(crate) const CACHE_BYTES: usize = 256 << 20;

/// What is kept makes room for the images of runs beyond so many bytes, those of the images included; beyond twice what
/// results may take, where that is more.
pub(crate) const EASY_BYTES: usize = 2 * CACHE_BYTES;

/// How much of a file is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The most pixels, those of all its pictures together; never more than [`MAX_PIXELS`].
    pub(crate) pixels: usize,
    /// Whether the first picture is enough.
    pub(crate) first_only: bool,
}

impl Extent {
    /// All that may be held.
    pub(crate) const ALL: Self = Self { pixels: MAX_PIXELS, first_only: false };

    /// Checks that a picture of a file may be decoded.
    pub(crate) fn check(self, shape: Shape) -> Result<(), TooLarge> {
        check_within(shape, self.pixels)
    }

    /// How many pictures are decoded of so many.
    pub(crate) const fn pictures(self, count: usize) -> usize {
        if self.first_only && count > 1 { 1 } else { count }
    }
}

/// An image is too large to be made, or has no pixel at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{batch} × {width}×{height} pixels cannot be held: each side must be 1 to {MAX_SIDE}, and the pixels \
     of a batch at most {most}"
)]
pub(crate) struct TooLarge {
    batch: usize,
    width: usize,
    height: usize,
    most: usize,
}

/// Checks that an image of this shape may be made.
pub(super) fn check(shape: Shape) -> Result<(), TooLarge> {
    check_within(shape, MAX_PIXELS)
}

fn check_within(shape: Shape, most: usize) -> Result<(), TooLarge> {
    let Shape { batch, height, width, .. } = shape;
    let side = 1..=MAX_SIDE;
    let pixels = batch.checked_mul(height).and_then(|pixels| pixels.checked_mul(width));
    let fits = pixels.is_some_and(|pixels| (1..=most).contains(&pixels));
    if fits && side.contains(&height) && side.contains(&width) {
        return Ok(());
    }
    Err(TooLarge { batch, width, height, most })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(batch: usize, height: usize, width: usize) -> bool {
        check(Shape { batch, height, width, channels: 3 }).is_ok()
    }

    #[test]
    fn sides_and_the_whole_are_bounded() {
        assert!(fits(1, 1, 1) && fits(1, 10_000, 16_384) && fits(1, 1, MAX_SIDE) && fits(4096, 16, 16));
        assert!(!fits(1, 16_384, 16_384) && !fits(1, 1, MAX_SIDE + 1) && !fits(4096, 512, 512));
        assert!(!fits(0, 1, 1) && !fits(1, 0, 1) && !fits(usize::MAX, usize::MAX, 2));
    }

    #[test]
    fn the_error_says_what_is_allowed() {
        let error = check(Shape { batch: 4096, height: 512, width: 512, channels: 3 }).unwrap_err();
        insta::assert_snapshot!(error, @"4096 × 512×512 pixels cannot be held: each side must be 1 to 1048576, and the pixels of a batch at most 178956970");
    }
}
