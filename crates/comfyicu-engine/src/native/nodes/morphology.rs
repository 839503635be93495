//! Growing and shrinking what is bright.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Form, Input, Int, Output};
use crate::native::image::{Image, Shape};
use crate::native::value::Value;
use crate::native::work::Work;

const OPERATIONS: [&str; 7] = ["erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat"];

pub(in crate::native) static MORPHOLOGY: Definition = Definition {
    class_type: "Morphology",
    display_name: Some("ImageMorphology"),
    description: "Grows or shrinks what is bright in images, each channel for itself.",
    category: "image/postprocessing",
    python_module: "comfy_extras.nodes_morphology",
    form: Form::Schema,
    inputs: &[
        Input::image("image", "The images to change."),
        Input::choice(
            "operation",
            &OPERATIONS,
            "dilate grows, erode shrinks. open and close do both, gradient is their difference, the hats what \
             open and close take away.",
        ),
        Input::int(
            "kernel_size",
            Int::new(3, 3, 999).step(1),
            "The side of the square that counts, in pixels.",
        ),
    ],
    outputs: &[Output::IMAGE],
    allocates: true,
    size: |given| given.image("image"),
    run,
    ..Definition::BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let square = Square { side: call.within("kernel_size", 1..=999)?, work: &call.context.work.clone() };
    let result = match &*call.text("operation")? {
        "erode" => square.erode(&image)?,
        "dilate" => square.dilate(&image)?,
        "open" => square.dilate(&square.erode(&image)?)?,
        "close" => square.erode(&square.dilate(&image)?)?,
        "gradient" => square.difference(&square.dilate(&image)?, &square.erode(&image)?)?,
        "bottom_hat" => square.difference(&square.erode(&square.dilate(&image)?)?, &image)?,
        "top_hat" => square.difference(&image, &square.dilate(&square.erode(&image)?)?)?,
        other => return Err(Failure::new("ValueError", format!("`{other}` is not known"))),
    };
    Ok(Yield::values([Value::Image(result)]))
}

/// The square around each pixel; where its side is even, it reaches one pixel further up and left.
struct Square<'a> {
    side: usize,
    work: &'a Work,
}

impl Square<'_> {
    fn dilate(&self, image: &Image) -> Result<Image, Failure> {
        self.pick(image, larger, f32::NEG_INFINITY)
    }

    fn erode(&self, image: &Image) -> Result<Image, Failure> {
        self.pick(image, smaller, f32::INFINITY)
    }

    /// Takes the largest or smallest of a square: first of each row, then of each column.
    fn pick(
        &self,
        image: &Image,
        pick: impl Fn(f32, f32) -> f32 + Copy + Sync,
        outside: f32,
    ) -> Result<Image, Failure> {
        let of_rows = self.pick_along(image, pick, outside)?;
        if self.side <= ACROSS_MAX {
            return self.pick_across(&of_rows, pick, outside);
        }
        let of_both = self.pick_along(&self.transposed(&of_rows)?, pick, outside)?;
        self.transposed(&of_both)
    }

    fn pick_along(
        &self,
        image: &Image,
        pick: impl Fn(f32, f32) -> f32 + Copy + Sync,
        outside: f32,
    ) -> Result<Image, Failure> {
        let channels = image.shape().channels;
        let before = self.side / 2;
        let after = self.side - 1 - before;
        let picked = Image::by_rows(image.shape(), self.work, |frame, y, row| {
            let mut values = vec![outside; before * channels];
            values.extend_from_slice(image.row(frame, y));
            values.resize(values.len() + after * channels, outside);
            let mut reach = 1;
            let mut spare = Vec::with_capacity(values.len());
            while reach * 2 <= self.side {
                pick_ahead(&mut values, &mut spare, reach * channels, pick);
                reach *= 2;
            }
            pick_ahead(&mut values, &mut spare, (self.side - reach) * channels, pick);
            row.iter_mut().zip(&values).for_each(|(target, value)| *target = *value);
        })?;
        Ok(picked)
    }

    /// Takes the largest or smallest of the rows around each.
    fn pick_across(
        &self,
        image: &Image,
        pick: impl Fn(f32, f32) -> f32 + Copy + Sync,
        outside: f32,
    ) -> Result<Image, Failure> {
        let height = image.shape().height;
        let before = self.side / 2;
        let picked = Image::by_rows(image.shape(), self.work, |frame, y, row| {
            row.fill(outside);
            for line in y.saturating_sub(before)..(y + self.side - before).min(height) {
                row.iter_mut()
                    .zip(image.row(frame, line))
                    .for_each(|(target, value)| *target = pick(*target, *value));
            }
        })?;
        Ok(picked)
    }

    fn transposed(&self, image: &Image) -> Result<Image, Failure> {
        let shape = image.shape();
        let turned = Shape { height: shape.width, width: shape.height, ..shape };
        let image = Image::by_rows(turned, self.work, |frame, y, row| {
            for (x, pixel) in row.chunks_exact_mut(shape.channels).enumerate() {
                pixel.copy_from_slice(image.pixel(frame, x, y));
            }
        })?;
        Ok(image)
    }

    fn difference(&self, image: &Image, other: &Image) -> Result<Image, Failure> {
        let difference = Image::by_rows(image.shape(), self.work, |frame, y, row| {
            for (target, (a, b)) in row.iter_mut().zip(image.row(frame, y).iter().zip(other.row(frame, y))) {
                *target = a - b;
            }
        })?;
        Ok(difference)
    }
}

fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Up to this side, rows are compared one by one; beyond, fewer steps are worth that columns become rows.
const ACROSS_MAX: usize = 15;

/// Picks from each value and the one that lies `ahead`; so a value stands for twice as many as before.
fn pick_ahead(values: &mut Vec<f32>, spare: &mut Vec<f32>, ahead: usize, pick: impl Fn(f32, f32) -> f32) {
    let (last, later) = (values.len().saturating_sub(ahead), values.get(ahead..).unwrap_or_default());
    spare.clear();
    spare.extend(values.iter().zip(later).map(|(value, later)| pick(*value, *later)));
    spare.extend_from_slice(values.get(last..).unwrap_or_default());
    std::mem::swap(values, spare);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_takes_all_that_lie_in_it() {
        let shape = Shape { batch: 1, height: 7, width: 9, channels: 1 };
        let noise: Vec<f32> = (0_u8..63).map(|at| f32::from(at.wrapping_mul(151))).collect();
        let image = Image::from_values(shape, &Work::default(), noise).unwrap();
        for side in [3, 4, 5, 8, 21] {
            let square = Square { side, work: &Work::default() };
            let dilated = square.dilate(&image).unwrap();
            for (y, x) in (0..7).flat_map(|y| (0..9).map(move |x| (y, x))) {
                let lines =
                    |at: usize, end: usize| at.saturating_sub(side / 2)..(at + side - side / 2).min(end);
                let all = lines(y, 7).flat_map(|y| lines(x, 9).map(move |x| (y, x)));
                let largest = all.map(|(y, x)| image.pixel(0, y, x)[0]).fold(0.0, f32::max);
                assert_eq!(dilated.pixel(0, y, x), [largest], "{side}: {x}, {y}");
            }
        }
    }
}
