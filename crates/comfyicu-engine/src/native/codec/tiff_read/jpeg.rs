//! Pages whose strips are JPEG files, through libjpeg as Pillow's libtiff does.

use mozjpeg::ColorSpace;
use tiff::tags::Tag;

use super::{TiffDecoder, broken, cmyk_to_rgb};
use crate::native::codec::frame::{each_pixel, grey_to_rgb};
use crate::native::codec::{DecodeError, Frame, jpeg};
use crate::native::image::Shape;
use crate::native::work::Work;

/// The compression that is JPEG; an older one, 6, is read by nobody.
const JPEG: u16 = 7;

/// What samples mean.
const WHITE_IS_ZERO: u16 = 0;
const BLACK_IS_ZERO: u16 = 1;
const COLOURS: u16 = 2;
const INKS: u16 = 5;
const BRIGHTNESS_AND_COLOURS: u16 = 6;

/// Where a JPEG file begins and ends.
const START: &[u8] = b"\xff\xd8";
const END: &[u8] = b"\xff\xd9";

/// Reads a page of this kind; `None` is another kind.
pub(super) fn page(
    decoder: &mut TiffDecoder<'_>,
    bytes: &[u8],
    shape: Shape,
    work: &Work,
) -> Result<Option<Frame>, DecodeError> {
    if decoder.find_tag_unsigned(Tag::Compression).map_err(broken)? != Some(JPEG) {
        return Ok(None);
    }
    let meaning = decoder.find_tag_unsigned(Tag::PhotometricInterpretation).map_err(broken)?;
    let tables = match decoder.find_tag(Tag::JPEGTables).map_err(broken)? {
        Some(tables) => tables.into_u8_vec().map_err(broken)?,
        None => START.to_vec(),
    };
    let mut numbers = |tag| decoder.find_tag_unsigned_vec::<u64>(tag).map_err(broken);
    let (Some(offsets), Some(lengths)) = (numbers(Tag::StripOffsets)?, numbers(Tag::StripByteCounts)?) else {
        return Err(broken("tiles of JPEG are not read"));
    };
    let Shape { width, height, .. } = shape;
    let mut rgb = Vec::with_capacity(3 * width * height);
    for (offset, length) in offsets.into_iter().zip(lengths) {
        let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let strip = bytes.get(place(offset)..).unwrap_or_default();
        let strip = strip.get(..place(length)).unwrap_or(strip);
        rgb.extend(colours(&tables, strip, width, meaning, work)?);
        if rgb.len() >= 3 * width * height {
            break;
        }
    }
    rgb.resize(3 * width * height, 0);
    Ok(Some(Frame { width, height, rgb, alpha: None, key: None }))
}

/// The colours of a strip. The tables of all strips stand apart, as a JPEG file without pixels.
fn colours(
    tables: &[u8],
    strip: &[u8],
    width: usize,
    meaning: Option<u16>,
    work: &Work,
) -> Result<Vec<u8>, DecodeError> {
    let tables = tables.strip_suffix(END).unwrap_or(tables);
    let file = [tables, strip.strip_prefix(START).unwrap_or(strip)].concat();
    let header = jpeg::open(file.as_slice())?;
    if header.size().0 != width {
        return Err(broken(format!("a strip is {} pixels wide, and the page {width}", header.size().0)));
    }
    // What libjpeg takes the channels for does not count, so they are read as they are.
    let own = header.color_space();
    match (meaning, own) {
        (Some(BRIGHTNESS_AND_COLOURS), ColorSpace::JCS_YCbCr | ColorSpace::JCS_RGB) => {
            Ok(jpeg::read(header, ColorSpace::JCS_RGB, work)?)
        }
        (Some(COLOURS), ColorSpace::JCS_YCbCr | ColorSpace::JCS_RGB) => Ok(jpeg::read(header, own, work)?),
        (Some(BLACK_IS_ZERO), ColorSpace::JCS_GRAYSCALE) => {
            Ok(each_pixel(&jpeg::read(header, own, work)?, width, work, grey_to_rgb)?)
        }
        (Some(WHITE_IS_ZERO), ColorSpace::JCS_GRAYSCALE) => {
            let pixels = jpeg::read(header, own, work)?;
            Ok(each_pixel(&pixels, width, work, |[white]| [u8::MAX - white; 3])?)
        }
        (Some(INKS), ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK) => {
            Ok(each_pixel(&jpeg::read(header, own, work)?, width, work, cmyk_to_rgb)?)
        }
        _ => Err(broken("the channels of its JPEG strips are not those that it says")),
    }
}
