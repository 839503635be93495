//! One decoded image, as bytes.

use super::exif::Orientation;
use crate::native::work::{Cancelled, Work};

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
    /// The bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.rgb.len() + self.alpha.as_ref().map_or(0, Vec::len)
    }

    /// Takes pixels of four bytes; the last one counts only where the image has opacities.
    pub(super) fn of_rgba(
        pixels: &[u8],
        (width, height): (usize, usize),
        has_alpha: bool,
        work: &Work,
    ) -> Result<Self, Cancelled> {
        let rgb = each_pixel(pixels, width, work, |[rgb @ .., _]: [u8; 4]| rgb)?;
        let alpha = has_alpha.then(|| each_pixel(pixels, width, work, |[.., alpha]: [u8; 4]| [alpha]));
        Ok(Self { width, height, rgb, alpha: alpha.transpose()?, key: None })
    }

    /// Turns the image as its orientation says.
    pub(super) fn upright(self, orientation: Orientation, work: &Work) -> Result<Self, Cancelled> {
        if orientation == Orientation::Upright {
            return Ok(self);
        }
        let (width, height) = (self.width, self.height);
        let turn = |data: &[u8], channels| turned(data, (width, height), channels, orientation, work);
        let rgb = turn(&self.rgb, 3)?;
        let alpha = self.alpha.map(|alpha| turn(&alpha, 1)).transpose()?;
        let (width, height) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
        Ok(Self { width, height, rgb, alpha, ..self })
    }
}

/// Makes `TO` bytes of each pixel of `FROM` bytes, row by row.
pub(super) fn each_pixel<const FROM: usize, const TO: usize>(
    samples: &[u8],
    width: usize,
    work: &Work,
    make: impl Fn([u8; FROM]) -> [u8; TO] + Sync,
) -> Result<Vec<u8>, Cancelled> {
    let samples = samples.as_chunks::<FROM>().0;
    work.rows(samples.len() * TO, width * TO, |y, row| {
        let samples = samples.get(y * width..).unwrap_or_default();
        for (target, pixel) in row.as_chunks_mut::<TO>().0.iter_mut().zip(samples) {
            *target = make(*pixel);
        }
    })
}

/// A grey as a colour.
pub(super) const fn grey_to_rgb([grey]: [u8; 1]) -> [u8; 3] {
    [grey; 3]
}

fn turned(
    data: &[u8],
    (width, height): (usize, usize),
    channels: usize,
    orientation: Orientation,
    work: &Work,
) -> Result<Vec<u8>, Cancelled> {
    let (new_width, new_height) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
    work.rows(data.len(), new_width * channels, |y, row| {
        for (x, target) in row.chunks_exact_mut(channels).enumerate() {
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
            let source = data.get(at..at + channels).unwrap_or_default();
            target.iter_mut().zip(source).for_each(|(target, byte)| *target = *byte);
        }
    })
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
            let turned = turned(&[0, 1, 2, 3, 4, 5], (3, 2), 1, orientation, &Work::default()).unwrap();
            assert_eq!(turned, pixels, "{value}");
        }
    }
}
