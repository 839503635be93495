//! One decoded image, as bytes.

use super::exif::Orientation;

/// One image of a file: colours, and how opaque each pixel is where the file says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Columns.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Three bytes a pixel, row by row.
    pub(crate) rgb: Vec<u8>,
    /// One byte a pixel, row by row: 255 is opaque.
    pub(crate) alpha: Option<Vec<u8>>,
    /// The one colour that stands for transparency, where the file has it so and no opacities. `LoadImage` takes
    /// no notice of it, `LoadImageMask` does.
    pub(crate) key: Option<[u8; 3]>,
}

impl Frame {
    /// Makes the last row black and transparent.
    pub(super) fn blank_last_row(&mut self) {
        let blank = |data: &mut Vec<u8>, row: usize| {
            let start = data.len().saturating_sub(row);
            data.iter_mut().skip(start).for_each(|byte| *byte = 0);
        };
        blank(&mut self.rgb, 3 * self.width);
        if let Some(alpha) = &mut self.alpha {
            blank(alpha, self.width);
        }
    }

    /// Turns the image as its orientation says.
    pub(super) fn upright(self, orientation: Orientation) -> Self {
        if orientation == Orientation::Upright {
            return self;
        }
        let (width, height) = (self.width, self.height);
        let turn = |data: &[u8], channels| turned(data, (width, height), channels, orientation);
        let rgb = turn(&self.rgb, 3);
        let alpha = self.alpha.map(|alpha| turn(&alpha, 1));
        let (width, height) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
        Self { width, height, rgb, alpha, ..self }
    }
}

fn turned(
    data: &[u8],
    (width, height): (usize, usize),
    channels: usize,
    orientation: Orientation,
) -> Vec<u8> {
    let (new_width, new_height) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
    let mut turned = Vec::with_capacity(data.len());
    for y in 0..new_height {
        for x in 0..new_width {
            let (flipped_x, flipped_y) = (new_width - 1 - x, new_height - 1 - y);
            let (from_x, from_y) = match orientation {
                Orientation::Upright => (x, y),
                Orientation::Mirrored => (flipped_x, y),
                Orientation::UpsideDown => (flipped_x, flipped_y),
                Orientation::Flipped => (x, flipped_y),
                Orientation::Transposed => (y, x),
                Orientation::OnItsLeft => (y, flipped_x),
                Orientation::Transversed => (flipped_y, flipped_x),
                Orientation::OnItsRight => (flipped_y, x),
            };
            let at = (from_y * width + from_x) * channels;
            turned.extend_from_slice(data.get(at..at + channels).unwrap_or_default());
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_orientation_turns_as_exif_says() {
        // 0 1 2
        // 3 4 5
        let expected: [(u16, [u8; 6]); 8] = [
            (1, [0, 1, 2, 3, 4, 5]),
            (2, [2, 1, 0, 5, 4, 3]),
            (3, [5, 4, 3, 2, 1, 0]),
            (4, [3, 4, 5, 0, 1, 2]),
            (5, [0, 3, 1, 4, 2, 5]),
            (6, [3, 0, 4, 1, 5, 2]),
            (7, [5, 2, 4, 1, 3, 0]),
            (8, [2, 5, 1, 4, 0, 3]),
        ];
        for (value, pixels) in expected {
            let orientation = Orientation::of(value);
            assert_eq!(turned(&[0, 1, 2, 3, 4, 5], (3, 2), 1, orientation), pixels, "{value}");
        }
    }
}
