//! PNG files of rows of red, green and blue and nothing else, which most are: their rows become an image's values while
//! the next ones are unpacked.

use std::mem;

use png::{BitDepth, ColorType};

use super::exif::Orientation;
use super::png_read::{Checksums, PngReader, frame_count, open, orientation, shape};
use crate::native::buffer::Strip;
use crate::native::image::{BuildError, Image};
use crate::native::limit::Extent;
use crate::native::number::from_byte;
use crate::native::work::{Cancelled, STRETCH, Work};

/// How many rows are unpacked before they become values, at most: so many still lie in the processor's cache.
const STRIP: usize = 32;

/// The image of such a file; of any other one, and of one that is damaged anywhere, nothing.
pub(super) fn decode(bytes: &[u8], work: &Work) -> Result<Option<Image>, BuildError> {
    let Some(mut reader) = plain(bytes) else { return Ok(None) };
    let shape = shape(reader.info(), 1);
    let length = shape.row() * (STRETCH / shape.row().max(1)).clamp(1, STRIP);
    let image = Image::in_order(shape, length, work, |strips| fill(&mut reader, strips, shape.row(), work))?;
    Ok(image.filter(|_| orientation(&mut reader) == Orientation::Upright))
}

fn plain(bytes: &[u8]) -> Option<PngReader<'_>> {
    open(bytes, Checksums::All).ok()?;
    let reader = open(bytes, Checksums::OfPixels).ok()?;
    let info = reader.info();
    let is_plain = (info.color_type, info.bit_depth) == (ColorType::Rgb, BitDepth::Eight)
        && !info.interlaced
        && frame_count(info) == 1
        && Extent::ALL.check(shape(info, 1)).is_ok();
    is_plain.then_some(reader)
}

/// Fills strips with values, and says whether the file had all of them. The bytes of two strips are held, however many
/// processors there are: while one becomes values, the next is unpacked.
fn fill(
    reader: &mut PngReader<'_>,
    strips: &mut dyn Iterator<Item = Strip<'_>>,
    row: usize,
    work: &Work,
) -> Result<bool, Cancelled> {
    let (mut bytes, mut next) = (Vec::new(), Vec::new());
    let mut unpacked = None;
    for strip in strips {
        next.resize(strip.len(), 0);
        let unpack = || unpack(reader, &mut next, row, work);
        let (is_whole, ()) = rayon::join(unpack, || to_values(&bytes, unpacked, work));
        if !is_whole? {
            return Ok(false);
        }
        unpacked = Some(strip);
        mem::swap(&mut bytes, &mut next);
    }
    to_values(&bytes, unpacked, work);
    // The last ones may not have been made.
    work.go_on()?;
    // Asked once more, it looks at what stands behind the last row.
    Ok(reader.read_row(&mut []).is_ok())
}

/// Unpacks the next rows, and says whether the file had them.
fn unpack(reader: &mut PngReader<'_>, bytes: &mut [u8], row: usize, work: &Work) -> Result<bool, Cancelled> {
    for row in bytes.chunks_exact_mut(row) {
        work.go_on()?;
        if reader.read_row(row).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes values of bytes, but not for a cancelled run: nobody will read them.
fn to_values(bytes: &[u8], strip: Option<Strip<'_>>, work: &Work) {
    let Some(strip) = strip.filter(|_| !work.is_cancelled()) else { return };
    for (value, byte) in strip.zeroed().iter_mut().zip(bytes) {
        *value = from_byte(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::codec::{Pixels, decode as decode_any, encode_png};

    const SIDE: usize = 2 * STRIP + 3;

    fn file(channels: usize) -> Vec<u8> {
        let bytes: Vec<u8> = (0..SIDE * SIDE * channels).map(|at| at.to_le_bytes()[0]).collect();
        let pixels = Pixels { width: SIDE, height: SIDE, channels, bytes: &bytes };
        encode_png(&pixels, &[], &Work::default()).unwrap()
    }

    #[test]
    fn values_are_those_of_the_other_way() {
        let (file, work) = (file(3), Work::default());
        let image = decode(&file, &work).unwrap().unwrap();
        let frames = decode_any(&file, Extent::ALL, &work).unwrap();
        let other = frames[0].rgb.iter().map(|byte| from_byte(*byte));
        assert!(image.values().iter().copied().eq(other));
    }

    #[test]
    fn what_is_not_plain_or_not_whole_is_left_to_the_other_way() {
        let work = Work::default();
        for channels in [1, 4] {
            assert!(decode(&file(channels), &work).unwrap().is_none());
        }
        let whole = file(3);
        assert!(decode(&whole[..whole.len() - 40], &work).unwrap().is_none(), "cut short");
        let mut damaged = whole.clone();
        // The checksum of the pixels stands before that of the chunk, and the chunk that ends the file.
        let place = whole.len() - 12 - 4 - 1;
        damaged[place] ^= 1;
        assert!(decode(&damaged, &work).unwrap().is_none());
    }

    #[test]
    fn it_breaks_off_at_its_next_row() {
        let work = Work::until_look(STRIP + 5);
        assert!(matches!(decode(&file(3), &work), Err(BuildError::Cancelled(_))));
    }

    #[test]
    fn nothing_becomes_values_after_it_broke_off() {
        let (file, row) = (file(3), 3 * SIDE);
        let mut values = vec![7.0; SIDE * row];
        let mut fill = || {
            let mut strips = values.chunks_mut(STRIP * row).map(Strip::of);
            fill(&mut plain(&file).unwrap(), &mut strips, row, &Work::until_look(STRIP + 6))
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(pool.install(&mut fill), Err(Cancelled));
        assert!(values.iter().all(|value| [0.0, 7.0].contains(value)));
    }
}
