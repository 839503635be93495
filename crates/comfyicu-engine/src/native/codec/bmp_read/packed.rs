//! Indices that are packed by run lengths.

use crate::native::work::{Cancelled, STRETCH, Work};

/// Unpacks indices, a byte each, without room between lines. What the file does not say is missing at the end.
///
/// `start` is where in the file the data begins: copied bytes are filled up to even places of the file.
pub(super) fn unpack(
    data: &[u8],
    start: usize,
    (width, height): (usize, usize),
    four_bits: bool,
    work: &Work,
) -> Result<Vec<u8>, Cancelled> {
    let length = width * height;
    let mut indices = Vec::new();
    let mut x = 0;
    let mut at = 0;
    let mut next_look = 0;
    while indices.len() < length
        && let Some([count, value]) = data.get(at..).and_then(|data| data.first_chunk().copied())
    {
        at += 2;
        if indices.len() >= next_look {
            work.go_on()?;
            next_look += STRETCH;
        }
        match (usize::from(count), usize::from(value)) {
            (0, 0) => {
                indices.resize(indices.len().next_multiple_of(width), 0);
                x = 0;
            }
            (0, 1) => break,
            (0, 2) => {
                let Some([right, up]) = data.get(at..).and_then(|data| data.first_chunk().copied()) else {
                    break;
                };
                at += 2;
                let skipped = usize::from(right) + usize::from(up) * width;
                indices.resize((indices.len() + skipped).min(length), 0);
                x = indices.len() % width;
            }
            (0, count) => {
                let wanted = count.min(length - indices.len());
                let bytes = if four_bits { wanted.div_ceil(2) } else { wanted };
                let copied = data.get(at..).unwrap_or_default();
                let copied = copied.get(..bytes).unwrap_or(copied);
                at += copied.len();
                if four_bits {
                    let halves = copied.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                    indices.extend(halves.take(wanted));
                } else {
                    indices.extend_from_slice(copied);
                }
                if copied.len() < bytes || indices.len() == length {
                    break;
                }
                x += count;
                at += (start + at) % 2;
            }
            (count, _) => {
                let count = count.min(width.saturating_sub(x));
                let pair = if four_bits { [value >> 4, value & 15] } else { [value; 2] };
                indices.extend(pair.into_iter().cycle().take(count));
                x += count;
            }
        }
    }
    indices.truncate(length);
    Ok(indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(data: &[u8], start: usize, size: (usize, usize), four_bits: bool) -> Vec<u8> {
        super::unpack(data, start, size, four_bits, &Work::default()).unwrap()
    }

    #[test]
    fn runs_copies_and_jumps_are_unpacked() {
        // Three of 7; the line ends; 1, 2, 3 as they are, filled up; one to the right; two of 9.
        let data = [3, 7, 0, 0, 0, 3, 1, 2, 3, 0, 0, 2, 1, 0, 2, 9, 0, 1];
        assert_eq!(unpack(&data, 0, (4, 3), false), [7, 7, 7, 0, 1, 2, 3, 0, 9, 9]);
        assert_eq!(unpack(&[3, 0x12, 0, 0], 0, (4, 1), true), [1, 2, 1, 0]);
        assert_eq!(unpack(&[200, 5], 0, (4, 2), false), [5; 4], "a run ends with its line");
    }

    #[test]
    fn data_that_ends_early_gives_what_there_is() {
        for length in 0..10 {
            let data = [2, 7, 0, 4, 1, 2, 3, 4, 0, 2];
            assert!(unpack(&data[..length], 0, (5, 5), false).len() <= 25);
        }
    }
}
