//! JPEG, through libjpeg as Pillow does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg::{ColorSpace, Decompress, Marker};

use super::exif::Orientation;
use super::frame::{each_pixel, grey_to_rgb};
use super::{DecodeError, Frame};
use crate::native::image::Shape;
use crate::native::limit::{self, Extent};
use crate::native::work::{Cancelled, Work};

const FORMAT: &str = "JPEG";

pub(super) fn decode(bytes: &[u8], extent: Extent, work: &Work) -> Result<Vec<Frame>, DecodeError> {
    let header = open(bytes)?;
    let (width, height) = header.size();
    extent.check(Shape { batch: 1, height, width, channels: 3 })?;
    let orientation = orientation(&header);
    let colours = match header.color_space() {
        ColorSpace::JCS_GRAYSCALE => ColorSpace::JCS_GRAYSCALE,
        ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK => ColorSpace::JCS_CMYK,
        _ => ColorSpace::JCS_RGB,
    };
    let pixels = read(header, colours, work)?;
    let rgb = match colours {
        ColorSpace::JCS_GRAYSCALE => each_pixel(&pixels, width, work, grey_to_rgb)?,
        ColorSpace::JCS_CMYK => each_pixel(&pixels, width, work, inverted_cmyk_to_rgb)?,
        _ => pixels,
    };
    Ok(vec![Frame { width, height, rgb, alpha: None, key: None }.upright(orientation, work)?])
}

/// Reads what stands before the pixels, and checks the size.
pub(super) fn open(bytes: &[u8]) -> Result<Decompress<&[u8]>, DecodeError> {
    let header = caught(|| Ok(Decompress::builder().with_markers(&[Marker::APP(1)]).from_mem(bytes)?))?;
    let (width, height) = header.size();
    limit::check(Shape { batch: 1, height, width, channels: 3 })?;
    Ok(header)
}

/// How many rows libjpeg reads between two looks at whether the run was cancelled.
const ROWS: usize = 16;

/// Reads the pixels. Damage in them is no error: what was read before it stays, as in ComfyUI; the rest is 0.
///
/// Of a progressive file libjpeg gathers all scans before the first row, which nothing interrupts: about a second
/// for the largest image.
pub(super) fn read(
    header: Decompress<&[u8]>,
    colours: ColorSpace,
    work: &Work,
) -> Result<Vec<u8>, Cancelled> {
    work.go_on()?;
    let (width, height) = header.size();
    let channels = match colours {
        ColorSpace::JCS_GRAYSCALE => 1,
        ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK => 4,
        _ => 3,
    };
    let mut pixels = vec![0; width * height * channels];
    let read = caught(|| Ok(header.to_colorspace(colours)?)).and_then(|mut started| {
        pixels = vec![0; started.min_flat_buffer_size()];
        let band = (ROWS * pixels.len() / height.max(1)).max(1);
        caught(|| {
            for rows in pixels.chunks_mut(band) {
                work.go_on()?;
                started.read_scanlines_into(rows)?;
            }
            Ok(())
        })
    });
    work.go_on()?;
    if let Err(error) = read {
        tracing::debug!(%error, "the pixels of a JPEG file were read in part");
    }
    Ok(pixels)
}

/// Calls the library; its fatal errors, which unwind, become errors.
fn caught<T>(call: impl FnOnce() -> Result<T, Box<dyn std::error::Error>>) -> Result<T, DecodeError> {
    let reason = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(unwound) => unwound.downcast::<String>().map_or_else(|_| "no reason given".into(), |text| *text),
    };
    Err(DecodeError::Broken { format: FORMAT, reason })
}

fn orientation(header: &Decompress<&[u8]>) -> Orientation {
    let find = |prefix: &[u8]| header.markers().find_map(|marker| marker.data.strip_prefix(prefix));
    Orientation::find(find(b"Exif\0\0"), find(b"http://ns.adobe.com/xap/1.0/\0"))
}

/// Pillow's way from CMYK to RGB; such files hold the inks inverted.
fn inverted_cmyk_to_rgb([inks @ .., key]: [u8; 4]) -> [u8; 3] {
    let key = u32::from(key);
    inks.map(|ink| {
        let product = u32::from(u8::MAX - ink) * key + 128;
        let covered = ((product >> 8) + product) >> 8;
        u8::try_from(key.saturating_sub(covered)).unwrap_or(u8::MAX)
    })
}
