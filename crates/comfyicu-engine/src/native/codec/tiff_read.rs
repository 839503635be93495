//! TIFF, read as Pillow does: each page is an image.

mod jpeg;
mod palette;

use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::exif::Orientation;
use super::{DecodeError, Frame};
use crate::native::image::Shape;
use crate::native::limit::{self, MAX_PIXELS};

/// The bytes that the largest image takes: 4 samples of two bytes a pixel.
const BUFFER_LIMIT: usize = 8 * MAX_PIXELS;

type TiffDecoder<'a> = Decoder<Cursor<&'a [u8]>>;

pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Frame>, DecodeError> {
    let (bytes, has_palette) = palette::called_grey(bytes);
    let mut decoder = open(&bytes)?;
    let mut frames: Vec<Frame> = Vec::new();
    loop {
        let shape = shape(&mut decoder)?;
        limit::check(Shape { batch: frames.len() + 1, ..shape })?;
        let orientation = decoder.find_tag_unsigned(Tag::Orientation).map_err(broken)?;
        let frame = match jpeg::page(&mut decoder, &bytes, shape)? {
            Some(frame) => frame,
            None => page(&mut decoder, shape, has_palette.get(frames.len()) == Some(&true))?,
        };
        frames.push(frame.upright(orientation.map_or(Orientation::Upright, Orientation::of)));
        if !decoder.more_images() {
            return Ok(frames);
        }
        decoder.next_image().map_err(broken)?;
    }
}

fn open(bytes: &[u8]) -> Result<TiffDecoder<'_>, DecodeError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = BUFFER_LIMIT;
    limits.intermediate_buffer_size = BUFFER_LIMIT;
    Ok(Decoder::new(Cursor::new(bytes)).map_err(broken)?.with_limits(limits))
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

fn page(decoder: &mut TiffDecoder<'_>, shape: Shape, indexed: bool) -> Result<Frame, DecodeError> {
    let color = decoder.colortype().map_err(broken)?;
    let extra = decoder.find_tag_unsigned_vec(Tag::ExtraSamples).map_err(broken)?;
    let extra = Extra::of(extra.as_deref().and_then(<[u16]>::first).copied());
    let Shape { width, height, .. } = shape;
    let samples = samples(decoder, color, width, indexed)?;
    let Some(samples) = samples else {
        return Err(broken(format!("pixels of the kind {color:?} are not read")));
    };
    let (rgb, alpha) = match color {
        ColorType::Gray(_) if indexed => {
            let palette = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(broken)?;
            (palette::coloured(&samples, &palette), None)
        }
        ColorType::Gray(_) => (grey(&samples), None),
        ColorType::RGB(_) => (samples, None),
        ColorType::CMYK(_) => (samples.as_chunks().0.iter().copied().flat_map(cmyk_to_rgb).collect(), None),
        ColorType::Multiband { .. } => with_opacity::<1, 2>(&samples, extra),
        _ => with_opacity::<3, 4>(&samples, extra),
    };
    let rgb = if rgb.len() < 3 * width * height { grey(&rgb) } else { rgb };
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
    width: usize,
    indexed: bool,
) -> Result<Option<Vec<u8>>, DecodeError> {
    let bits = match color {
        ColorType::Gray(bits @ (1 | 2 | 4 | 8 | 16))
        | ColorType::RGB(bits @ (8 | 16))
        | ColorType::RGBA(bits @ (8 | 16))
        | ColorType::CMYK(bits @ (8 | 16))
        | ColorType::Multiband { bit_depth: bits @ 8, num_samples: 2 } => usize::from(bits),
        _ => return Ok(None),
    };
    let read = decoder.read_image().map_err(broken)?;
    Ok(match (read, bits) {
        (DecodingResult::U8(bytes), 8) => Some(bytes),
        (DecodingResult::U8(bytes), 1 | 2 | 4) => Some(unpacked(&bytes, width, bits, indexed)),
        (DecodingResult::U16(numbers), 16) => {
            let clips = matches!(color, ColorType::Gray(_));
            let byte = |[upper, lower]: [u8; 2]| match (clips, upper) {
                (true, 1..) => u8::MAX,
                (true, 0) => lower,
                (false, upper) => upper,
            };
            Some(numbers.into_iter().map(|number| byte(number.to_be_bytes())).collect())
        }
        _ => None,
    })
}

/// Takes samples of less than a byte apart; each row begins with a new byte.
fn unpacked(bytes: &[u8], width: usize, bits: usize, indexed: bool) -> Vec<u8> {
    let mask = u8::MAX >> (8 - bits);
    let factor = if indexed { 1 } else { u8::MAX / mask };
    let line = (width * bits).div_ceil(8).max(1);
    let row = |row: &'_ [u8]| -> Vec<u8> {
        let samples = row.iter().flat_map(|byte| {
            let byte = *byte;
            (0..8 / bits).rev().map(move |at| (byte >> (at * bits)) & mask)
        });
        samples.take(width).map(|sample| sample * factor).collect()
    };
    bytes.chunks_exact(line).flat_map(row).collect()
}

fn grey(samples: &[u8]) -> Vec<u8> {
    samples.iter().flat_map(|grey| [*grey; 3]).collect()
}

/// Splits pixels of `ALL` channels into colours and opacity.
fn with_opacity<const COLOURS: usize, const ALL: usize>(
    samples: &[u8],
    extra: Extra,
) -> (Vec<u8>, Option<Vec<u8>>) {
    let pixels = samples.as_chunks::<ALL>().0;
    let alpha_of = |pixel: &[u8; ALL]| pixel.last().copied().unwrap_or_default();
    let colour = |value: u8, alpha: u8| match (extra, alpha) {
        (Extra::Multiplied, 0) => 0,
        (Extra::Multiplied, _) => u8::try_from(u32::from(value) * 255 / u32::from(alpha)).unwrap_or(u8::MAX),
        _ => value,
    };
    let colours = |pixel: &[u8; ALL]| -> Vec<u8> {
        let alpha = alpha_of(pixel);
        pixel.iter().take(COLOURS).map(|value| colour(*value, alpha)).collect()
    };
    let rgb = pixels.iter().flat_map(colours).collect();
    let alpha = (extra != Extra::Nothing).then(|| pixels.iter().map(alpha_of).collect());
    (rgb, alpha)
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
