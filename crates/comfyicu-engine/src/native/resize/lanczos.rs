//! `lanczos`: ComfyUI turns the image into bytes, has Pillow resize it, and turns it back.

use super::pillow::{Bytes, resample};
use super::target::Size;
use super::view::View;
use crate::native::number::{from_byte, to_byte};
use crate::native::work::{Cancelled, Work};

pub(super) fn resize(
    source: &View<'_>,
    size: Size,
    target: &mut [f32],
    work: &Work,
) -> Result<(), Cancelled> {
    let row = source.width * source.channels;
    let mut values = vec![0; row * source.height()];
    work.fill_rows(&mut values, row, |y, target| {
        target.iter_mut().zip(source.row(y)).for_each(|(byte, value)| *byte = to_byte(*value));
    })?;
    let mut bytes = Bytes { width: source.width, height: source.height(), channels: source.channels, values };
    let same_size = size == (Size { width: bytes.width, height: bytes.height });
    // Pillow mixes colours by their opacity, but only where there is something to mix.
    let with_alpha = bytes.channels == 4 && !same_size;
    if with_alpha {
        work.fill_rows(&mut bytes.values, row, |_, row| {
            row.as_chunks_mut().0.iter_mut().for_each(premultiply);
        })?;
    }
    let mut resized = resample(bytes, size, work)?;
    let row = size.width * source.channels;
    if with_alpha {
        work.fill_rows(&mut resized.values, row, |_, row| {
            row.as_chunks_mut().0.iter_mut().for_each(unpremultiply);
        })?;
    }
    work.fill_rows(target, row, |y, target| {
        let bytes = resized.values.get(y * row..).unwrap_or_default();
        target.iter_mut().zip(bytes).for_each(|(target, byte)| *target = from_byte(*byte));
    })
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
