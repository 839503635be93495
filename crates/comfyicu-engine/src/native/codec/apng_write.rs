//! Writing animated PNG as Pillow does for ComfyUI: of each frame only what differs from the one before.

use png::chunk::ChunkType;
use png::{BlendOp, Compression, DeflateCompression, DisposeOp, Encoder, Filter};

use super::png_write::{color_type, latin1_chunk, side};
use super::{EncodeError, Pixels, TextChunk};

/// The chunk that ComfyUI keeps texts in, behind the pixels.
const TEXT_CHUNK: ChunkType = ChunkType(*b"comf");

/// A part of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

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
/// When the channels are none that PNG has, a text is not Latin-1, or a duration is longer than PNG can say.
pub(crate) fn encode_apng(
    frames: &[Pixels<'_>],
    duration_ms: u64,
    level: u8,
    texts: &[TextChunk],
) -> Result<Vec<u8>, EncodeError> {
    let Some(first) = frames.first() else { return Err(EncodeError::Channels { channels: 0 }) };
    let steps = steps(frames, *first, duration_ms);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, side(first.width), side(first.height));
    encoder.set_color(color_type(first.channels)?);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    encoder.set_deflate_compression(match level {
        0 => DeflateCompression::NoCompression,
        level => DeflateCompression::Level(level),
    });
    encoder.set_filter(Filter::Adaptive);
    if steps.len() > 1 {
        encoder.set_animated(side(steps.len()), 0).map_err(EncodeError::Encoder)?;
        encoder.set_dispose_op(DisposeOp::None).map_err(EncodeError::Encoder)?;
        encoder.set_blend_op(BlendOp::Source).map_err(EncodeError::Encoder)?;
    }
    let mut writer = encoder.write_header().map_err(EncodeError::Encoder)?;
    for step in &steps {
        if steps.len() > 1 {
            let (numerator, denominator) = delay(step.duration_ms)?;
            writer.set_frame_delay(numerator, denominator).map_err(EncodeError::Encoder)?;
            let Part { x, y, width, height } = step.part;
            // The place first: it must lie within the picture at each moment.
            writer.reset_frame_position().map_err(EncodeError::Encoder)?;
            writer.set_frame_dimension(side(width), side(height)).map_err(EncodeError::Encoder)?;
            writer.set_frame_position(side(x), side(y)).map_err(EncodeError::Encoder)?;
        }
        let bytes = cut(step.bytes, *first, step.part);
        writer.write_image_data(&bytes).map_err(EncodeError::Encoder)?;
    }
    for text in texts {
        writer.write_chunk(TEXT_CHUNK, &latin1_chunk(text)?).map_err(EncodeError::Encoder)?;
    }
    writer.finish().map_err(EncodeError::Encoder)?;
    Ok(file)
}

fn steps<'a>(frames: &[Pixels<'a>], size: Pixels<'_>, duration_ms: u64) -> Vec<Step<'a>> {
    let whole = Part { x: 0, y: 0, width: size.width, height: size.height };
    let mut steps: Vec<Step<'a>> = Vec::new();
    for frame in frames {
        let part = match steps.last() {
            None => Some(whole),
            Some(before) => difference(before.bytes, frame.bytes, size),
        };
        match (part, steps.last_mut()) {
            (None, Some(before)) => before.duration_ms = before.duration_ms.saturating_add(duration_ms),
            (part, _) => {
                steps.push(Step { bytes: frame.bytes, part: part.unwrap_or(whole), duration_ms });
            }
        }
    }
    steps
}

/// The smallest part outside of which two pictures are the same.
fn difference(before: &[u8], after: &[u8], size: Pixels<'_>) -> Option<Part> {
    let row = (size.width * size.channels).max(1);
    let rows = || {
        before.chunks_exact(row).zip(after.chunks_exact(row)).map(|(before, after)| {
            let differs = |(before, after): (&u8, &u8)| before != after;
            let first = before.iter().zip(after).position(differs)?;
            let last = before.iter().zip(after).rposition(differs)?;
            Some((first / size.channels, last / size.channels))
        })
    };
    let columns = rows().flatten().reduce(|all, row| (all.0.min(row.0), all.1.max(row.1)));
    let (left, right) = columns?;
    let top = rows().position(|row| row.is_some())?;
    let bottom = rows().rposition(|row| row.is_some())?;
    Some(Part { x: left, y: top, width: right + 1 - left, height: bottom + 1 - top })
}

fn cut(bytes: &[u8], size: Pixels<'_>, part: Part) -> Vec<u8> {
    let channels = size.channels;
    let columns = part.x * channels..(part.x + part.width) * channels;
    let rows = bytes.chunks_exact((size.width * channels).max(1)).skip(part.y).take(part.height);
    rows.flat_map(|row| row.get(columns.clone()).unwrap_or_default()).copied().collect()
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
    use crate::native::work::Work;

    #[test]
    fn only_what_differs_is_written() {
        let mut second = [10_u8; 4 * 3 * 3];
        second[3 * (4 + 2)] = 99;
        let frames = [&[10_u8; 36][..], &[10; 36], &second];
        let frames = frames.map(|bytes| Pixels { width: 4, height: 3, channels: 3, bytes });
        let steps = steps(&frames, frames[0], 20);
        assert_eq!(steps.iter().map(|step| step.duration_ms).collect::<Vec<_>>(), [40, 20]);
        assert_eq!(steps[1].part, Part { x: 2, y: 1, width: 1, height: 1 });
        let decoded = decode(&encode_apng(&frames, 20, 4, &[]).unwrap(), &Work::default()).unwrap();
        assert_eq!(decoded.iter().map(|frame| &frame.rgb[..]).collect::<Vec<_>>(), [&[10; 36][..], &second]);
    }

    #[test]
    fn delays_are_in_lowest_terms() {
        assert_eq!(delay(166).unwrap(), (83, 500));
        assert_eq!(delay(100_000).unwrap(), (100, 1));
        assert!(matches!(delay(65_537), Err(EncodeError::Delay { duration_ms: 65_537 })));
    }
}
