//! The rows of PNG files that are whole: while some are unpacked, the filters of those before them are undone.
//!
//! `png` does one after the other. Files that are not as they should be are left to it.

use std::mem;

use png::Info;
use zlib_rs::{Inflate, InflateFlush, Status};

use super::png_chunks::{Chunk, END, PIXELS, pixels};
use super::png_filter::{Unfilter, unfilter_of};
use crate::native::work::{Cancelled, STRETCH, Work};

/// How many bytes are unpacked before rows are made of them, at most, where that is more than a row: so many still lie
/// in the processor's cache.
const STRIP: usize = 1 << 18;

/// How many rows of so many bytes are made together.
pub(super) fn rows_together(row: usize) -> usize {
    (STRIP / row.max(1)).max(1)
}

/// Some rows of an image, as bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'r> {
    bytes: &'r [u8],
    /// The bytes of one, with its filter in front.
    length: usize,
}

impl<'r> Rows<'r> {
    pub(super) fn iter(self) -> impl Iterator<Item = &'r [u8]> {
        self.bytes.chunks_exact(self.length).filter_map(|row| row.get(1..))
    }
}

/// Makes rows of the pixels of a file that is not interlaced, and hands them to `take` with one target after the other,
/// [so many](rows_together) with each but the last. Says whether the file was whole, and all rows were there: where it
/// was not, some may have been handed out.
///
/// # Errors
/// When the run is cancelled.
pub(super) fn unpack<T: Send>(
    file: &[u8],
    info: &Info<'_>,
    targets: &mut dyn Iterator<Item = T>,
    take: impl Fn(T, Rows<'_>) + Sync,
    work: &Work,
) -> Result<bool, Cancelled> {
    let length = info.raw_row_length();
    let Some(unfilter) = unfilter_of(info.bytes_per_pixel()) else { return Ok(false) };
    let (mut unpacker, mut strip) = (Unpacker::new(file), Filtered::new(length, unfilter));
    let mut left = usize::try_from(info.height).unwrap_or(usize::MAX);
    let together = rows_together(length);
    let (mut next, mut before) = (Vec::new(), None);
    for target in targets {
        next.resize(left.min(together) * length, 0);
        left = left.saturating_sub(together);
        let finish = || before.take().is_none_or(|target| strip.finish(work, |rows| take(target, rows)));
        let (is_there, is_right) = rayon::join(|| unpacker.fill(&mut next, work), finish);
        if !is_there? || !is_right {
            work.go_on()?;
            return Ok(false);
        }
        before = Some(target);
        mem::swap(&mut strip.bytes, &mut next);
    }
    let is_right = before.is_none_or(|target| strip.finish(work, |rows| take(target, rows)));
    // The last ones may not have been made.
    work.go_on()?;
    Ok(is_right && left == 0 && unpacker.ends_well())
}

/// Rows with their filters.
struct Filtered {
    bytes: Vec<u8>,
    length: usize,
    /// The row above the first one.
    above: Vec<u8>,
    unfilter: Unfilter,
}

impl Filtered {
    fn new(length: usize, unfilter: Unfilter) -> Self {
        Self { bytes: Vec::new(), length, above: vec![0; length.saturating_sub(1)], unfilter }
    }

    /// Undoes the filters, and says whether each is one that there is. What a cancelled run gets nobody will read.
    fn finish(&mut self, work: &Work, take: impl FnOnce(Rows<'_>)) -> bool {
        let mut above = self.above.as_slice();
        for row in self.bytes.chunks_exact_mut(self.length) {
            let Some((filter, row)) = row.split_first_mut().filter(|_| !work.is_cancelled()) else {
                return false;
            };
            if !(self.unfilter)(*filter, above, row) {
                return false;
            }
            above = row;
        }
        let above = above.to_vec();
        take(Rows { bytes: &self.bytes, length: self.length });
        self.above = above;
        true
    }
}

/// Unpacks the pixels of a file.
struct Unpacker<'f> {
    inflate: Inflate,
    chunks: Box<dyn Iterator<Item = Chunk<'f>> + Send + 'f>,
    /// What is left of a chunk.
    data: &'f [u8],
    has_ended: bool,
}

impl<'f> Unpacker<'f> {
    fn new(file: &'f [u8]) -> Self {
        Self { inflate: Inflate::new(true, 15), chunks: Box::new(pixels(file)), data: &[], has_ended: false }
    }

    /// Fills a buffer, and says whether the file had so much.
    fn fill(&mut self, buffer: &mut [u8], work: &Work) -> Result<bool, Cancelled> {
        for piece in buffer.chunks_mut(STRETCH) {
            work.go_on()?;
            let mut rest = piece;
            while !rest.is_empty() {
                let Some(filled) = self.step(rest) else { return Ok(false) };
                rest = rest.get_mut(filled..).unwrap_or_default();
            }
        }
        Ok(true)
    }

    /// Unpacks into a buffer as much as a chunk has, and says how much that was; nothing where there is no more.
    fn step(&mut self, buffer: &mut [u8]) -> Option<usize> {
        while self.data.is_empty() {
            self.data = self.chunks.next().filter(|chunk| chunk.id == PIXELS && !chunk.is_cut)?.data;
        }
        if self.has_ended {
            return None;
        }
        let before = self.data.len();
        let (filled, status) = inflate(&mut self.inflate, &mut self.data, buffer)?;
        self.has_ended = status == Status::StreamEnd;
        (self.has_ended || self.data.len() < before || filled > 0).then_some(filled)
    }

    /// Whether there is no more, its checksum is right, and so is what follows in the file.
    fn ends_well(mut self) -> bool {
        while !self.has_ended {
            if self.step(&mut [0]) != Some(0) {
                return false;
            }
        }
        let mut last = None;
        for chunk in self.chunks {
            if chunk.id == PIXELS || chunk.whole.is_none() {
                return false;
            }
            last = Some(chunk.id);
            if chunk.id == END {
                break;
            }
        }
        self.data.is_empty() && last == Some(END)
    }
}

/// Unpacks into a buffer, takes what was read off `data`, and says how much came; nothing where the data is damaged.
pub(super) fn inflate(inflate: &mut Inflate, data: &mut &[u8], buffer: &mut [u8]) -> Option<(usize, Status)> {
    let (read, filled) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(data, buffer, InflateFlush::NoFlush).ok()?;
    let since = |total: u64, before: u64| usize::try_from(total - before).unwrap_or(usize::MAX);
    *data = data.get(since(inflate.total_in(), read)..).unwrap_or_default();
    Some((since(inflate.total_out(), filled), status))
}

#[cfg(test)]
mod tests {
    use png::{BitDepth, ColorType, Encoder, Filter};
    use proptest::prelude::*;

    use super::*;
    use crate::native::codec::png_read::{Checksums, open};

    fn file(
        format: (ColorType, BitDepth),
        filter: Filter,
        (width, height): (u32, u32),
    ) -> (Vec<u8>, Vec<u8>) {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, width, height);
        encoder.set_color(format.0);
        encoder.set_depth(format.1);
        encoder.set_filter(filter);
        encoder.set_palette(vec![0; 3]);
        let mut writer = encoder.write_header().unwrap();
        let bits = format.0.samples() * (format.1 as usize) * usize::try_from(width).unwrap();
        let line = bits.div_ceil(8);
        let rows: Vec<u8> = (0_usize..line * usize::try_from(height).unwrap())
            .map(|at| (at * at / 7 + 3 * at).to_le_bytes()[0])
            .collect();
        writer.write_image_data(&rows).unwrap();
        writer.finish().unwrap();
        (file, rows)
    }

    /// The rows, where the file is whole.
    fn unpacked(file: &[u8], work: &Work) -> Result<Option<Vec<u8>>, Cancelled> {
        let Ok(reader) = open(file, Checksums::OfPixels) else { return Ok(None) };
        let (info, length) = (reader.info(), reader.info().raw_row_length());
        if info.width.max(info.height) > 10_000 {
            // A damaged size.
            return Ok(None);
        }
        let mut rows = vec![0; (length - 1) * usize::try_from(info.height).unwrap()];
        let mut targets = rows.chunks_mut((length - 1) * rows_together(length));
        let take = |target: &mut [u8], rows: Rows<'_>| {
            target.copy_from_slice(&rows.iter().collect::<Vec<_>>().concat());
        };
        let is_whole = unpack(file, info, &mut targets, take, work)?;
        Ok(is_whole.then_some(rows))
    }

    #[test]
    fn rows_of_every_format_and_filter_are_what_was_packed() {
        use BitDepth::{Eight, Four, One, Sixteen, Two};
        let formats = [One, Two, Four, Eight, Sixteen].map(|depth| (ColorType::Grayscale, depth));
        let more = [ColorType::GrayscaleAlpha, ColorType::Rgb, ColorType::Rgba]
            .map(|colours| [(colours, Eight), (colours, Sixteen)]);
        let palette = [One, Two, Four, Eight].map(|depth| (ColorType::Indexed, depth));
        for format in formats.into_iter().chain(more.into_iter().flatten()).chain(palette) {
            for filter in
                [Filter::NoFilter, Filter::Sub, Filter::Up, Filter::Avg, Filter::Paeth, Filter::Adaptive]
            {
                for width in [1, 8, 37] {
                    let (file, rows) = file(format, filter, (width, 23));
                    let unpacked = unpacked(&file, &Work::default()).unwrap();
                    assert!(unpacked == Some(rows), "{format:?} {filter:?} {width}");
                }
            }
        }
    }

    #[test]
    fn many_rows_come_in_strips() {
        let (file, rows) = file((ColorType::Rgb, BitDepth::Eight), Filter::Adaptive, (37, 7000));
        assert!(rows.len() > 2 * STRIP);
        assert!(unpacked(&file, &Work::default()).unwrap() == Some(rows));
    }

    #[test]
    fn it_breaks_off_while_it_unpacks_and_while_it_makes_rows() {
        let (file, _) = file((ColorType::Rgb, BitDepth::Eight), Filter::Adaptive, (37, 7000));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        for last in [1, 2, 3, 1000, 6000] {
            let broken_off = pool.install(|| unpacked(&file, &Work::until_look(last)));
            assert_eq!(broken_off, Err(Cancelled), "{last}");
        }
    }

    #[test]
    fn what_is_cut_short_or_goes_on_is_not_whole() {
        let (file, _) = file((ColorType::Rgb, BitDepth::Eight), Filter::Adaptive, (37, 23));
        let pixels = file.windows(4).position(|name| name == PIXELS).unwrap() - 4;
        for length in pixels..file.len() - 4 {
            assert_eq!(unpacked(&file[..length], &Work::default()), Ok(None), "{length} bytes");
        }
        let twice = [&file[..file.len() - 12], &file[pixels..]].concat();
        assert_eq!(unpacked(&twice, &Work::default()), Ok(None));
    }

    proptest! {
        #[test]
        fn of_a_damaged_file_come_the_rows_that_png_gives(at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let (mut file, _) = file((ColorType::Rgb, BitDepth::Eight), Filter::Adaptive, (37, 23));
            let at = at.index(file.len());
            file[at] ^= flip;
            let Some(rows) = unpacked(&file, &Work::default()).unwrap() else { return Ok(()) };
            let mut reader = open(&file, Checksums::OfPixels).unwrap();
            let mut all = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut all).unwrap();
            prop_assert!(rows == all);
        }
    }
}
