//! The directories of EXIF data: what stands where. EXIF is laid out as a TIFF file without pixels.

use std::ops::Range;

use super::{ImageError, ImageFormat};

/// The entry that leads to the EXIF directory.
pub(super) const EXIF_DIRECTORY: u16 = 0x8769;
/// Text, ended by a zero byte.
pub(super) const ASCII: u16 = 2;
/// Bytes whose meaning the tag knows.
pub(super) const UNDEFINED: u16 = 7;
/// The bytes of one entry.
pub(super) const ENTRY_BYTES: usize = 12;
pub(super) const HEADER_BYTES: usize = 8;
/// The longest value that stands within its entry.
const INLINE_BYTES: usize = 4;

/// Why EXIF data cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Where, in bytes from the start of the data.
    at: usize,
    problem: &'static str,
}

impl Damage {
    pub(super) const fn new(at: usize, problem: &'static str) -> Self {
        Self { at, problem }
    }

    /// The damage as that of the file in which the data begin at `start`.
    pub(super) const fn in_file(self, format: ImageFormat, start: u64) -> ImageError {
        let at = start.saturating_add(self.at as u64);
        ImageError::Damaged { format, at, problem: self.problem }
    }
}

/// The order of the bytes in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(super) const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) const fn u16_bytes(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub(super) const fn u32_bytes(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// A directory: its entries, and whether another one follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    /// Where it begins, with the number of its entries.
    pub(super) at: usize,
    pub(super) entries: Vec<Entry>,
    /// Where the directory is that follows it, such as that of a thumbnail; zero for none.
    pub(super) next: u32,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) tag: u16,
    /// What its value is made of.
    pub(super) kind: u16,
    /// Where the value stands; within the entry when it has four bytes or less.
    pub(super) value: Range<usize>,
}

impl Entry {
    /// Where the value stands, when it is not within the entry.
    pub(super) fn outside(&self) -> Option<Range<usize>> {
        (self.value.len() > INLINE_BYTES).then(|| self.value.clone())
    }
}

impl Directory {
    /// The bytes of its entries. What follows is the place of the next directory, but not all write that.
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + 2 + ENTRY_BYTES * self.entries.len()
    }
}

/// Reads the first directory, and the EXIF directory that it leads to.
pub(super) fn directories(data: &[u8]) -> Result<(ByteOrder, Vec<Directory>), Damage> {
    let order = match data.get(..4) {
        Some(b"II*\0") => ByteOrder::Little,
        Some(b"MM\0*") => ByteOrder::Big,
        _ => return Err(Damage::new(0, "EXIF data begin with `II*` or `MM*`")),
    };
    let first = pointer(data, order, 4)?;
    let mut first = directory(data, order, first)?;
    first.next = next(data, order, &first);
    let mut directories = vec![first];
    let entries = directories.iter().flat_map(|directory| &directory.entries);
    // There is one at most; more of them would only multiply the work.
    let below = entries.into_iter().find(|entry| entry.tag == EXIF_DIRECTORY).map(|entry| entry.value.start);
    if let Some(place) = below {
        let below = directory(data, order, pointer(data, order, place)?)?;
        let overlaps = |first: &Directory| first.at < below.range().end && below.at < first.range().end;
        if directories.iter().any(overlaps) {
            return Err(Damage::new(below.at, "directories of the EXIF data share their bytes"));
        }
        directories.push(below);
    }
    Ok((order, directories))
}

fn directory(data: &[u8], order: ByteOrder, at: usize) -> Result<Directory, Damage> {
    let cut = Damage::new(at, "a directory of the EXIF data is cut off");
    let entries = usize::from(order.u16(array(data, at).ok_or(cut)?));
    // A directory lies behind the header, within the data; so no sum below can overflow.
    let end =
        at.checked_add(2 + ENTRY_BYTES * entries).filter(|end| at >= HEADER_BYTES && *end <= data.len());
    end.ok_or(cut)?;
    let entries = (0..entries).map(|index| entry(data, order, at + 2 + ENTRY_BYTES * index));
    let entries = entries.collect::<Result<_, _>>()?;
    Ok(Directory { at, entries, next: 0 })
}

/// What follows a directory. Where that is no place in the data, it was left out.
fn next(data: &[u8], order: ByteOrder, directory: &Directory) -> u32 {
    let next = array(data, directory.range().end).map_or(0, |next| order.u32(next));
    let is_place = usize::try_from(next).is_ok_and(|next| (HEADER_BYTES..data.len()).contains(&next));
    if is_place { next } else { 0 }
}

fn entry(data: &[u8], order: ByteOrder, at: usize) -> Result<Entry, Damage> {
    let damage = Damage::new(at, "a value of the EXIF data lies outside of them");
    let tag = order.u16(array(data, at).ok_or(damage)?);
    let kind = order.u16(array(data, at + 2).ok_or(damage)?);
    let count = order.u32(array(data, at + 4).ok_or(damage)?);
    let bytes = u64::from(count) * size(kind);
    let bytes = usize::try_from(bytes).map_err(|_| damage)?;
    let start = if bytes <= INLINE_BYTES { at + 8 } else { pointer(data, order, at + 8)? };
    let end = start.checked_add(bytes).filter(|end| *end <= data.len()).ok_or(damage)?;
    Ok(Entry { tag, kind, value: start..end })
}

/// The bytes of one number of a TIFF type; what is not known counts as nothing.
const fn size(kind: u16) -> u64 {
    match kind {
        1 | ASCII | 6 | UNDEFINED => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 0,
    }
}

fn pointer(data: &[u8], order: ByteOrder, at: usize) -> Result<usize, Damage> {
    let damage = Damage::new(at, "a place in the EXIF data lies outside of them");
    let place = order.u32(array(data, at).ok_or(damage)?);
    usize::try_from(place).map_err(|_| damage)
}

fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}
