//! EXIF data: the texts in them, and the data without those of ComfyUI.

use std::collections::HashSet;

use super::ImageText;
use super::convention::{in_json, named};
use super::exif_removal::Removal;
use super::tiff::{ASCII, ByteOrder, Damage, Directory, Entry, UNDEFINED, directories};

/// What stands in front of EXIF data in JPEG, and at times in WebP.
pub(super) const PREFIX: &[u8] = b"Exif\0\0";
/// The tag of the comment of whoever made the image; its first bytes say how it is written.
const USER_COMMENT: u16 = 0x9286;
const ENCODING_BYTES: usize = 8;

/// EXIF data and their texts.
#[derive(Debug)]
pub(super) struct Exif {
    data: Vec<u8>,
    order: ByteOrder,
    directories: Vec<Directory>,
    /// For each text, the directory and the entry that hold it.
    texts: Vec<(Place, ImageText)>,
}

/// The index of a directory, and of an entry in it.
pub(super) type Place = (usize, usize);

/// Reads EXIF data, from their byte order on.
pub(super) fn read(data: Vec<u8>) -> Result<Exif, Damage> {
    let (order, directories) = directories(&data)?;
    let mut texts = Vec::new();
    let mut bytes_left = data.len();
    for (directory, entries) in directories.iter().map(|directory| &directory.entries).enumerate() {
        for (index, entry) in entries.iter().enumerate() {
            let value = data.get(entry.value.clone()).unwrap_or_default();
            if is_text(entry) {
                // Values that lie over each other would multiply the work.
                let damage = Damage::new(entry.value.start, "the texts of the EXIF data lie over each other");
                bytes_left = bytes_left.checked_sub(value.len()).ok_or(damage)?;
            }
            let found = texts_of(entry, value, order);
            texts.extend(found.into_iter().map(|text| ((directory, index), text)));
        }
    }
    Ok(Exif { data, order, directories, texts })
}

/// Whether an entry's value is text.
pub(super) const fn is_text(entry: &Entry) -> bool {
    matches!((entry.tag, entry.kind), (_, ASCII) | (USER_COMMENT, UNDEFINED))
}

/// The texts of an entry: one by the name that it gives itself, those in its JSON, or one by its tag's name.
fn texts_of(entry: &Entry, value: &[u8], order: ByteOrder) -> Vec<ImageText> {
    if !is_text(entry) {
        return Vec::new();
    }
    let text = match entry.tag {
        USER_COMMENT => user_comment(value, order),
        _ => value.to_vec(),
    };
    let text = trim_end(&text);
    if text.is_empty() {
        return Vec::new();
    }
    if let Some(named) = named(text) {
        return vec![named];
    }
    let found = in_json(text);
    if found.is_empty() { vec![ImageText::new(tag_name(entry.tag), text)] } else { found }
}

/// Without the zero byte that ends it, and the white space in front of that.
fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != 0 && !byte.is_ascii_whitespace());
    end.and_then(|end| text.get(..=end)).unwrap_or_default()
}

/// A user's comment without its encoding, as UTF-8 where that is UTF-16. Japanese in JIS stays as it is.
fn user_comment(value: &[u8], order: ByteOrder) -> Vec<u8> {
    let Some((encoding, text)) = value.split_at_checked(ENCODING_BYTES) else { return value.to_vec() };
    match encoding {
        b"UNICODE\0" => unicode(text, order),
        b"ASCII\0\0\0" | b"JIS\0\0\0\0\0" | b"\0\0\0\0\0\0\0\0" => text.to_vec(),
        // Some programs write the text alone.
        _ => value.to_vec(),
    }
}

/// UTF-16 as UTF-8. Its byte order is told by a mark, or by the first character, which is mostly `{`; some
/// programs write UTF-8 instead.
fn unicode(text: &[u8], order: ByteOrder) -> Vec<u8> {
    let (text, order) = match text {
        [0xFE, 0xFF, rest @ ..] => (rest, ByteOrder::Big),
        [0xFF, 0xFE, rest @ ..] => (rest, ByteOrder::Little),
        [0, _, ..] => (text, ByteOrder::Big),
        [_, 0, ..] => (text, ByteOrder::Little),
        [first, ..] if first.is_ascii() && std::str::from_utf8(text).is_ok() => return text.to_vec(),
        _ => (text, order),
    };
    let (units, _odd) = text.as_chunks::<2>();
    let units = units.iter().map(|unit| order.u16(*unit));
    let characters = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    characters.collect::<String>().into_bytes()
}

/// The name of a tag that holds text; others go by their number.
fn tag_name(tag: u16) -> String {
    let name = match tag {
        0x010D => "DocumentName",
        0x010E => "ImageDescription",
        0x010F => "Make",
        0x0110 => "Model",
        0x0131 => "Software",
        0x0132 => "DateTime",
        0x013B => "Artist",
        0x013C => "HostComputer",
        0x8298 => "Copyright",
        0x9003 => "DateTimeOriginal",
        0x9004 => "DateTimeDigitized",
        USER_COMMENT => "UserComment",
        0xA420 => "ImageUniqueID",
        0xA433 => "LensMake",
        0xA434 => "LensModel",
        _ => return format!("0x{tag:04X}"),
    };
    name.to_owned()
}

impl Exif {
    /// The texts, in the order of the entries.
    pub(super) fn texts(&self) -> impl Iterator<Item = &ImageText> {
        self.texts.iter().map(|(_, text)| text)
    }

    pub(super) fn into_texts(self) -> impl Iterator<Item = ImageText> {
        self.texts.into_iter().map(|(_, text)| text)
    }

    /// The data without the entries that hold certain texts, and all texts of these entries. There are no
    /// data when nothing else is in them.
    pub(super) fn without(
        &self,
        is_unwanted: impl Fn(&ImageText) -> bool,
    ) -> Result<(Option<Vec<u8>>, Vec<ImageText>), Damage> {
        let unwanted = self.texts.iter().filter(|(_, text)| is_unwanted(text));
        let places: HashSet<Place> = unwanted.map(|(place, _)| *place).collect();
        let removed = self.texts.iter().filter(|(place, _)| places.contains(place));
        let removed = removed.map(|(_, text)| text.clone()).collect();
        let data = Removal::new(&self.data, self.order, &self.directories, places.into_iter()).run()?;
        Ok((data, removed))
    }
}
