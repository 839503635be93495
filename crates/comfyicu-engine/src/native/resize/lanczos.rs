//! `lanczos`: ComfyUI turns the image into bytes, has Pillow resize it, and turns it back.

use std::ops::Range;

use pulp::{Arch, NullaryFnOnce};

use super::pillow::{HALF, Plan, Taps, across, add_row, along, to_value};
use super::view::View;
use crate::native::number::{from_byte, to_byte};
use crate::native::work::{Cancelled, Work};

/// How many bytes of the rows that a band is made of are held, where they are many more than its own rows.
const HELD: usize = 1 << 24;

/// Makes the rows from `first` on that fit into `target`, of a new width. The rows that they are made of become bytes
/// for them alone, and only so many at once that no image of bytes is held; the next rows do some of that again.
pub(super) fn resize(
    source: &View<'_>,
    plan: &Plan,
    (width, first): (usize, usize),
    target: &mut [f32],
    work: &Work,
) {
    Band { source, plan, width, first, held: HELD, work }.fill(target);
}

/// Some rows of the result.
struct Band<'a, 'v> {
    source: &'a View<'v>,
    plan: &'a Plan,
    width: usize,
    first: usize,
    held: usize,
    work: &'a Work,
}

impl Band<'_, '_> {
    fn fill(&self, target: &mut [f32]) {
        // A fixed number of channels lets the sums stay in registers; three have the room of four.
        match self.source.channels {
            3 => Arch::new().dispatch(Resize::<4, 3>(self, target)),
            4 => Arch::new().dispatch(Resize::<4, 4>(self, target)),
            _ => Arch::new().dispatch(Resize::<1, 1>(self, target)),
        }
    }
}

/// Compiled for the processor that it runs on; a closure would be compiled apart.
struct Resize<'a, 'v, const LANES: usize, const CHANNELS: usize>(&'a Band<'a, 'v>, &'a mut [f32]);

impl<const LANES: usize, const CHANNELS: usize> NullaryFnOnce for Resize<'_, '_, LANES, CHANNELS> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
    fn call(self) {
        // What a cancelled run leaves as it is, nobody reads.
        self.0.resize::<LANES, CHANNELS>(self.1).ok();
    }
}

impl Band<'_, '_> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
    fn resize<const LANES: usize, const CHANNELS: usize>(&self, target: &mut [f32]) -> Result<(), Cancelled> {
        let length = self.width * CHANNELS;
        let count = target.len() / length;
        let sources = self.plan.sources(self.first..self.first + count);
        let is_mixed_before = self.plan.columns().0.is_some();
        let mixed_length = if is_mixed_before { length } else { self.source.width * CHANNELS };
        if sources.len() * mixed_length > self.held && sources.len() > count * size_of::<i32>() {
            self.one_by_one::<LANES, CHANNELS>(sources, mixed_length, target)
        } else {
            self.together::<LANES, CHANNELS>(sources, mixed_length, target)
        }
    }

    /// Makes the rows of all that they are made of.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
    fn together<const LANES: usize, const CHANNELS: usize>(
        &self,
        sources: Range<usize>,
        mixed_length: usize,
        target: &mut [f32],
    ) -> Result<(), Cancelled> {
        let length = self.width * CHANNELS;
        let mut rows = vec![0; sources.len() * mixed_length];
        let mut bytes = vec![0; self.source.width * CHANNELS + 1];
        for (y, row) in sources.clone().zip(rows.chunks_exact_mut(mixed_length)) {
            self.work.go_on()?;
            self.source_row::<LANES, CHANNELS>(y, &mut bytes, row);
        }
        let (mut mixed, mut bytes) = (vec![0; mixed_length + 1], vec![0; length]);
        for (y, target) in (self.first..).zip(target.chunks_exact_mut(length)) {
            self.work.go_on()?;
            let (first, weights) = self.plan.row(y);
            let rows = rows.get((first - sources.start) * mixed_length..).unwrap_or_default();
            if let Some((_, mixed)) = mixed.split_last_mut() {
                across(rows, weights, mixed, self.work);
            }
            self.finish::<LANES, CHANNELS>(&mixed, &mut bytes, target);
        }
        Ok(())
    }

    /// Adds each row that they are made of to the sums of the rows, which take less memory than so many rows.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
    fn one_by_one<const LANES: usize, const CHANNELS: usize>(
        &self,
        sources: Range<usize>,
        mixed_length: usize,
        target: &mut [f32],
    ) -> Result<(), Cancelled> {
        let length = self.width * CHANNELS;
        let mut sums = vec![HALF; target.len() / length * mixed_length];
        let (mut row, mut bytes) = (vec![0; mixed_length], vec![0; self.source.width * CHANNELS + 1]);
        for source in sources {
            self.work.go_on()?;
            self.source_row::<LANES, CHANNELS>(source, &mut bytes, &mut row);
            for (y, sums) in (self.first..).zip(sums.chunks_exact_mut(mixed_length)) {
                let (first, weights) = self.plan.row(y);
                if let Some(weight) = source.checked_sub(first).and_then(|tap| weights.get(tap)) {
                    add_row(&row, *weight, sums);
                }
            }
        }
        let (mut mixed, mut bytes) = (vec![0; mixed_length + 1], vec![0; length]);
        for (sums, target) in sums.chunks_exact(mixed_length).zip(target.chunks_exact_mut(length)) {
            self.work.go_on()?;
            mixed.iter_mut().zip(sums).for_each(|(mixed, sum)| *mixed = to_value(*sum));
            self.finish::<LANES, CHANNELS>(&mixed, &mut bytes, target);
        }
        Ok(())
    }

    /// A row of the source as bytes, resized along its length where that comes first. `bytes` has room for it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
    fn source_row<const LANES: usize, const CHANNELS: usize>(
        &self,
        y: usize,
        bytes: &mut [u8],
        row: &mut [u8],
    ) {
        for (byte, value) in bytes.iter_mut().zip(self.source.row(y)) {
            *byte = to_byte(*value);
        }
        if CHANNELS == 4 && self.plan.mixes() {
            bytes.as_chunks_mut().0.iter_mut().for_each(premultiply);
        }
        along_or_same::<LANES, CHANNELS>(bytes, self.plan.columns().0, row);
    }

    /// Makes a row of the result of what was mixed. `bytes` has room for it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
    fn finish<const LANES: usize, const CHANNELS: usize>(
        &self,
        mixed: &[u8],
        bytes: &mut [u8],
        target: &mut [f32],
    ) {
        along_or_same::<LANES, CHANNELS>(mixed, self.plan.columns().1, bytes);
        if CHANNELS == 4 && self.plan.mixes() {
            bytes.as_chunks_mut().0.iter_mut().for_each(unpremultiply);
        }
        for (target, byte) in target.iter_mut().zip(bytes) {
            *target = from_byte(*byte);
        }
    }
}

/// Resizes a row along its length, or leaves it as it is. Behind it stands a byte.
#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
fn along_or_same<const LANES: usize, const CHANNELS: usize>(
    row: &[u8],
    columns: Option<&[Taps]>,
    target: &mut [u8],
) {
    match columns {
        Some(columns) => along::<LANES, CHANNELS>(row, columns, target),
        None => target.iter_mut().zip(row).for_each(|(target, byte)| *target = *byte),
    }
}

/// Pillow's `RGBA` to `RGBa`.
fn premultiply([colours @ .., alpha]: &mut [u8; 4]) {
    for colour in colours {
        let product = u32::from(*colour) * u32::from(*alpha) + 128;
        *colour = u8::try_from(((product >> 8) + product) >> 8).unwrap_or(u8::MAX);
    }
}

/// Pillow's `RGBa` to `RGBA`.
fn unpremultiply([colours @ .., alpha]: &mut [u8; 4]) {
    if *alpha == 0 || *alpha == u8::MAX {
        return;
    }
    for colour in colours {
        let quotient = u32::from(*colour) * 255 / u32::from(*alpha);
        *colour = u8::try_from(quotient).unwrap_or(u8::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::image::{Image, Shape};
    use crate::native::number::to_f32;
    use crate::native::resize::target::{Size, window};
    use crate::native::resize::{Crop, Method, resize_to};

    fn noise(shape: Shape) -> Image {
        let value = |at: usize| to_f32(at.wrapping_mul(2_654_435_761) >> 13 & 0xff) / 255.0;
        Image::from_values(shape, &Work::default(), (0..shape.values()).map(value)).unwrap()
    }

    /// The result, made in bands of so many rows, each with at most so many bytes at once where it can be.
    fn in_bands(image: &Image, size: Size, rows: usize, held: usize) -> Vec<f32> {
        let (shape, work) = (image.shape(), Work::default());
        let window = window(shape, size, Crop::Disabled).unwrap();
        let source = View::new(image.frames().next().unwrap(), shape, window);
        let plan = Plan::new(Size { width: shape.width, height: shape.height }, size);
        let row = size.width * shape.channels;
        let mut result = vec![0.0; size.height * row];
        for (at, target) in result.chunks_mut(rows * row).enumerate() {
            let (width, first) = (size.width, at * rows);
            Band { source: &source, plan: &plan, width, first, held, work: &work }.fill(target);
        }
        result
    }

    #[test]
    fn a_result_is_the_same_however_it_is_made() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(5).build().unwrap();
        for channels in [1, 3, 4] {
            for (width, height) in [(400, 7), (9, 500), (60, 130)] {
                for (new_width, new_height) in [(41, 3), (3, 37), (9, 30), (70, 140), (60, 1)] {
                    let image = noise(Shape { batch: 1, height, width, channels });
                    let size = Size { width: new_width, height: new_height };
                    let whole = in_bands(&image, size, new_height, usize::MAX);
                    let case = format!("{width}×{height}×{channels} to {new_width}×{new_height}");
                    for (rows, held) in [(new_height, 0), (1, usize::MAX), (1, 0), (4, 0), (5, usize::MAX)] {
                        assert_eq!(in_bands(&image, size, rows, held), whole, "{case} by {rows}, {held}");
                    }
                    let make = || resize_to(&image, Method::Lanczos, size, Crop::Disabled, &Work::default());
                    assert_eq!(pool.install(make).unwrap().values(), whole, "{case}");
                }
            }
        }
    }
}
