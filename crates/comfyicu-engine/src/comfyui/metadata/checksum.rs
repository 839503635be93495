//! The checksums of files that were changed in place: PNG's chunks, Matroska's elements, Ogg's pages. Other kinds of
//! files have none over their metadata.

use std::ops::Range;

use flate2::Crc;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const MATROSKA: &[u8] = b"\x1a\x45\xdf\xa3";
const OGG: &[u8] = b"OggS";
/// Matroska's element of texts, and the element in it that is the checksum of the rest.
const TAGS: &[u8] = b"\x12\x54\xc3\x67";
const CHECKSUM: &[u8] = b"\xbf\x84";
/// How long a page of an Ogg file is before the lengths of its parts.
const PAGE_HEAD: usize = 27;
/// Where its checksum is.
const PAGE_CHECKSUM: Range<usize> = 22..26;

/// Puts the checksums right over the places that were changed.
pub(super) fn mend(file: &mut [u8], changed: &[Range<usize>]) {
    // A file that is not what it says it is has no checksums to put right.
    let _whole = match file {
        file if file.starts_with(PNG) => chunks(file, changed),
        file if file.starts_with(MATROSKA) => tags(file, changed),
        file if file.starts_with(OGG) => pages(file, changed),
        _ => None,
    };
}

fn meets(part: &Range<usize>, changed: &[Range<usize>]) -> bool {
    changed.iter().any(|place| place.start < part.end && part.start < place.end)
}

/// A chunk is a length, a type, so many bytes, and the checksum of type and bytes.
fn chunks(file: &mut [u8], changed: &[Range<usize>]) -> Option<()> {
    let mut at = PNG.len();
    loop {
        let length = file.get(at..at + 4)?.try_into().map(u32::from_be_bytes).ok()?;
        let end = at.checked_add(8)?.checked_add(usize::try_from(length).ok()?)?;
        if meets(&(at..end), changed) {
            let sum = crc(file.get(at + 4..end)?);
            file.get_mut(end..end + 4)?.copy_from_slice(&sum.to_be_bytes());
        }
        at = end.checked_add(4)?;
    }
}

/// The tags begin with their checksum, where there is one.
fn tags(file: &mut [u8], changed: &[Range<usize>]) -> Option<()> {
    for place in changed {
        let before = file.get(..place.start)?;
        let at = before.windows(TAGS.len()).rposition(|window| window == TAGS)? + TAGS.len();
        let (length, begin) = element_length(file, at)?;
        let end = begin.checked_add(length)?;
        let rest = begin + CHECKSUM.len() + 4;
        if file.get(begin..)?.starts_with(CHECKSUM) && end >= place.end {
            let sum = crc(file.get(rest..end)?);
            file.get_mut(rest - 4..rest)?.copy_from_slice(&sum.to_le_bytes());
        }
    }
    Some(())
}

/// A length that says how long it is itself, by its leading zeros; and where what is so long begins.
fn element_length(file: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = *file.get(at)?;
    let bytes = usize::try_from(first.leading_zeros()).ok()? + 1;
    let mask = u8::MAX.checked_shr(u32::try_from(bytes).ok()?).unwrap_or(0);
    let mut length = usize::from(first & mask);
    for byte in file.get(at + 1..at.checked_add(bytes)?)? {
        length = length.checked_mul(256)?.checked_add(usize::from(*byte))?;
    }
    Some((length, at + bytes))
}

/// A page has the checksum of all of itself, made while the checksum is zero.
fn pages(file: &mut [u8], changed: &[Range<usize>]) -> Option<()> {
    let mut at = 0;
    loop {
        let head = file.get(at..at + PAGE_HEAD)?;
        let parts = usize::from(*head.get(PAGE_HEAD - 1)?);
        let body = at + PAGE_HEAD + parts;
        let length: usize = file.get(at + PAGE_HEAD..body)?.iter().map(|length| usize::from(*length)).sum();
        let page = at..body + length;
        if meets(&page, changed) {
            let page = file.get_mut(page.clone())?;
            page.get_mut(PAGE_CHECKSUM)?.fill(0);
            let sum = ogg_crc(page);
            page.get_mut(PAGE_CHECKSUM)?.copy_from_slice(&sum.to_le_bytes());
        }
        at = page.end;
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Ogg's own: the bits the other way round, and nothing turned at either end.
fn ogg_crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| if crc & 0x8000_0000 == 0 { crc << 1 } else { (crc << 1) ^ 0x04c1_1db7 };
    bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ (u32::from(*byte) << 24), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mend_one(file: &mut [u8], changed: Range<usize>) {
        mend(file, std::slice::from_ref(&changed));
    }

    #[test]
    fn the_chunk_that_was_changed_gets_a_new_checksum() {
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, 1, 1);
        encoder.add_text_chunk("prompt".to_owned(), "abcdef".to_owned()).unwrap();
        encoder.write_header().unwrap().write_image_data(&[7]).unwrap();
        let at = png.windows(6).position(|window| window == b"abcdef").unwrap();
        png[at] = b'x';
        mend_one(&mut png, at..at + 6);
        let reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
        assert_eq!(reader.info().uncompressed_latin1_text[0].text, "xbcdef");
    }

    #[test]
    fn tags_get_a_new_checksum_and_files_that_are_cut_off_do_no_harm() {
        let mut file = [MATROSKA, b"head", TAGS, &[0x40, 10], CHECKSUM, &[0; 4], b"text"].concat();
        let end = file.len();
        mend_one(&mut file, end - 4..end);
        assert_eq!(file[end - 8..end - 4], crc(b"text").to_le_bytes());
        for length in 0..end {
            let mut cut = file[..length].to_vec();
            mend_one(&mut cut, length.saturating_sub(1)..length);
        }
    }

    #[test]
    fn pages_get_a_new_checksum() {
        let mut page = [OGG, &[0; 22], &[1, 4], b"body"].concat();
        let end = page.len();
        mend_one(&mut page, end - 1..end);
        let sum = u32::from_le_bytes(page[PAGE_CHECKSUM].try_into().unwrap());
        page[PAGE_CHECKSUM].fill(0);
        assert_eq!(sum, ogg_crc(&page));
        // "123456789" is what checksums are compared by.
        assert_eq!(ogg_crc(b"123456789"), 0x89a1_897f);
    }
}
