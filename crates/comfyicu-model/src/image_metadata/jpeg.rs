//! JPEG: segments up to the pixels, each with a marker and a length in front.

use std::io::Read;

use super::exif::PREFIX;
use super::found::Found;
use super::source::Source;
use super::{ImageError, ImageFormat, ImageText};

/// The name of the texts in comment segments.
const COMMENT: &str = "Comment";
/// What a segment's length counts beside its data: itself.
const LENGTH_BYTES: u16 = 2;
/// The application segment that holds EXIF data.
const APP1: u8 = 0xE1;

/// Goes through the segments up to the pixels, behind which there are no texts.
pub(super) fn walk<R: Read>(source: &mut Source<R>, found: &mut Found) -> Result<(), ImageError> {
    loop {
        let at = source.at();
        let marker = marker(source, at)?;
        found.chunk()?;
        match marker {
            // The pixels, or the end.
            0xDA | 0xD9 => return Ok(()),
            // Markers that stand alone.
            0x01 | 0xD0..=0xD8 => {}
            _ => segment(source, found, at, marker)?,
        }
    }
}

/// The next marker; any number of fill bytes may stand in front of it.
fn marker<R: Read>(source: &mut Source<R>, at: u64) -> Result<u8, ImageError> {
    let expected = "a marker";
    if source.array(expected)? != [0xFF] {
        return Err(source.damaged(at, "a marker was expected"));
    }
    loop {
        match source.array(expected)? {
            [0xFF] => {}
            [0x00] => return Err(source.damaged(at, "a marker was expected")),
            [marker] => return Ok(marker),
        }
    }
}

fn segment<R: Read>(
    source: &mut Source<R>,
    found: &mut Found,
    at: u64,
    marker: u8,
) -> Result<(), ImageError> {
    let length = u16::from_be_bytes(source.array("the length of a segment")?);
    let Some(length) = length.checked_sub(LENGTH_BYTES) else {
        return Err(source.damaged(at, "the segment is shorter than its own length"));
    };
    let start = source.at();
    if !matches!(marker, APP1 | 0xFE) {
        return source.skip(length.into(), "the data of a segment");
    }
    found.bytes(length.into())?;
    let data = source.bytes(length.into(), "the data of a segment")?;
    let end = source.at();
    match data.strip_prefix(PREFIX) {
        Some(exif) if marker == APP1 => {
            found.exif(at, end - at, start - at + PREFIX.len() as u64, exif.to_vec())
        }
        // Other applications have segments of this kind too.
        _ if marker == APP1 => Ok(()),
        _ => found.text(at, end - at, comment(data)),
    }
}

/// A comment; one that names what it is, as in `prompt:{…}`, goes by that name.
fn comment(data: Vec<u8>) -> ImageText {
    super::convention::named(&data).unwrap_or_else(|| ImageText::new(COMMENT, data))
}

/// Makes the segment of EXIF data.
pub(super) fn exif_segment(data: &[u8]) -> Result<Vec<u8>, ImageError> {
    let length = u16::try_from(data.len() + PREFIX.len()).ok().and_then(|n| n.checked_add(LENGTH_BYTES));
    let format = ImageFormat::Jpeg;
    let limit = u64::from(u16::MAX);
    let length = length.ok_or(ImageError::TooLarge { format, what: "bytes in one segment", limit })?;
    Ok([&[0xFF, APP1], &length.to_be_bytes()[..], PREFIX, data].concat())
}
