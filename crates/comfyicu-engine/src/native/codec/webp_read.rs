//! WebP, read as libwebp does for Pillow: stills as they are, of animations each picture as it is shown.

mod animation;
mod container;

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::exif::Orientation;
use super::{DecodeError, Frame};
use crate::native::image::Shape;
use crate::native::limit;
use container::Container;

/// What the decoder may take for metadata; pixels are checked apart.
const METADATA_LIMIT: usize = 64 << 20;

pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Frame>, DecodeError> {
    let container = Container::read(bytes).ok_or_else(|| broken("its chunks do not fit together"))?;
    let frames =
        if container.frames.is_empty() { vec![still(bytes)?] } else { animation::decode(&container)? };
    let orientation = Orientation::find(container.exif, container.xmp);
    Ok(frames.into_iter().map(|frame| frame.upright(orientation)).collect())
}

/// Reads a file of one picture.
fn still(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    decoder.set_memory_limit(METADATA_LIMIT);
    let (width, height) = decoder.dimensions();
    let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
    let (width, height) = (side(width), side(height));
    limit::check(Shape { batch: 1, height, width, channels: 3 })?;
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or_else(|| broken("it is too large"))?];
    decoder.read_image(&mut pixels).map_err(broken)?;
    if !decoder.has_alpha() {
        return Ok(Frame { width, height, rgb: pixels, alpha: None, key: None });
    }
    let pixels = pixels.as_chunks::<4>().0;
    let alpha = pixels.iter().map(|[.., alpha]| *alpha).collect();
    let rgb = pixels.iter().flat_map(|[rgb @ .., _]| *rgb).collect();
    Ok(Frame { width, height, rgb, alpha: Some(alpha), key: None })
}

#[expect(clippy::needless_pass_by_value, reason = "so that `map_err` takes it as it is")]
fn broken(reason: impl ToString) -> DecodeError {
    DecodeError::Broken { format: "WebP", reason: reason.to_string() }
}
