//! Palettes of an image's colours, as Pillow makes and uses them.

mod heap;
mod median_cut;

pub(super) use median_cut::median_cut;

use super::work::{Cancelled, Work};

/// A colour: red, green, blue.
pub(super) type Rgb = [u8; 3];

/// At most 256 colours, and which of them is nearest to what.
#[derive(Clone, Debug)]
pub(super) struct Palette {
    colours: Vec<Rgb>,
    /// For each cell of 4×4×4 colours its nearest colour, once it was asked for.
    nearest: Vec<Option<u8>>,
}

/// Cells along each side of the cube of colours.
const CELLS: usize = 64;

impl Palette {
    pub(super) fn new(colours: Vec<Rgb>) -> Self {
        Self { colours, nearest: vec![None; CELLS * CELLS * CELLS] }
    }

    /// How many colours there are.
    pub(super) const fn len(&self) -> usize {
        self.colours.len()
    }

    /// The colour nearest to the lowest corner of the cell that a colour lies in; of two, the first.
    fn nearest(&mut self, colour: Rgb) -> Rgb {
        let cell = cell(colour);
        let corner = colour.map(|value| value & !3);
        let colours = &self.colours;
        let search = || {
            let nearest = (0..=u8::MAX).zip(colours).min_by_key(|(_, own)| distance(**own, corner));
            nearest.map(|(index, _)| index).unwrap_or_default()
        };
        let index = self.nearest.get_mut(cell).map(|known| *known.get_or_insert_with(search));
        index.and_then(|index| self.colours.get(usize::from(index))).copied().unwrap_or_default()
    }

    /// Replaces each pixel by the nearest colour.
    pub(super) fn apply(&mut self, pixels: &mut [Rgb], width: usize, work: &Work) -> Result<(), Cancelled> {
        // Which colours are asked for is known first, so that rows can be replaced side by side.
        for row in pixels.chunks(width.max(1)) {
            work.go_on()?;
            let mut before = None;
            for pixel in row {
                if before != Some(*pixel) {
                    self.nearest(*pixel);
                    before = Some(*pixel);
                }
            }
        }
        work.fill_rows(pixels, width, |_, row| {
            for pixel in row {
                *pixel = self.known(*pixel).unwrap_or_default();
            }
        })
    }

    /// The nearest colour, where it was asked for before.
    fn known(&self, colour: Rgb) -> Option<Rgb> {
        let index = (*self.nearest.get(cell(colour))?)?;
        self.colours.get(usize::from(index)).copied()
    }

    /// Replaces each pixel by the nearest colour, and passes on what is lost to the pixels at the right and
    /// below: the dither of Floyd and Steinberg.
    pub(super) fn diffuse(&mut self, pixels: &mut [Rgb], width: usize, work: &Work) -> Result<(), Cancelled> {
        // What each column of the row above passes on, in sixteenths; the first belongs to no column.
        let mut passed = vec![[0_i32; 3]; width + 1];
        for row in pixels.chunks_mut(width.max(1)) {
            work.go_on()?;
            let mut right = [0_i32; 3];
            // What goes to the row below: to the column at the left, and to this one.
            let (mut below_left, mut below) = ([0_i32; 3], [0_i32; 3]);
            for (x, pixel) in row.iter_mut().enumerate() {
                let above = passed.get(x + 1).copied().unwrap_or_default();
                let wanted = each(|at| {
                    let value = i32::from(at_of(pixel, at)) + (at_of(&right, at) + at_of(&above, at)) / 16;
                    u8::try_from(value.clamp(0, 255)).unwrap_or_default()
                });
                *pixel = self.nearest(wanted);
                let lost = each(|at| i32::from(at_of(&wanted, at)) - i32::from(at_of(pixel, at)));
                if let Some(passed) = passed.get_mut(x) {
                    *passed = each(|at| 3 * at_of(&lost, at) + at_of(&below_left, at));
                }
                below_left = each(|at| 5 * at_of(&lost, at) + at_of(&below, at));
                below = lost;
                right = lost.map(|lost| 7 * lost);
            }
            if let Some(last) = passed.last_mut() {
                // Pillow leaves three sums of the blue channel here, and none of the others.
                *last = [at_of(&below_left, 2), at_of(&below, 2), at_of(&below, 2)];
            }
        }
        Ok(())
    }
}

/// The cell that a colour lies in.
fn cell(colour: Rgb) -> usize {
    colour.iter().fold(0, |cell, value| cell * CELLS + usize::from(value / 4))
}

fn each<T>(value: impl FnMut(usize) -> T) -> [T; 3] {
    std::array::from_fn(value)
}

fn at_of<T: Copy + Default>(values: &[T; 3], at: usize) -> T {
    values.get(at).copied().unwrap_or_default()
}

fn distance(a: Rgb, b: Rgb) -> u32 {
    a.into_iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_asked_for_a_cell_and_not_for_each_colour() {
        let mut palette = Palette::new(vec![[0, 0, 0], [7, 7, 7]]);
        let mut pixels = [[3, 3, 3], [4, 4, 4], [255, 0, 255]];
        palette.apply(&mut pixels, 3, &Work::default()).unwrap();
        assert_eq!(pixels, [[0, 0, 0], [7, 7, 7], [7, 7, 7]]);
    }

    #[test]
    fn what_is_lost_is_passed_on() {
        let mut palette = Palette::new(vec![[0, 0, 0], [255, 255, 255]]);
        let mut pixels = [[100; 3]; 64];
        palette.diffuse(&mut pixels, 8, &Work::default()).unwrap();
        let white = pixels.iter().filter(|pixel| **pixel == [255; 3]).count();
        assert!((20..30).contains(&white), "{white} of 64 are white, for 100 of 255");
    }
}
