//! BMP, read as Pillow does.

mod header;
mod packed;

use super::{DecodeError, Frame};
use crate::native::image::Shape;
use crate::native::limit::Extent;
use crate::native::work::Work;
use header::{Header, Layout};

const FORMAT: &str = "BMP";

pub(super) fn decode(bytes: &[u8], extent: Extent, work: &Work) -> Result<Vec<Frame>, DecodeError> {
    let header = Header::read(bytes).map_err(broken)?;
    let Header { width, height, .. } = header;
    extent.check(Shape { batch: 1, height, width, channels: 3 })?;
    let data = bytes.get(header.data..).unwrap_or_default();
    let unpacked;
    let (data, layout) = match header.layout {
        Layout::Packed { four_bits } => {
            unpacked = packed::unpack(data, header.data, (width, height), four_bits, work)?;
            if unpacked.len() < width * height {
                return Err(DecodeError::TooShort { format: FORMAT });
            }
            (unpacked.as_slice(), Layout::Indices { bits: 8 })
        }
        layout => (data, layout),
    };
    let (line, pixels) = match header.layout {
        // What was packed has no room behind its lines.
        Layout::Packed { .. } => (width, width),
        layout => ((width * layout.bits()).div_ceil(32) * 4, (width * layout.bits()).div_ceil(8)),
    };
    let mut rgb = vec![0; 3 * width * height];
    let mut alpha = layout.has_alpha().then(|| vec![0; width * height]);
    // A file that ends early leaves black where lines are missing; the last one may lack the room behind it.
    let lines = data.chunks(line.max(1)).take(height).take_while(|line| line.len() >= pixels);
    for (at, source) in lines.enumerate() {
        work.go_on()?;
        let y = if header.top_down { at } else { height - 1 - at };
        let colours = rgb.chunks_exact_mut(3 * width).nth(y).unwrap_or_default();
        let opacities = alpha.as_mut().and_then(|alpha| alpha.chunks_exact_mut(width).nth(y));
        layout.unpack(source, &header.palette, colours, opacities.unwrap_or_default());
    }
    Ok(vec![Frame { width, height, rgb, alpha, key: None }])
}

fn broken(reason: String) -> DecodeError {
    DecodeError::Broken { format: FORMAT, reason }
}
