//! The formats, told apart by their first bytes.

use std::fmt;

/// The format of an image that can carry a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageFormat {
    /// PNG, animated PNG included: text chunks, and EXIF data.
    Png,
    /// WebP, animated or not: EXIF data.
    WebP,
    /// JPEG: EXIF data, and comments.
    Jpeg,
}

/// The bytes with which each PNG file begins.
const PNG_SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

impl ImageFormat {
    /// How many of a file's first bytes tell its format.
    pub const SNIFFED_BYTES: usize = 12;

    /// Tells the format by a file's first bytes, of which [`SNIFFED_BYTES`](Self::SNIFFED_BYTES) are enough;
    /// `None` for everything else, such as the JSON of a prompt.
    ///
    /// ```
    /// use comfyicu_model::ImageFormat;
    ///
    /// assert_eq!(ImageFormat::sniff(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some(ImageFormat::Png));
    /// assert_eq!(ImageFormat::sniff(br#"{"9": {"class_type": "SaveImage"}}"#), None);
    /// ```
    pub fn sniff(start: &[u8]) -> Option<Self> {
        if start.starts_with(PNG_SIGNATURE) {
            return Some(Self::Png);
        }
        if start.starts_with(b"\xFF\xD8\xFF") {
            return Some(Self::Jpeg);
        }
        let is_webp = start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP");
        is_webp.then_some(Self::WebP)
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Jpeg => "JPEG",
        })
    }
}

/// What a file is whose format is none of ours, as far as its first bytes tell.
pub(super) fn describe(start: &[u8]) -> &'static str {
    let text = start.trim_ascii_start();
    match start {
        [] => "an empty file",
        [b'G', b'I', b'F', b'8', ..] => "a GIF image",
        [b'B', b'M', ..] => "a BMP image",
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => "a TIFF image",
        [b'R', b'I', b'F', b'F', ..] => "a RIFF file that is not WebP",
        [0x1A, 0x45, 0xDF, 0xA3, ..] => "a WebM or Matroska video",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => "an AVIF image",
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', ..] => "a HEIF image",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "an MP4 video",
        _ if text.starts_with(b"{") || text.starts_with(b"[") => "a JSON text",
        _ => "no image that is known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart_and_others_are_named() {
        assert_eq!(ImageFormat::sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some(ImageFormat::WebP));
        assert_eq!(ImageFormat::sniff(b"\xFF\xD8\xFF\xE0"), Some(ImageFormat::Jpeg));
        for other in [&b"RIFF\0\0\0\0WAVEfmt "[..], b"RIFF", b"\x89PNG\r\n", b"GIF89a", b"", b"{}"] {
            assert_eq!(ImageFormat::sniff(other), None, "{other:?}");
        }
        assert_eq!(describe(b"\0\0\0\x20ftypavif\0\0"), "an AVIF image");
        assert_eq!(describe(b"  {\"3\": 1}"), "a JSON text");
        assert_eq!(describe(b"\x89PNG"), "no image that is known");
    }
}
