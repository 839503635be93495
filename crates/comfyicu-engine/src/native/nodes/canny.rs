//! Finding edges, as kornia's Canny does.

use std::f32::consts::PI;

use crate::native::call::{Call, Failure, Yield};
use crate::native::convolve::{exp, reflect};
use crate::native::definition::{Definition, Float, Form, Input, Output};
use crate::native::image::{Image, Shape};
use crate::native::number::{floor, from_f64, fused};
use crate::native::sum::sum;
use crate::native::value::Value;
use crate::native::work::Work;

const THRESHOLD_MIN: f64 = 0.01;
const THRESHOLD_MAX: f64 = 0.99;

pub(in crate::native) static CANNY: Definition = Definition {
    class_type: "Canny",
    description: "Finds edges: white lines on black.",
    category: "image/preprocessors",
    python_module: "comfy_extras.nodes_canny",
    form: Form::Schema,
    inputs: &[
        Input::image("image", "The images to find edges in."),
        Input::float(
            "low_threshold",
            Float::new(0.4, THRESHOLD_MIN, THRESHOLD_MAX, 0.01),
            "How strong an edge must be that goes on from a strong one.",
        ),
        Input::float(
            "high_threshold",
            Float::new(0.8, THRESHOLD_MIN, THRESHOLD_MAX, 0.01),
            "How strong an edge must be to count by itself.",
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
    let (low, high) = (call.float("low_threshold")?, call.float("high_threshold")?);
    if low > high {
        let message = format!("low_threshold is {low}, and must not be larger than high_threshold, {high}");
        return Err(Failure::new("Exception", message));
    }
    let Shape { height, width, channels, .. } = image.shape();
    if channels != 3 {
        let message = format!("edges are found in images of 3 channels, not of {channels}");
        return Err(Failure::new("RuntimeError", message));
    }
    if height <= REACH || width <= REACH {
        let message =
            format!("an image of {width}×{height} pixels is too small: each side must be at least 3");
        return Err(Failure::new("RuntimeError", message));
    }
    let (low, high) = (from_f64(low), from_f64(high));
    let work = &call.context.work;
    let gradient = Gradient::of(blurred(&grey(&image, work)?, work)?, work)?;
    let edges = traced(&gradient.thinned(low, work)?, low, high, work)?;
    let image = Image::by_rows(image.shape(), work, |frame, y, row| {
        for (pixel, edge) in row.as_chunks_mut::<3>().0.iter_mut().zip(edges.row(frame, y)) {
            pixel.fill(*edge);
        }
    })?;
    Ok(Yield::values([Value::Image(image)]))
}

fn grey(image: &Image, work: &Work) -> Result<Image, Failure> {
    let grey = Image::by_rows(Shape { channels: 1, ..image.shape() }, work, |frame, y, row| {
        for (value, [red, green, blue]) in row.iter_mut().zip(image.row(frame, y).as_chunks::<3>().0) {
            *value = 0.299 * red + 0.587 * green + 0.114 * blue;
        }
    })?;
    Ok(grey)
}

/// How far the blur reaches, in pixels.
const REACH: usize = 2;

/// Up to this many values at once, the margins among them, `PyTorch` rounds each product before it is added.
const ROUNDED_MAX: usize = 20_480;

fn blurred(image: &Image, work: &Work) -> Result<Image, Failure> {
    let bell = [-2.0_f32, -1.0, 0.0, 1.0, 2.0].map(|place| exp(-(place * place) / 2.0));
    let total = sum(&bell);
    let bell = bell.map(|weight| weight / total);
    let shape = image.shape();
    let Shape { height, width, .. } = shape;
    let adder = |padded: usize| {
        let rounded = shape.batch == 1 && padded <= ROUNDED_MAX;
        move |sum: f32, value: f32, weight: f32| {
            if rounded { sum + value * weight } else { fused(value, weight, sum) }
        }
    };
    let add = adder(height * (width + 2 * REACH));
    let along = Image::by_rows(shape, work, |frame, y, row| {
        let source = image.row(frame, y);
        let places = (0..width + 2 * REACH).map(|at| reflect(at, REACH, width));
        let padded: Vec<f32> = places.map(|x| source.get(x).copied().unwrap_or_default()).collect();
        for (at, weight) in bell.iter().enumerate() {
            let source = padded.get(at..).unwrap_or_default();
            row.iter_mut().zip(source).for_each(|(target, value)| *target = add(*target, *value, *weight));
        }
    })?;
    let add = adder((height + 2 * REACH) * width);
    let across = Image::by_rows(shape, work, |frame, y, row| {
        for (at, weight) in bell.iter().enumerate() {
            let source = along.row(frame, reflect(y + at, REACH, height));
            row.iter_mut().zip(source).for_each(|(target, value)| *target = add(*target, *value, *weight));
        }
    })?;
    Ok(across)
}

/// Sobel's weights of the pixels around one, row by row.
const ACROSS: [f32; 9] = [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0];
const DOWN: [f32; 9] = [-1.0, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0];

/// How much brighter it becomes at each pixel.
struct Gradient {
    image: Image,
    strength: Image,
}

impl Gradient {
    fn of(image: Image, work: &Work) -> Result<Self, Failure> {
        let strength = Image::by_rows(image.shape(), work, |frame, y, row| {
            let [across, down] = slopes_of_row(&image, frame, y);
            for (target, (across, down)) in row.iter_mut().zip(across.iter().zip(&down)) {
                *target = (across * across + down * down + 1e-6).sqrt();
            }
        })?;
        Ok(Self { image, strength })
    }

    /// Keeps the strength where it is larger than at both neighbours along its direction. What is not above `low`
    /// is no edge anyhow.
    fn thinned(&self, low: f32, work: &Work) -> Result<Image, Failure> {
        let thinned = Image::by_rows(self.strength.shape(), work, |frame, y, row| {
            let strengths = self.strength.row(frame, y);
            for (x, (target, strength)) in row.iter_mut().zip(strengths).enumerate() {
                if *strength > low && self.is_ridge(frame, (x, y), *strength) {
                    *target = *strength;
                }
            }
        })?;
        Ok(thinned)
    }

    fn is_ridge(&self, frame: usize, (x, y): (usize, usize), strength: f32) -> bool {
        let [across, down] = slopes(&self.image, frame, y, x);
        // Eighths of a turn from the right, clockwise, as whole numbers from -4 to 4.
        let direction = (down.atan2(across) * (4.0 / PI)).round_ties_even();
        let (right, down) = step(direction);
        let mut beside = [(right, down), (-right, -down)].into_iter().map(|(right, down)| {
            // Outside of the image there is nothing.
            let place = x.checked_add_signed(right).zip(y.checked_add_signed(down));
            place.map_or(0.0, |(x, y)| value(&self.strength, frame, y, x))
        });
        beside.all(|neighbour| strength - neighbour > 0.0)
    }
}

/// How much brighter it becomes to the right and down at a pixel; outside, the last pixels are repeated.
fn slopes(image: &Image, frame: usize, y: usize, x: usize) -> [f32; 2] {
    let Shape { height, width, .. } = image.shape();
    let lines = [y.saturating_sub(1), y, (y + 1).min(height - 1)];
    let columns = [x.saturating_sub(1), x, (x + 1).min(width - 1)];
    let around = lines.map(|y| columns.map(|x| value(image, frame, y, x)));
    [ACROSS, DOWN].map(|weights| {
        let products = around.as_flattened().iter().zip(weights).map(|(value, weight)| value * weight);
        products.fold(0.0, |sum, product| sum + product)
    })
}

/// The same for all pixels of a row, whose sums are made side by side.
fn slopes_of_row(image: &Image, frame: usize, y: usize) -> [Vec<f32>; 2] {
    let Shape { height, width, .. } = image.shape();
    let lines = [y.saturating_sub(1), y, (y + 1).min(height - 1)].map(|y| {
        let row = image.row(frame, y);
        let (first, last) = (row.first().copied(), row.last().copied());
        first.into_iter().chain(row.iter().copied()).chain(last).collect::<Vec<f32>>()
    });
    [ACROSS, DOWN].map(|weights| {
        let mut sums = vec![0.0; width];
        for (line, weights) in lines.iter().zip(weights.as_chunks::<3>().0) {
            for (at, weight) in weights.iter().enumerate() {
                let values = line.get(at..).unwrap_or_default();
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * weight);
            }
        }
        sums
    })
}

fn value(image: &Image, frame: usize, y: usize, x: usize) -> f32 {
    if y >= image.shape().height {
        return 0.0;
    }
    image.row(frame, y).get(x).copied().unwrap_or_default()
}

/// The neighbour in a direction or the opposite one, to the right and down.
fn step(direction: f32) -> (isize, isize) {
    const STEPS: [(isize, isize); 4] = [(1, 0), (1, 1), (0, 1), (-1, 1)];
    let eighth = floor(f64::from(direction.rem_euclid(4.0)));
    STEPS.get(eighth).copied().unwrap_or_default()
}

/// How many pixels are visited between two looks at whether the run was cancelled.
const VISITS: usize = 1 << 14;

/// Edges that are strong, and weak ones that go on from them.
fn traced(strength: &Image, low: f32, high: f32, work: &Work) -> Result<Image, Failure> {
    let shape = strength.shape();
    let trace = |(frame, found): (usize, &mut [f32])| {
        let mut to_visit = Vec::new();
        for y in 0..shape.height {
            work.go_on()?;
            let row = strength.row(frame, y).iter().enumerate();
            to_visit.extend(row.filter(|(_, strength)| **strength > high).map(|(x, _)| (y, x)));
        }
        let mut visited = 0_usize;
        while let Some((y, x)) = to_visit.pop() {
            if visited.is_multiple_of(VISITS) {
                work.go_on()?;
            }
            visited += 1;
            let Some(edge) = found.get_mut(y * shape.width + x).filter(|edge| **edge == 0.0) else {
                continue;
            };
            *edge = 1.0;
            for (y, x) in
                (y.saturating_sub(1)..=y + 1).flat_map(|y| (x.saturating_sub(1)..=x + 1).map(move |x| (y, x)))
            {
                if x < shape.width && value(strength, frame, y, x) > low {
                    to_visit.push((y, x));
                }
            }
        }
        Ok(())
    };
    let trace_all = |edges: &mut [f32]| edges.chunks_exact_mut(shape.frame()).enumerate().try_for_each(trace);
    Ok(Image::try_build(shape, work, trace_all)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_of_a_row_are_those_of_its_pixels() {
        let shape = Shape { batch: 2, height: 5, width: 7, channels: 1 };
        let noise: Vec<f32> = (0_u16..70).map(|at| f32::from(at * 151 % 101) / 100.0).collect();
        let image = Image::from_values(shape, &Work::default(), noise).unwrap();
        for (frame, y) in (0..2).flat_map(|frame| (0..5).map(move |y| (frame, y))) {
            let of_row = slopes_of_row(&image, frame, y);
            let of_pixels: Vec<[f32; 2]> = (0..7).map(|x| slopes(&image, frame, y, x)).collect();
            for (at, of_row) in of_row.iter().enumerate() {
                let of_pixels: Vec<f32> = of_pixels.iter().map(|slopes| slopes[at]).collect();
                assert_eq!(*of_row, of_pixels, "{frame}: {y}");
            }
        }
    }
}
