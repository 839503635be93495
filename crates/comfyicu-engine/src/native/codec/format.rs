//! Telling formats apart by their first bytes; a file's name says nothing.

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    WebP,
    Tiff,
    Gif,
    Bmp,
    /// Known by name, but not read.
    Other(&'static str),
}

/// First bytes of formats that people have in their input folders.
const OTHERS: [(&[u8], &str); 4] =
    [(b"8BPS", "Photoshop"), (b"\0\0\x01\0", "ICO"), (b"v/1\x01", "OpenEXR"), (b"<svg", "SVG")];

impl Format {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if bytes.starts_with(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Some(Self::WebP);
        }
        if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") {
            return Some(Self::Tiff);
        }
        if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            return Some(Self::Gif);
        }
        if bytes.starts_with(b"BM") {
            return Some(Self::Bmp);
        }
        let container = || match (bytes.get(4..8)?, bytes.get(8..12)?) {
            (b"ftyp", b"avif" | b"avis") => Some("AVIF"),
            (b"ftyp", b"heic" | b"heix" | b"mif1" | b"msf1") => Some("HEIF"),
            (b"ftyp", _) => Some("MP4"),
            _ => None,
        };
        let simple = || OTHERS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| *name);
        container().or_else(simple).map(Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        assert_eq!(Format::of(b"\xff\xd8\xff\xe0"), Some(Format::Jpeg));
        assert_eq!(Format::of(b"RIFF\x10\0\0\0WEBPVP8 "), Some(Format::WebP));
        assert_eq!(Format::of(b"\0\0\0\x1cftypavif"), Some(Format::Other("AVIF")));
        assert_eq!(Format::of(b"GIF89a"), Some(Format::Gif));
        assert_eq!(Format::of(b""), None);
        assert_eq!(Format::of(b"hello, world"), None);
    }
}
