//! Pages whose samples are places in a palette.
//!
//! The decoder reads no such page, but it reads grey ones, which lie in the file in the same way. So these
//! pages are called grey before it sees them, and coloured by their palette behind it.

use std::borrow::Cow;

use crate::native::codec::frame::each_pixel;
use crate::native::work::{Cancelled, Work};

/// The tag that says what samples mean.
const MEANING_TAG: u16 = 262;
const BLACK_IS_ZERO: u16 = 1;
const PALETTE_COLOURS: u16 = 3;
/// More pages than any image within the bounds has.
const MAX_PAGES: usize = 1 << 16;

/// The file without palette pages, and which pages were some.
pub(super) fn called_grey(bytes: &[u8]) -> (Cow<'_, [u8]>, Vec<bool>) {
    let places = places(bytes).unwrap_or_default();
    let mut file = Cow::Borrowed(bytes);
    let little = bytes.starts_with(b"II");
    for place in places.iter().flatten() {
        let value = if little { BLACK_IS_ZERO.to_le_bytes() } else { BLACK_IS_ZERO.to_be_bytes() };
        if let Some(target) = file.to_mut().get_mut(*place..place + 2) {
            target.copy_from_slice(&value);
        }
    }
    (file, places.iter().map(Option::is_some).collect())
}

/// For each page where it says that it has a palette.
fn places(bytes: &[u8]) -> Option<Vec<Option<usize>>> {
    let little = bytes.starts_with(b"II");
    let short = |at: usize| {
        let number = *bytes.get(at..)?.first_chunk()?;
        Some(if little { u16::from_le_bytes(number) } else { u16::from_be_bytes(number) })
    };
    let offset = |at: usize| {
        let number = *bytes.get(at..)?.first_chunk()?;
        usize::try_from(if little { u32::from_le_bytes(number) } else { u32::from_be_bytes(number) }).ok()
    };
    let mut pages = Vec::new();
    let mut page = offset(4)?;
    while page != 0 && pages.len() < MAX_PAGES {
        let count = usize::from(short(page)?);
        let entries = (0..count).map(|entry| page + 2 + 12 * entry);
        let value = entries.into_iter().find(|at| short(*at) == Some(MEANING_TAG)).map(|at| at + 8);
        pages.push(value.filter(|at| short(*at) == Some(PALETTE_COLOURS)));
        page = offset(page + 2 + 12 * count)?;
    }
    Some(pages)
}

/// The colours of samples; a palette holds all reds, then all greens, then all blues.
pub(super) fn coloured(
    samples: &[u8],
    palette: &[u16],
    width: usize,
    work: &Work,
) -> Result<Vec<u8>, Cancelled> {
    let count = palette.len() / 3;
    let of = |channel: usize, index: u8| {
        let index = usize::from(index);
        let entry = palette.get(channel * count + index).filter(|_| index < count);
        let [upper, _] = entry.copied().unwrap_or_default().to_be_bytes();
        upper
    };
    each_pixel(samples, width, work, |[index]| [0, 1, 2].map(|channel| of(channel, index)))
}
