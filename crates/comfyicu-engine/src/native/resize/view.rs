//! One image of a batch, seen through a window.

use super::target::Window;
use crate::native::image::Shape;

/// The rows of the part of an image that is resized.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) rows: Vec<&'a [f32]>,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Whether the part lies in memory without gaps; some sums are made in another order then.
    pub(super) contiguous: bool,
    /// Whether the whole batch does.
    pub(super) batch_contiguous: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(frame: &'a [f32], shape: Shape, window: Window) -> Self {
        let channels = shape.channels;
        let columns = window.x * channels..(window.x + window.width) * channels;
        let rows = frame
            .chunks_exact(shape.row().max(1))
            .skip(window.y)
            .take(window.height)
            .filter_map(|row| row.get(columns.clone()))
            .collect();
        let contiguous = window.width == shape.width || window.height == 1;
        let batch_contiguous = contiguous && (window.height == shape.height || shape.batch == 1);
        Self { rows, width: window.width, channels, contiguous, batch_contiguous }
    }

    pub(super) const fn height(&self) -> usize {
        self.rows.len()
    }

    /// A row; empty when there is none, which no caller asks for.
    pub(super) fn row(&self, y: usize) -> &'a [f32] {
        self.rows.get(y).copied().unwrap_or_default()
    }
}

/// The channels of a pixel of a row.
pub(super) fn pixel(row: &[f32], x: usize, channels: usize) -> &[f32] {
    row.get(x * channels..(x + 1) * channels).unwrap_or_default()
}
