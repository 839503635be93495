//! WebP, read as libwebp does for Pillow: stills as they are, of animations each picture as it is shown.

mod animation;
mod container;

use std::io::{BufReader, Cursor};

use image_webp::WebPDecoder;

use super::exif::Orientation;
use super::{DecodeError, Frame};
use crate::native::image::Shape;
use crate::native::limit::Extent;
use crate::native::work::{Interruptible, Work};
use container::Container;

/// What the decoder may take for metadata; pixels are checked apart.
const METADATA_LIMIT: usize = 64 << 20;

/// How many bytes the decoder gets at once.
const PIECE: usize = 1 << 14;

pub(super) fn decode(bytes: &[u8], extent: Extent, work: &Work) -> Result<Vec<Frame>, DecodeError> {
    let mut container = Container::read(bytes).ok_or_else(|| broken("its chunks do not fit together"))?;
    container.frames.truncate(extent.pictures(container.frames.len()));
    let frames = if container.frames.is_empty() {
        vec![still(bytes, extent, work)?]
    } else {
        animation::decode(&container, extent, work)?
    };
    let orientation = Orientation::find(container.exif, container.xmp);
    let upright = frames.into_iter().map(|frame| Ok(frame.upright(orientation, work)?));
    upright.collect()
}

/// Reads a file of one picture. Lossless data is read bit by bit and so breaks off at once; of lossy data the
/// decoder gathers a picture's bytes first, and then finishes it: some seconds for the largest image.
fn still(bytes: &[u8], extent: Extent, work: &Work) -> Result<Frame, DecodeError> {
    let source = BufReader::with_capacity(PIECE, Interruptible::new(Cursor::new(bytes), work));
    let mut decoder = WebPDecoder::new(source).map_err(broken)?;
    decoder.set_memory_limit(METADATA_LIMIT);
    let (width, height) = decoder.dimensions();
    let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
    let (width, height) = (side(width), side(height));
    extent.check(Shape { batch: 1, height, width, channels: 3 })?;
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or_else(|| broken("it is too large"))?];
    let read = decoder.read_image(&mut pixels);
    work.go_on()?;
    read.map_err(broken)?;
    if !decoder.has_alpha() {
        return Ok(Frame { width, height, rgb: pixels, alpha: None, key: None });
    }
    Ok(Frame::of_rgba(&pixels, (width, height), true, work)?)
}

#[expect(clippy::needless_pass_by_value, reason = "so that `map_err` takes it as it is")]
fn broken(reason: impl ToString) -> DecodeError {
    DecodeError::Broken { format: "WebP", reason: reason.to_string() }
}
