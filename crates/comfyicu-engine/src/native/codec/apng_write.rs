//! Writing animated PNG as Pillow does for ComfyUI: of each frame only what differs from the one before.

use std::io::Write as _;

use png::chunk::{self, ChunkType};
use png::{ColorType, Compression, DeflateCompression, Encoder, EncodingError, Filter};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::part::Part;
use super::png_write::{color_type, latin1_chunk, side};
use super::{EncodeError, Pixels, TextChunk};
use crate::native::work::{Cancelled, Work};

/// The chunk that ComfyUI keeps texts in, behind the pixels.
const TEXT_CHUNK: ChunkType = ChunkType(*b"comf");

/// A frame to be written: where it differs from the one before, and for how long it is shown.
#[derive(Debug)]
struct Step<'a> {
    bytes: &'a [u8],
    part: Part,
    duration_ms: u64,
}

/// Writes an animation of frames of one size, each shown equally long, with texts in it. Frames that follow
/// their own likeness make that stay longer; a single one is a plain image.
///
/// # Errors
/// When the channels are none that PNG has, a text is not Latin-1, a duration is longer than PNG can say, or the
/// run is cancelled.
pub(in crate::native) fn encode_apng(
    frames: &[Pixels<'_>],
    duration_ms: u64,
    level: u8,
    texts: &[TextChunk],
    work: &Work,
) -> Result<Vec<u8>, EncodeError> {
    let Some(first) = frames.first() else { return Err(EncodeError::Channels { channels: 0 }) };
    let packing = Packing { color: color_type(first.channels)?, level };
    let steps = steps(frames, *first, duration_ms, work)?;
    // Frames are packed side by side.
    let packed = steps.par_iter().map(|step| packing.pack(step, *first, work));
    let packed: Vec<Vec<u8>> = packed.collect::<Result<_, EncodeError>>()?;
    let mut file = Vec::new();
    let mut writer =
        packing.encoder(&mut file, (first.width, first.height)).write_header().map_err(encoder)?;
    if steps.len() > 1 {
        // How many frames there are, and that they are shown for ever.
        let control = [side(steps.len()), 0].map(u32::to_be_bytes);
        writer.write_chunk(chunk::acTL, control.as_flattened()).map_err(encoder)?;
    }
    // The chunks of an animation are numbered through.
    let mut number = 0_u32;
    let mut numbered = |data: &[u8]| {
        number += 1;
        [&(number - 1).to_be_bytes(), data].concat()
    };
    for (at, (step, data)) in steps.iter().zip(&packed).enumerate() {
        if steps.len() > 1 {
            writer.write_chunk(chunk::fcTL, &numbered(&control(step)?)).map_err(encoder)?;
        }
        if at == 0 {
            writer.write_chunk(chunk::IDAT, data).map_err(encoder)?;
        } else {
            writer.write_chunk(chunk::fdAT, &numbered(data)).map_err(encoder)?;
        }
    }
    for text in texts {
        writer.write_chunk(TEXT_CHUNK, &latin1_chunk(text)?).map_err(encoder)?;
    }
    writer.finish().map_err(encoder)?;
    Ok(file)
}

const fn encoder(error: EncodingError) -> EncodeError {
    EncodeError::Encoder(error)
}

/// How pixels are packed.
#[derive(Clone, Copy, Debug)]
struct Packing {
    color: ColorType,
    level: u8,
}

impl Packing {
    fn encoder(self, file: &mut Vec<u8>, (width, height): (usize, usize)) -> Encoder<'_, &mut Vec<u8>> {
        let mut encoder = Encoder::new(file, side(width), side(height));
        encoder.set_color(self.color);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(Compression::Balanced);
        encoder.set_deflate_compression(match self.level {
            0 => DeflateCompression::NoCompression,
            level => DeflateCompression::Level(level),
        });
        encoder.set_filter(Filter::Adaptive);
        encoder
    }

    /// The packed pixels of a frame: those of a file of its own, which is written row by row.
    fn pack(self, step: &Step<'_>, size: Pixels<'_>, work: &Work) -> Result<Vec<u8>, EncodeError> {
        let Part { x, width, y, height } = step.part;
        let mut file = Vec::new();
        let mut writer = self.encoder(&mut file, (width, height)).write_header().map_err(encoder)?;
        let mut stream = writer.stream_writer().map_err(encoder)?;
        let columns = x * size.channels..(x + width) * size.channels;
        let rows = step.bytes.chunks_exact((size.width * size.channels).max(1)).skip(y).take(height);
        for row in rows.filter_map(|row| row.get(columns.clone())) {
            work.go_on()?;
            stream.write_all(row).map_err(|error| encoder(error.into()))?;
        }
        stream.finish().map_err(encoder)?;
        writer.finish().map_err(encoder)?;
        Ok(pixel_data(&file))
    }
}

/// What the chunks of pixels of a PNG file hold.
fn pixel_data(file: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut rest = file.get(SIGNATURE..).unwrap_or_default();
    while let Some((length, behind)) = rest.split_first_chunk::<4>()
        && let Some((name, behind)) = behind.split_first_chunk::<4>()
    {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if *name == chunk::IDAT.0 {
            data.extend_from_slice(behind.get(..length).unwrap_or_default());
        }
        rest = behind.get(length.saturating_add(CHECKSUM)..).unwrap_or_default();
    }
    data
}

/// The bytes that a PNG file begins with, and those behind each chunk.
const SIGNATURE: usize = 8;
const CHECKSUM: usize = 4;

/// Size, place and duration of a frame. It stays when the next one comes, which replaces what is there.
fn control(step: &Step<'_>) -> Result<Vec<u8>, EncodeError> {
    let Part { x, y, width, height } = step.part;
    let (numerator, denominator) = delay(step.duration_ms)?;
    let sides = [width, height, x, y].map(|number| side(number).to_be_bytes());
    let delay = [numerator, denominator].map(u16::to_be_bytes);
    Ok([sides.as_flattened(), delay.as_flattened(), &[KEEP, REPLACE]].concat())
}

/// What becomes of a frame before the next, and how that is drawn.
const KEEP: u8 = 0;
const REPLACE: u8 = 0;

fn steps<'a>(
    frames: &[Pixels<'a>],
    size: Pixels<'_>,
    duration_ms: u64,
    work: &Work,
) -> Result<Vec<Step<'a>>, Cancelled> {
    let whole = Part { x: 0, y: 0, width: size.width, height: size.height };
    let mut steps: Vec<Step<'a>> = Vec::new();
    for frame in frames {
        let part = match steps.last() {
            None => Some(whole),
            Some(before) => difference(before.bytes, frame.bytes, size, work)?,
        };
        match (part, steps.last_mut()) {
            (None, Some(before)) => before.duration_ms = before.duration_ms.saturating_add(duration_ms),
            (part, _) => {
                steps.push(Step { bytes: frame.bytes, part: part.unwrap_or(whole), duration_ms });
            }
        }
    }
    Ok(steps)
}

/// The smallest part outside of which two pictures are the same.
fn difference(before: &[u8], after: &[u8], size: Pixels<'_>, work: &Work) -> Result<Option<Part>, Cancelled> {
    let row = (size.width * size.channels).max(1);
    let mut part: Option<Part> = None;
    for (y, (before, after)) in before.chunks_exact(row).zip(after.chunks_exact(row)).enumerate() {
        work.go_on()?;
        let differs = |(before, after): (&u8, &u8)| before != after;
        let first = before.iter().zip(after).position(differs);
        let last = before.iter().zip(after).rposition(differs);
        let Some((first, last)) = first.zip(last) else { continue };
        let (left, right) = (first / size.channels, last / size.channels + 1);
        let before = part.unwrap_or(Part { x: left, y, width: right - left, height: 0 });
        let (left, right) = (left.min(before.x), right.max(before.x + before.width));
        part = Some(Part { x: left, y: before.y, width: right - left, height: y + 1 - before.y });
    }
    Ok(part)
}

/// A duration as a fraction of a second in lowest terms.
fn delay(duration_ms: u64) -> Result<(u16, u16), EncodeError> {
    let divisor = common_divisor(duration_ms, 1000);
    let number =
        |number: u64| u16::try_from(number / divisor).map_err(|_| EncodeError::Delay { duration_ms });
    Ok((number(duration_ms)?, number(1000)?))
}

const fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::codec::decode;
    use crate::native::limit::Extent;

    #[test]
    fn only_what_differs_is_written() {
        let mut second = [10_u8; 4 * 3 * 3];
        second[3 * (4 + 2)] = 99;
        let frames = [&[10_u8; 36][..], &[10; 36], &second];
        let frames = frames.map(|bytes| Pixels { width: 4, height: 3, channels: 3, bytes });
        let work = Work::default();
        let steps = steps(&frames, frames[0], 20, &work).unwrap();
        assert_eq!(steps.iter().map(|step| step.duration_ms).collect::<Vec<_>>(), [40, 20]);
        assert_eq!(steps[1].part, Part { x: 2, y: 1, width: 1, height: 1 });
        let decoded = decode(&encode_apng(&frames, 20, 4, &[], &work).unwrap(), Extent::ALL, &work).unwrap();
        assert_eq!(decoded.iter().map(|frame| &frame.rgb[..]).collect::<Vec<_>>(), [&[10; 36][..], &second]);
    }

    #[test]
    fn delays_are_in_lowest_terms() {
        assert_eq!(delay(166).unwrap(), (83, 500));
        assert_eq!(delay(100_000).unwrap(), (100, 1));
        assert!(matches!(delay(65_537), Err(EncodeError::Delay { duration_ms: 65_537 })));
    }
}
