//! TIFF, read as Pillow does: each page is an image.

mod jpeg;
mod palette;

use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::exif::Orientation;
use super::frame::{each_pixel, grey_to_rgb};
use super::{DecodeError, Frame};
use crate::native::image::Shape;
use crate::native::limit::{Extent, MAX_PIXELS};
use crate::native::work::{Cancelled, Interruptible, Work};

/// The bytes that the largest image takes: 4 samples of two bytes a pixel.
const BUFFER_LIMIT: usize = 8 * MAX_PIXELS;

type TiffDecoder<'a> = Decoder<Interruptible<'a, Cursor<&'a [u8]>>>;

pub(super) fn decode(bytes: &[u8], extent: Extent, work: &Work) -> Result<Vec<Frame>, DecodeError> {
    let (bytes, has_palette) = palette::called_grey(bytes);
    let mut decoder = open(&bytes, work)?;
    let mut frames: Vec<Frame> = Vec::new();
    loop {
        let shape = shape(&mut decoder)?;
        extent.check(Shape { batch: frames.len() + 1, ..shape })?;
        let orientation = decoder.find_tag_unsigned(Tag::Orientation).map_err(broken)?;
        let frame = match jpeg::page(&mut decoder, &bytes, shape, work)? {
            Some(frame) => frame,
            None => page(&mut decoder, shape, has_palette.get(frames.len()) == Some(&true), work)?,
        };
        frames.push(frame.upright(orientation.map_or(Orientation::Upright, Orientation::of), work)?);
        if extent.first_only || !decoder.more_images() {
            return Ok(frames);
        }
        decoder.next_image().map_err(broken)?;
    }
}

fn open<'a>(bytes: &'a [u8], work: &'a Work) -> Result<TiffDecoder<'a>, DecodeError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = BUFFER_LIMIT;
    limits.intermediate_buffer_size = BUFFER_LIMIT;
    let source = Interruptible::new(Cursor::new(bytes), work);
    Ok(Decoder::new(source).map_err(broken)?.with_limits(limits))
}

#[expect(clippy::needless_pass_by_value, reason = "so that `map_err` takes it as it is")]
fn broken(reason: impl ToString) -> DecodeError {
    DecodeError::Broken { format: "TIFF", reason: reason.to_string() }
}

fn shape(decoder: &mut TiffDecoder<'_>) -> Result<Shape, DecodeError> {
    let (width, height) = decoder.dimensions().map_err(broken)?;
    let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
    Ok(Shape { batch: 1, height: side(height), width: side(width), channels: 3 })
}

fn page(
    decoder: &mut TiffDecoder<'_>,
    shape: Shape,
    indexed: bool,
    work: &Work,
) -> Result<Frame, DecodeError> {
    let color = decoder.colortype().map_err(broken)?;
    let extra = decoder.find_tag_unsigned_vec(Tag::ExtraSamples).map_err(broken)?;
    let extra = Extra::of(extra.as_deref().and_then(<[u16]>::first).copied());
    let Shape { width, height, .. } = shape;
    let samples = samples(decoder, color, (width, height), indexed, work)?;
    let Some(samples) = samples else {
        return Err(broken(format!("pixels of the kind {color:?} are not read")));
    };
    let (rgb, alpha) = match color {
        ColorType::Gray(_) if indexed => {
            let palette = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(broken)?;
            (palette::coloured(&samples, &palette, width, work)?, None)
        }
        ColorType::Gray(_) => (each_pixel(&samples, width, work, grey_to_rgb)?, None),
        ColorType::RGB(_) => (samples, None),
        ColorType::CMYK(_) => (each_pixel(&samples, width, work, cmyk_to_rgb)?, None),
        ColorType::Multiband { .. } => with_opacity::<1, 2>(&samples, extra, width, work)?,
        _ => with_opacity::<3, 4>(&samples, extra, width, work)?,
    };
    let is_grey = rgb.len() < 3 * width * height;
    let rgb = if is_grey { each_pixel(&rgb, width, work, grey_to_rgb)? } else { rgb };
    Ok(Frame { width, height, rgb, alpha, key: None })
}

/// What the channel behind the colours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    Nothing,
    Opacity,
    /// The opacity, by which the colours are multiplied.
    Multiplied,
}

impl Extra {
    const fn of(tag: Option<u16>) -> Self {
        match tag {
            Some(0) => Self::Nothing,
            Some(1) => Self::Multiplied,
            _ => Self::Opacity,
        }
    }
}

/// The samples as bytes: those of a palette as they are, others scaled to 255; of two bytes the upper one,
/// but for a 16-bit grey, which is clipped. `None` for kinds that are not read.
fn samples(
    decoder: &mut TiffDecoder<'_>,
    color: ColorType,
    (width, height): (usize, usize),
    indexed: bool,
    work: &Work,
) -> Result<Option<Vec<u8>>, DecodeError> {
    let bits = match color {
        ColorType::Gray(bits @ (1 | 2 | 4 | 8 | 16))
        | ColorType::RGB(bits @ (8 | 16))
        | ColorType::RGBA(bits @ (8 | 16))
        | ColorType::CMYK(bits @ (8 | 16))
        | ColorType::Multiband { bit_depth: bits @ 8, num_samples: 2 } => usize::from(bits),
        _ => return Ok(None),
    };
    let read = decoder.read_image();
    work.go_on()?;
    let read = read.map_err(broken)?;
    Ok(match (read, bits) {
        (DecodingResult::U8(bytes), 8) => Some(bytes),
        (DecodingResult::U8(bytes), 1 | 2 | 4) => {
            Some(unpacked(&bytes, (width, height), bits, indexed, work)?)
        }
        (DecodingResult::U16(numbers), 16) => {
            let clips = matches!(color, ColorType::Gray(_));
            let byte = |number: u16| match (clips, number.to_be_bytes()) {
                (true, [0, lower]) => lower,
                (true, _) => u8::MAX,
                (false, [upper, _]) => upper,
            };
            let row = numbers.len().div_ceil(height.max(1));
            Some(work.rows(numbers.len(), row, |y, row| {
                let numbers = numbers.get(y * row.len()..).unwrap_or_default();
                row.iter_mut().zip(numbers).for_each(|(target, number)| *target = byte(*number));
            })?)
        }
        _ => None,
    })
}

/// Takes samples of less than a byte apart; each row begins with a new byte.
fn unpacked(
    bytes: &[u8],
    (width, height): (usize, usize),
    bits: usize,
    indexed: bool,
    work: &Work,
) -> Result<Vec<u8>, Cancelled> {
    let mask = u8::MAX >> (8 - bits);
    let factor = if indexed { 1 } else { u8::MAX / mask };
    let line = (width * bits).div_ceil(8).max(1);
    let rows = (bytes.len() / line).min(height);
    work.rows(rows * width, width, |y, row| {
        let bytes = bytes.get(y * line..).unwrap_or_default();
        for (samples, byte) in row.chunks_mut(8 / bits).zip(bytes) {
            let places = (0..8 / bits).rev();
            for (sample, at) in samples.iter_mut().zip(places) {
                *sample = ((byte >> (at * bits)) & mask) * factor;
            }
        }
    })
}

/// Splits pixels of `ALL` channels into colours and opacity.
fn with_opacity<const COLOURS: usize, const ALL: usize>(
    samples: &[u8],
    extra: Extra,
    width: usize,
    work: &Work,
) -> Result<(Vec<u8>, Option<Vec<u8>>), Cancelled> {
    let alpha_of = |pixel: &[u8; ALL]| pixel.last().copied().unwrap_or_default();
    let colour = |value: u8, alpha: u8| match (extra, alpha) {
        (Extra::Multiplied, 0) => 0,
        (Extra::Multiplied, _) => u8::try_from(u32::from(value) * 255 / u32::from(alpha)).unwrap_or(u8::MAX),
        _ => value,
    };
    let rgb = each_pixel(samples, width, work, |pixel: [u8; ALL]| -> [u8; COLOURS] {
        let alpha = alpha_of(&pixel);
        let values = pixel.first_chunk::<COLOURS>().copied().unwrap_or([0; COLOURS]);
        values.map(|value| colour(value, alpha))
    })?;
    let alphas = || each_pixel(samples, width, work, |pixel: [u8; ALL]| [alpha_of(&pixel)]);
    let alpha = (extra != Extra::Nothing).then(alphas).transpose()?;
    Ok((rgb, alpha))
}

/// Pillow's way from CMYK to RGB.
fn cmyk_to_rgb([inks @ .., key]: [u8; 4]) -> [u8; 3] {
    let left = u32::from(u8::MAX - key);
    inks.map(|ink| {
        let product = u32::from(ink) * left + 128;
        let covered = ((product >> 8) + product) >> 8;
        u8::try_from(left.saturating_sub(covered)).unwrap_or(u8::MAX)
    })
}
