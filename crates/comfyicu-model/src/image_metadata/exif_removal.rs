//! Taking entries out of EXIF data, with every other entry and value left where it is.

use std::ops::Range;

use super::exif::{Place, is_text};
use super::tiff::{ByteOrder, Damage, Directory, ENTRY_BYTES, EXIF_DIRECTORY, Entry, HEADER_BYTES};

/// EXIF data, and which of their entries go.
pub(super) struct Removal<'a> {
    data: &'a [u8],
    order: ByteOrder,
    directories: &'a [Directory],
    /// For each directory, whether each of its entries goes.
    gone: Vec<Vec<bool>>,
}

impl<'a> Removal<'a> {
    pub(super) fn new(
        data: &'a [u8],
        order: ByteOrder,
        directories: &'a [Directory],
        places: impl Iterator<Item = Place>,
    ) -> Self {
        let mut gone: Vec<Vec<bool>> =
            directories.iter().map(|directory| vec![false; directory.entries.len()]).collect();
        for (directory, entry) in places {
            mark(&mut gone, (directory, entry));
        }
        let mut removal = Self { data, order, directories, gone };
        removal.add_texts_over_these();
        removal.add_way_to_nothing();
        removal
    }

    /// The data without the entries; `None` when nothing is left in them.
    pub(super) fn run(&self) -> Result<Option<Vec<u8>>, Damage> {
        let has_next = self.directories.iter().any(|directory| directory.next != 0);
        if !has_next && self.gone.iter().flatten().all(|gone| *gone) {
            return Ok(None);
        }
        let (going, staying) = self.bytes();
        if let Some(at) = shared(&going, staying) {
            return Err(Damage::new(at, "a prompt in the EXIF data shares its bytes with other data"));
        }
        let mut data = self.data.to_vec();
        for range in &going {
            data.get_mut(range.clone()).unwrap_or_default().fill(0);
        }
        for (directory, gone) in self.directories.iter().zip(&self.gone) {
            if gone.contains(&true) {
                self.close_up(&mut data, directory, gone);
            }
        }
        data.truncate(end(self.data.len(), going));
        Ok(Some(data))
    }

    /// A text that lies over another one is a remnant of it: the places in some files were not corrected when
    /// their texts were changed.
    fn add_texts_over_these(&mut self) {
        let mut texts: Vec<(Range<usize>, Place)> = self
            .entries()
            .filter(|(_, entry)| is_text(entry))
            .filter_map(|(place, entry)| Some((entry.outside()?, place)))
            .collect();
        texts.sort_by_key(|(range, _)| range.start);
        let mut end = 0;
        for group in texts.chunk_by(|(before, _), (after, _)| {
            end = before.end.max(end);
            after.start < end
        }) {
            if group.iter().any(|(_, place)| is_marked(&self.gone, *place)) {
                for (_, place) in group {
                    mark(&mut self.gone, *place);
                }
            }
        }
    }

    /// The entry that leads to a directory goes with all that is in it.
    fn add_way_to_nothing(&mut self) {
        let is_emptied =
            self.gone.get(1).is_some_and(|gone| !gone.is_empty() && gone.iter().all(|gone| *gone));
        if is_emptied {
            let ways = self
                .entries()
                .filter(|((directory, _), entry)| *directory == 0 && entry.tag == EXIF_DIRECTORY);
            let ways: Vec<Place> = ways.map(|(place, _)| place).collect();
            for place in ways {
                mark(&mut self.gone, place);
            }
        }
    }

    fn entries(&self) -> impl Iterator<Item = (Place, &'a Entry)> + use<'a> {
        self.directories.iter().enumerate().flat_map(|(directory, entries)| {
            entries.entries.iter().enumerate().map(move |(index, entry)| ((directory, index), entry))
        })
    }

    /// The bytes of what goes, and the bytes of what stays.
    fn bytes(&self) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
        let mut going = Vec::new();
        let mut staying: Vec<_> = self.directories.iter().map(Directory::range).collect();
        staying.push(0..HEADER_BYTES);
        for (place, entry) in self.entries() {
            let values = if is_marked(&self.gone, place) { &mut going } else { &mut staying };
            values.extend(entry.outside());
        }
        going.sort_by_key(|range| range.start);
        (going, staying)
    }

    /// Closes the gaps that entries leave in a directory.
    fn close_up(&self, data: &mut [u8], directory: &Directory, gone: &[bool]) {
        let start = directory.at + 2;
        let kept: Vec<usize> =
            gone.iter().enumerate().filter(|(_, gone)| !**gone).map(|(index, _)| index).collect();
        for (to, from) in kept.iter().enumerate() {
            let from = start + ENTRY_BYTES * from;
            data.copy_within(from..from + ENTRY_BYTES, start + ENTRY_BYTES * to);
        }
        let free = start + ENTRY_BYTES * kept.len()..directory.range().end;
        let count = u16::try_from(kept.len()).unwrap_or(u16::MAX);
        let next = self.order.u32_bytes(directory.next);
        put(data, directory.at, &self.order.u16_bytes(count));
        data.get_mut(free.clone()).unwrap_or_default().fill(0);
        put(data, free.start, &next);
    }
}

fn mark(gone: &mut [Vec<bool>], (directory, entry): Place) {
    if let Some(gone) = gone.get_mut(directory).and_then(|gone| gone.get_mut(entry)) {
        *gone = true;
    }
}

fn is_marked(gone: &[Vec<bool>], (directory, entry): Place) -> bool {
    gone.get(directory).and_then(|gone| gone.get(entry)) == Some(&true)
}

fn put(data: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = data.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Where the first of the bytes that go, in their order, are bytes that stay too.
fn shared(going: &[Range<usize>], mut staying: Vec<Range<usize>>) -> Option<usize> {
    staying.sort_by_key(|range| range.start);
    let mut going = going.iter().peekable();
    let mut end_going = 0;
    for stays in staying {
        while let Some(goes) = going.next_if(|goes| goes.start < stays.end) {
            end_going = goes.end.max(end_going);
            if stays.start < goes.end {
                return Some(goes.start);
            }
        }
        if stays.start < end_going && !stays.is_empty() {
            return Some(stays.start);
        }
    }
    None
}

/// Where the data end once the values that were last are gone.
fn end(length: usize, mut going: Vec<Range<usize>>) -> usize {
    going.sort_by_key(|range| range.end);
    let mut end = length;
    // A byte may stand between two values to make a length even.
    while let Some(last) = going.pop().filter(|last| last.end + 1 >= end) {
        end = end.min(last.start);
    }
    end
}
