//! `lanczos`: ComfyUI turns the image into bytes, has Pillow resize it, and turns it back.

use pulp::{Arch, NullaryFnOnce};

use super::pillow::{Plan, Taps, across, along};
use super::view::View;
use crate::native::number::{from_byte, to_byte};
use crate::native::work::{Cancelled, Work};

/// Makes the rows from `first` on that fit into `target`, of a new width. The rows that they are made of become bytes
/// for them alone, so that no image of bytes is held; the next rows do some of that again.
pub(super) fn resize(
    source: &View<'_>,
    plan: &Plan,
    (width, first): (usize, usize),
    target: &mut [f32],
    work: &Work,
) {
    let band = Band { source, plan, width, first, work };
    // A fixed number of channels lets the sums stay in registers; three have the room of four.
    match source.channels {
        3 => Arch::new().dispatch(Resize::<4, 3>(&band, target)),
        4 => Arch::new().dispatch(Resize::<4, 4>(&band, target)),
        _ => Arch::new().dispatch(Resize::<1, 1>(&band, target)),
    }
}

/// Some rows of the result.
struct Band<'a, 'v> {
    source: &'a View<'v>,
    plan: &'a Plan,
    width: usize,
    first: usize,
    work: &'a Work,
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
        let sources = self.plan.sources(self.first..self.first + target.len() / length);
        let (before, behind) = self.plan.columns();
        let mixed_length = if before.is_some() { length } else { self.source.width * CHANNELS };
        let mut rows = vec![0; sources.len() * mixed_length];
        let mut bytes = vec![0; self.source.width * CHANNELS + 1];
        for (y, row) in sources.clone().zip(rows.chunks_exact_mut(mixed_length)) {
            self.work.go_on()?;
            for (byte, value) in bytes.iter_mut().zip(self.source.row(y)) {
                *byte = to_byte(*value);
            }
            if CHANNELS == 4 && self.plan.mixes() {
                bytes.as_chunks_mut().0.iter_mut().for_each(premultiply);
            }
            along_or_same::<LANES, CHANNELS>(&bytes, before, row);
        }
        let (mut mixed, mut bytes) = (vec![0; mixed_length + 1], vec![0; length]);
        for (y, target) in (self.first..).zip(target.chunks_exact_mut(length)) {
            self.work.go_on()?;
            let (first, weights) = self.plan.row(y);
            let rows = rows.get((first - sources.start) * mixed_length..).unwrap_or_default();
            if let Some((_, mixed)) = mixed.split_last_mut() {
                across(rows, weights, mixed, self.work);
            }
            along_or_same::<LANES, CHANNELS>(&mixed, behind, &mut bytes);
            if CHANNELS == 4 && self.plan.mixes() {
                bytes.as_chunks_mut().0.iter_mut().for_each(unpremultiply);
            }
            for (target, byte) in target.iter_mut().zip(&bytes) {
                *target = from_byte(*byte);
            }
        }
        Ok(())
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
