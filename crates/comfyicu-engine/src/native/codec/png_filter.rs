//! The filters of PNG files' rows: differences from what stands before and above, which pack better.

/// Undoes filters of rows of a format.
pub(super) type Unfilter = fn(filter: u8, above: &[u8], row: &mut [u8]) -> bool;

/// What undoes the filters of rows whose pixels have so many bytes; of less than one, it is one.
pub(super) fn unfilter_of(pixel: usize) -> Option<Unfilter> {
    Some(match pixel {
        1 => unfilter::<1>,
        2 => unfilter::<2>,
        3 => unfilter::<3>,
        4 => unfilter::<4>,
        6 => unfilter::<6>,
        8 => unfilter::<8>,
        _ => return None,
    })
}

/// Makes a row of its differences and the row above, and says whether there is such a filter.
fn unfilter<const PIXEL: usize>(filter: u8, above: &[u8], row: &mut [u8]) -> bool {
    match filter {
        0 => {}
        1 => each::<PIXEL>(above, row, |difference, [before, _, _]| difference.wrapping_add(before)),
        2 => row.iter_mut().zip(above).for_each(|(byte, above)| *byte = byte.wrapping_add(*above)),
        3 => each::<PIXEL>(above, row, |difference, [before, above, _]| {
            difference.wrapping_add(before.midpoint(above))
        }),
        4 => each::<PIXEL>(above, row, |difference, neighbours| difference.wrapping_add(nearest(neighbours))),
        _ => return false,
    }
    true
}

/// Makes each byte of its difference, and of those of the pixels before it, above it, and before the one above it. In
/// front of a row all are zero.
fn each<const PIXEL: usize>(above: &[u8], row: &mut [u8], byte: impl Fn(u8, [u8; 3]) -> u8) {
    let (mut before, mut before_above) = ([0; PIXEL], [0; PIXEL]);
    for (pixel, above) in row.as_chunks_mut::<PIXEL>().0.iter_mut().zip(above.as_chunks::<PIXEL>().0) {
        let neighbours = before.iter().zip(above).zip(&before_above);
        for (difference, ((before, above), before_above)) in pixel.iter_mut().zip(neighbours) {
            *difference = byte(*difference, [*before, *above, *before_above]);
        }
        (before, before_above) = (*pixel, *above);
    }
}

/// Paeth's: which of three neighbours is nearest to what they let one expect, the first of those that are as near.
fn nearest([before, above, before_above]: [u8; 3]) -> u8 {
    let [a, b, c] = [before, above, before_above].map(i16::from);
    let [to_before, to_above] = [(b - c).abs(), (a - c).abs()];
    let to_before_above = (a + b - 2 * c).abs();
    if to_before <= to_above && to_before <= to_before_above {
        before
    } else if to_above <= to_before_above {
        above
    } else {
        before_above
    }
}
