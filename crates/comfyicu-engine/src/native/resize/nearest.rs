//! `nearest-exact`: each new pixel is an old one.

use super::axis;
use super::target::Size;
use super::view::{View, pixel};

/// Makes the rows from `first` on that fit into `target`.
pub(super) fn resize(source: &View<'_>, size: Size, first: usize, target: &mut [f32]) {
    let channels = source.channels;
    let columns = axis::nearest(source.width, size.width);
    let rows = axis::nearest(source.height(), size.height);
    for (y, target) in rows.into_iter().skip(first).zip(target.chunks_exact_mut(size.width * channels)) {
        let row = source.row(y);
        for (x, target) in columns.iter().zip(target.chunks_exact_mut(channels)) {
            target.copy_from_slice(pixel(row, *x, channels));
        }
    }
}
