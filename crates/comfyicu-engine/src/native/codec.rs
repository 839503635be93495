//! Image files: reading them as ComfyUI's loader does through Pillow, and writing PNG and WebP.

mod animation;
mod apng_write;
mod bmp_read;
mod exif;
mod format;
mod frame;
mod gif_read;
mod jpeg;
mod part;
mod png_chunks;
mod png_filter;
mod png_mend;
mod png_plain;
mod png_read;
mod png_rows;
mod png_write;
mod tiff_read;
mod webp_read;
mod webp_write;

#[cfg(test)]
mod tests;

pub(super) use apng_write::encode_apng;
pub(crate) use frame::Frame;
pub(crate) use png_write::{EncodeError, Pixels, TextChunk};
pub(super) use png_write::{Rows, encode_png};
pub(crate) use webp_write::WebpOptions;
pub(super) use webp_write::encode_webp;

use super::image::{BuildError, Image};
use super::limit::{Extent, TooLarge};
use super::work::{Cancelled, Work};
use format::Format;

/// Why a file cannot be read as an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum DecodeError {
    /// It is a format that is known but not read.
    #[error("its format is {format}; PNG, JPEG, WebP, GIF, BMP and TIFF are read")]
    Unsupported {
        /// The format's name.
        format: &'static str,
    },
    /// It is nothing that is known.
    #[error("it is not an image of a known format; PNG, JPEG, WebP, GIF, BMP and TIFF are read")]
    Unknown,
    /// What stands before its pixels is damaged so that it is taken for no image.
    #[error("the {format} file is damaged: {reason}")]
    Header {
        /// The format's name.
        format: &'static str,
        /// What is damaged.
        reason: String,
    },
    /// It is damaged where nothing can be made of it.
    #[error("the {format} file is damaged: {reason}")]
    Broken {
        /// The format's name.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// It has fewer pixels than it says, of a kind that has to be whole.
    #[error("the {format} file does not have all its pixels")]
    TooShort {
        /// The format's name.
        format: &'static str,
    },
    /// It has more pixels than may be held.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The run was cancelled meanwhile.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Reads an image file: one frame, or all of an animation as far as `extent` goes, upright as its EXIF orientation says.
///
/// As in ComfyUI, a file whose pixel data ends early or is damaged gives what was read so far; the rest is
/// zero.
///
/// # Errors
/// When the format is not read, the header is damaged, the image is too large, or the run is cancelled.
pub(crate) fn decode(bytes: &[u8], extent: Extent, work: &Work) -> Result<Vec<Frame>, DecodeError> {
    match Format::of(bytes) {
        Some(Format::Png) => png_read::decode(bytes, extent, work),
        Some(Format::Jpeg) => jpeg::decode(bytes, extent, work),
        Some(Format::WebP) => webp_read::decode(bytes, extent, work),
        Some(Format::Tiff) => tiff_read::decode(bytes, extent, work),
        Some(Format::Gif) => gif_read::decode(bytes, extent, work),
        Some(Format::Bmp) => bmp_read::decode(bytes, extent, work),
        Some(Format::Other(format)) => Err(DecodeError::Unsupported { format }),
        None => Err(DecodeError::Unknown),
    }
}

/// Reads a file of one opaque, upright image as its values at once, where its format has a way to; where not, or anything
/// is wrong with it, [`decode`] reads it.
///
/// # Errors
/// When the run may not hold the image, or is cancelled.
pub(crate) fn decode_plain(bytes: &[u8], work: &Work) -> Result<Option<Image>, BuildError> {
    match Format::of(bytes) {
        Some(Format::Png) => png_plain::decode(bytes, work),
        _ => Ok(None),
    }
}
