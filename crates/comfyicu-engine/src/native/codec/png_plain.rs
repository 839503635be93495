//! PNG files of rows of red, green and blue and nothing else, which most are: their rows become an image's values while
//! the next ones are unpacked.

use png::{BitDepth, ColorType};

use super::exif::Orientation;
use super::png_read::{Checksums, PngReader, frame_count, open, orientation, shape};
use super::png_rows::{Rows, rows_together, unpack};
use crate::native::buffer::Strip;
use crate::native::image::{BuildError, Image};
use crate::native::limit::Extent;
use crate::native::number::from_byte;
use crate::native::work::Work;

/// The image of such a file; of any other one, and of one that is damaged anywhere, nothing.
pub(super) fn decode(bytes: &[u8], work: &Work) -> Result<Option<Image>, BuildError> {
    let Some(mut reader) = plain(bytes) else { return Ok(None) };
    let shape = shape(reader.info(), 1);
    let length = shape.row() * rows_together(reader.info().raw_row_length());
    let image = Image::in_order(shape, length, work, |strips| {
        let to_values = |strip: Strip<'_>, rows: Rows<'_>| strip.filled_by_rows(rows.iter(), from_byte);
        unpack(bytes, reader.info(), strips, to_values, work)
    })?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::codec::{Pixels, decode as decode_any, encode_png};

    const SIDE: usize = 67;

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
}
