//! WebP: RIFF chunks, each with a kind and a length in front, padded to an even length.

use std::io::Read;

use super::ImageError;
use super::edit::Edit;
use super::exif::PREFIX;
use super::found::Found;
use super::source::Source;

/// The flag in the extended header that says that there are EXIF data.
const HAS_EXIF: u8 = 0x08;

/// What the edits of a WebP file have to look after beside the chunks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The length that stands behind `RIFF`.
    riff_length: u32,
    /// Where the flags of the extended header stand, and what they are.
    flags: Option<(u64, u8)>,
}

/// Goes through the chunks up to the end that the file's head announces.
pub(super) fn walk<R: Read>(source: &mut Source<R>, found: &mut Found) -> Result<Layout, ImageError> {
    source.skip(4, "the head")?;
    let riff_length = u32::from_le_bytes(source.array("the head")?);
    source.skip(4, "the head")?;
    let mut layout = Layout { riff_length, flags: None };
    let end = u64::from(riff_length) + 8;
    // A last byte of padding may be missing.
    while source.at() + 1 < end {
        let at = source.at();
        let [a, b, c, d, length @ ..] = source.array::<8>("a chunk")?;
        let length = u64::from(u32::from_le_bytes(length));
        found.chunk()?;
        match &[a, b, c, d] {
            b"EXIF" => {
                found.bytes(length)?;
                let mut data = source.bytes(length, "the EXIF data")?;
                pad(source, length, end)?;
                let header = 8 + if data.starts_with(PREFIX) { PREFIX.len() as u64 } else { 0 };
                data.drain(..usize::try_from(header - 8).unwrap_or_default());
                found.exif(at, source.at() - at, header, data)?;
            }
            b"VP8X" if length > 0 => {
                let place = source.at();
                let [flags] = source.array("the extended header")?;
                layout.flags = Some((place, flags));
                source.skip(length - 1, "the extended header")?;
                pad(source, length, end)?;
            }
            _ => {
                source.skip(length, "the data of a chunk")?;
                pad(source, length, end)?;
            }
        }
    }
    Ok(layout)
}

/// Passes over the byte that makes a length even, unless the file ends without it.
fn pad<R: Read>(source: &mut Source<R>, length: u64, end: u64) -> Result<(), ImageError> {
    if length % 2 == 1 && source.at() < end { source.skip(1, "the padding of a chunk") } else { Ok(()) }
}

/// Makes the chunk of EXIF data.
pub(super) fn exif_chunk(data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [b"EXIF", &length.to_le_bytes()[..], data, padding].concat()
}

impl Layout {
    /// What else changes when the chunks have `added` bytes more and `removed` bytes less, and perhaps no
    /// EXIF data any more.
    pub(super) fn edits(self, removed: u64, added: u64, has_exif: bool) -> Vec<Edit> {
        let riff_length = (u64::from(self.riff_length) + added).saturating_sub(removed);
        let riff_length = u32::try_from(riff_length).unwrap_or(u32::MAX);
        let mut edits = vec![Edit::replace(4, 4, riff_length.to_le_bytes())];
        if let Some((at, flags)) = self.flags.filter(|_| !has_exif) {
            edits.push(Edit::replace(at, 1, [flags & !HAS_EXIF]));
        }
        edits
    }
}
